import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction } from '../../../src/membership/events.ts';
import type { Frame } from '../../../src/membership/messages.ts';
import { OUTBOX_MESSAGES_MAX } from '../../../src/membership/outbox.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { m } from './members.ts';
import { A, B, C, delivered, follower, heartbeat, pair, sent } from './scripted.ts';

describe('start', () => {
  it('delivers the view of itself with the first event, above the boot epoch', () => {
    const engine = createEngine({ self: A, timers: LAN, bootEpoch: 41 });
    expect(engine.handle({ kind: 'timeout' }, 0)[0]).toMatchObject({
      kind: 'deliver',
      event: { kind: 'view', view: { id: viewId(42, A), members: [A] } },
    });
  });
});

describe('names', () => {
  it('refuses a newer run of a name that is heard, and of its own name', () => {
    const engine = pair();
    for (const member of [m('b', 1), m('a', 1)]) {
      const actions = engine.handle({ kind: 'stream-opened', member, wireVersion: 1 }, 5);
      expect(actions).toContainEqual(
        expect.objectContaining({
          kind: 'close-stream',
          member,
          reason: expect.stringContaining('another name'),
        }),
      );
    }
  });

  it('lets the newer run in when the stream of the older one is gone', () => {
    const engine = pair();
    engine.handle({ kind: 'stream-closed', member: B, reason: 'reset' }, 5);
    const actions = engine.handle({ kind: 'stream-opened', member: m('b', 1), wireVersion: 1 }, 6);
    expect(actions.filter((action) => action.kind === 'close-stream')).toEqual([]);
  });

  it('lets the newer run in when the older one is silent, and closes that one', () => {
    const engine = pair();
    for (let now = 50; now <= 1_200; now += 50) engine.handle({ kind: 'timeout' }, now);
    const actions = engine.handle({ kind: 'stream-opened', member: m('b', 1), wireVersion: 1 }, 1_201);
    expect(actions).toContainEqual(expect.objectContaining({ kind: 'close-stream', member: B }));
    expect(actions).not.toContainEqual(expect.objectContaining({ kind: 'close-stream', member: m('b', 1) }));
  });

  it('refuses a wire version it cannot speak', () => {
    const actions = createEngine({ self: A, timers: LAN }).handle(
      { kind: 'stream-opened', member: B, wireVersion: 0 },
      0,
    );
    expect(actions).toContainEqual(expect.objectContaining({ kind: 'close-stream', member: B }));
  });
});

describe('messages', () => {
  it('puts its own and others into one sequence and gives it to all', () => {
    const engine = pair();
    const own = engine.handle({ kind: 'multicast', bytes: Uint8Array.of(1) }, 2);
    const view = viewId(2, A);
    const other = engine.handle(
      { kind: 'frame', member: B, frame: { kind: 'data', view, number: 1, bytes: Uint8Array.of(2) } },
      3,
    );
    expect(
      [...sent(own, 'ordered'), ...sent(other, 'ordered')].map(({ seq, sender }) => [seq, sender]),
    ).toEqual([
      [1, A],
      [2, B],
    ]);
    expect([...delivered(own), ...delivered(other)]).toEqual(['message', 'message']);
  });

  it('takes each number of a sender once', () => {
    const engine = pair();
    const frame = { kind: 'data', view: viewId(2, A), number: 1, bytes: Uint8Array.of(2) } as const;
    engine.handle({ kind: 'frame', member: B, frame }, 3);
    expect(delivered(engine.handle({ kind: 'frame', member: B, frame }, 4))).toEqual([]);
  });

  it('stops when the others do not keep up: the slow one is passed over, or we are detached, but nothing grows forever', () => {
    const engine = pair();
    const all: string[] = [];
    for (let i = 0; i < 3 * OUTBOX_MESSAGES_MAX; i++) {
      all.push(...delivered(engine.handle({ kind: 'multicast', bytes: Uint8Array.of(1) }, 2)));
    }
    expect(all.filter((kind) => kind === 'message').length).toBeLessThanOrEqual(OUTBOX_MESSAGES_MAX);
    expect(all.at(-1)).toBe('detached');
    expect(engine.nextTimeout()).toBeUndefined();
    expect(engine.handle({ kind: 'timeout' }, 9)).toEqual([]);
  });

  it('gives a slow member up after the heartbeat timeout and goes on', () => {
    const engine = pair();
    for (let i = 0; i < OUTBOX_MESSAGES_MAX + 10; i++)
      engine.handle({ kind: 'multicast', bytes: Uint8Array.of(1) }, 2);
    const kinds: string[] = [];
    for (let now = 10; now <= 1_400; now += 50) {
      const alive = heartbeat(B, { number: now, view: viewId(2, A), size: 2, hears: [incarnationOf(A)] });
      kinds.push(...delivered(engine.handle({ kind: 'heartbeat', member: B, heartbeat: alive }, now)));
      kinds.push(...delivered(engine.handle({ kind: 'tick' }, now)));
    }
    expect(kinds.filter((kind) => kind === 'view')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'message')).toHaveLength(10);
  });
});

describe('attempts', () => {
  it('does not trust a stream that broke during the view, though it is back', () => {
    const engine = follower(C, [A, B, C]);
    engine.handle({ kind: 'stream-closed', member: A, reason: 'reset' }, 2);
    engine.handle({ kind: 'stream-opened', member: A, wireVersion: 1 }, 3);
    expect(engine.status().state).toBe('gather');
  });

  it('delivers nothing between its promise and the end of the attempt, and everything after', () => {
    const members = [A, B];
    const engine = follower(B, members);
    const give = (frame: Frame) => engine.handle({ kind: 'frame', member: A, frame }, 1);
    const message = {
      kind: 'ordered',
      view: viewId(2, A),
      stable: 0,
      sender: A,
      bytes: Uint8Array.of(1),
    } as const;
    expect(delivered(give({ ...message, seq: 1, number: 1 }))).toEqual(['message']);
    expect(sent(give({ kind: 'prepare', epoch: 3, members }), 'promise')).toMatchObject([{ received: 1 }]);
    expect(delivered(give({ ...message, seq: 2, number: 2 }))).toEqual([]);
    expect(sent(engine.handle({ kind: 'multicast', bytes: Uint8Array.of(2) }, 1), 'data')).toEqual([]);
    const after = give({ kind: 'cancel', epoch: 3 });
    expect(delivered(after)).toEqual(['message']);
    expect(sent(after, 'data')).toHaveLength(1);
  });

  it('frees who promises to an attempt that is over', () => {
    const promise = { view: viewId(1, B), received: 0, stable: 0, fresh: true, absent: [] };
    const frame = { kind: 'promise', attempt: { epoch: 1, proposer: A }, ...promise } as const;
    expect(sent(pair().handle({ kind: 'frame', member: B, frame }, 5), 'cancel')).toEqual([
      { kind: 'cancel', epoch: 1 },
    ]);
  });

  it('learns from a refusal whom the refuser does not hear', () => {
    const engine = createEngine({ self: A, timers: LAN });
    const all = [A, B, C].map(incarnationOf);
    for (const member of [B, C]) engine.handle({ kind: 'stream-opened', member, wireVersion: 1 }, 0);
    engine.handle({ kind: 'heartbeat', member: C, heartbeat: heartbeat(C, { hears: all }) }, 0);
    engine.handle({ kind: 'heartbeat', member: B, heartbeat: heartbeat(B, { hears: all }) }, 0);
    const first = sent(engine.handle({ kind: 'timeout' }, 50), 'prepare');
    const epoch = 2;
    const refusal = { reason: 'unheard', highest: 1, size: 1, unheard: [C] } as const;
    const frame = { kind: 'refuse', attempt: { epoch, proposer: A }, ...refusal } as const;
    const next = [
      ...engine.handle({ kind: 'frame', member: B, frame }, 51),
      ...engine.handle({ kind: 'timeout' }, 110),
    ];
    expect(first.every(({ members }) => members.length === 3)).toBe(true);
    expect(sent(next, 'prepare')[0]?.members).toEqual([A, B]);
  });
});

describe('leave', () => {
  it('is over at once when there is nobody to tell', () => {
    const engine = createEngine({ self: A, timers: LAN });
    expect(engine.handle({ kind: 'leave' }, 0)).toContainEqual({ kind: 'left' });
  });

  it('waits for the farewell, and not longer than the bound', () => {
    const engine = pair();
    const first = engine.handle({ kind: 'leave' }, 10);
    expect(sent(first, 'goodbye')).toHaveLength(1);
    expect(first).not.toContainEqual({ kind: 'left' });
    expect(engine.handle({ kind: 'frame', member: B, frame: { kind: 'farewell' } }, 11)).toContainEqual({
      kind: 'left',
    });
    const unheard = pair();
    const actions: EngineAction[] = [];
    unheard.handle({ kind: 'leave' }, 10);
    for (let now = 50; now <= 520; now += 10) actions.push(...unheard.handle({ kind: 'timeout' }, now));
    expect(actions).toContainEqual({ kind: 'left' });
  });

  it('sends what was multicast before, first', () => {
    const engine = pair();
    engine.handle({ kind: 'multicast', bytes: Uint8Array.of(1) }, 10);
    expect(sent(engine.handle({ kind: 'leave' }, 10), 'goodbye')).toHaveLength(1);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction, EngineEvent, SansIoEngine } from '../../../src/membership/events.ts';
import type { Frame, Heartbeat } from '../../../src/membership/messages.ts';
import { OUTBOX_MESSAGES_MAX } from '../../../src/membership/outbox.ts';
import type { MemberId } from '../../../src/model/member.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { m } from './members.ts';

const A = m('a');
const B = m('b');
const C = m('c');

function heartbeat(sender: MemberId, part: Partial<Heartbeat> = {}): Heartbeat {
  const own = {
    sender,
    number: 1,
    well: true,
    view: viewId(1, sender),
    size: 1,
    highest: 1,
    received: 0,
    stable: 0,
  };
  return { ...own, hears: [], ...part };
}

function sent<K extends Frame['kind']>(
  actions: readonly EngineAction[],
  kind: K,
): Extract<Frame, { kind: K }>[] {
  return actions.flatMap((action) =>
    action.kind === 'send' && action.frame.kind === kind ? [action.frame as Extract<Frame, { kind: K }>] : [],
  );
}

function delivered(actions: readonly EngineAction[]): string[] {
  return actions.flatMap((action) => (action.kind === 'deliver' ? [action.event.kind] : []));
}

/** Opens a stream and lets both hear each other. */
function meet(engine: SansIoEngine, member: MemberId, now: number): EngineAction[] {
  return [
    ...engine.handle({ kind: 'stream-opened', member, wireVersion: 1 }, now),
    ...engine.handle(
      { kind: 'heartbeat', member, heartbeat: heartbeat(member, { hears: [incarnationOf(A)] }) },
      now,
    ),
  ];
}

/** A together with B, at 1 ms; B is played by the test. */
function pair(): SansIoEngine {
  const engine = createEngine({ self: A, timers: LAN });
  const prepare = sent(meet(engine, B, 0), 'prepare')[0]!;
  const promise = { view: viewId(1, B), received: 0, stable: 0, fresh: true, absent: [] };
  const attempt = { epoch: prepare.epoch, proposer: A };
  const actions = engine.handle(
    { kind: 'frame', member: B, frame: { kind: 'promise', attempt, ...promise } },
    1,
  );
  expect(delivered(actions)).toEqual(['transitional', 'view']);
  return engine;
}

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

/** `self` (not A) in a view with these members, epoch 2, led by A; the others are played by the test. */
function follower(self: MemberId, members: readonly MemberId[]): SansIoEngine {
  const engine = createEngine({ self, timers: LAN });
  for (const member of members) {
    if (member === self) continue;
    engine.handle({ kind: 'stream-opened', member, wireVersion: 1 }, 0);
    const hears = members.filter((other) => other !== member).map(incarnationOf);
    engine.handle({ kind: 'heartbeat', member, heartbeat: heartbeat(member, { hears }) }, 0);
  }
  const give = (frame: Frame) => engine.handle({ kind: 'frame', member: A, frame }, 1);
  expect(sent(give({ kind: 'prepare', epoch: 2, members }), 'promise')).toMatchObject([
    { view: viewId(1, self) },
  ]);
  const origins = members.map((member) => ({
    view: viewId(1, member),
    fresh: true,
    cut: 0,
    stable: 0,
    departed: [],
    source: member,
    from: [{ member, received: 0 }],
  }));
  expect(delivered(give({ kind: 'install', epoch: 2, members, origins }))).toEqual(['transitional', 'view']);
  return engine;
}

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

describe('hostile and stray frames', () => {
  it.each<{ what: string; frame: Frame }>([
    { what: 'a prepare without us', frame: { kind: 'prepare', epoch: 9, members: [B, C] } },
    { what: 'a prepare led by another', frame: { kind: 'prepare', epoch: 9, members: [A, B] } },
    { what: 'a prepare that names one twice', frame: { kind: 'prepare', epoch: 9, members: [B, A, A] } },
    {
      what: 'a prepare from beyond time',
      frame: { kind: 'prepare', epoch: Number.MAX_SAFE_INTEGER, members: [B, A] },
    },
    {
      what: 'an install nobody prepared',
      frame: { kind: 'install', epoch: 9, members: [B, A], origins: [] },
    },
    {
      what: 'messages of another view',
      frame: {
        kind: 'ordered',
        view: viewId(7, B),
        seq: 1,
        stable: 0,
        sender: B,
        number: 1,
        bytes: Uint8Array.of(1),
      },
    },
    {
      what: 'a fill nobody asked for',
      frame: { kind: 'fill', view: viewId(2, A), seq: 1, sender: B, number: 1, bytes: Uint8Array.of(1) },
    },
    {
      what: 'data of another view',
      frame: { kind: 'data', view: viewId(9, A), number: 1, bytes: Uint8Array.of(1) },
    },
    { what: "another's heartbeat", frame: { kind: 'hear', heartbeat: heartbeat(C, { number: 99 }) } },
  ])('$what changes nothing', ({ frame }) => {
    const engine = pair();
    const actions = engine.handle({ kind: 'frame', member: B, frame }, 5);
    expect(delivered(actions)).toEqual([]);
    expect(sent(actions, 'promise')).toEqual([]);
    expect(engine.status().state).toBe('operational');
  });

  it('refuses a prepare with one it does not hear, naming that one', () => {
    const actions = pair().handle(
      { kind: 'frame', member: B, frame: { kind: 'prepare', epoch: 9, members: [B, A, C] } },
      5,
    );
    expect(sent(actions, 'refuse')).toMatchObject([{ reason: 'unheard', unheard: [C] }]);
  });

  it('frames from who has no stream are ignored', () => {
    const actions = pair().handle({ kind: 'frame', member: C, frame: { kind: 'goodbye' } }, 5);
    expect(actions.filter((action) => action.kind === 'send')).toEqual([]);
  });

  it('forgets strangers: any number of them takes a bounded place', () => {
    const engine = createEngine({ self: A, timers: LAN });
    for (let i = 0; i < 1_000; i++) {
      const stranger = m(`s${i}`);
      engine.handle({ kind: 'heartbeat', member: stranger, heartbeat: heartbeat(stranger) }, i / 100);
    }
    expect(engine.status().peers.length).toBeLessThanOrEqual(256);
  });

  it('survives any sequence of events', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, fc.nat(300)), { maxLength: 60 }), (steps) => {
        const engine = pair();
        let now = 1;
        for (const [event, later] of steps) {
          now += later;
          expect(Array.isArray(engine.handle(event, now))).toBe(true);
          const due = engine.nextTimeout();
          if (due !== undefined) expect(due).toBeGreaterThanOrEqual(now);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const anyMember = fc.constantFrom(A, B, C, m('d'), m('b', 1));
const anyMembers = fc.array(anyMember, { maxLength: 4 });
const anyCount = fc.oneof(fc.nat(4), fc.maxSafeNat());
const anyView = fc.tuple(anyCount, anyMember).map(([epoch, member]) => viewId(epoch, member));
const anyBytes = fc.constant(Uint8Array.of(1, 2, 3));
const anyAttempt = fc.record({ epoch: anyCount, proposer: anyMember });
const anyHeartbeat = fc.record({
  sender: anyMember,
  number: anyCount,
  well: fc.boolean(),
  view: anyView,
  size: fc.nat(5),
  hears: anyMembers.map((members) => members.map(incarnationOf)),
  highest: anyCount,
  received: anyCount,
  stable: anyCount,
});
const anyOrigin = fc.record({
  view: anyView,
  fresh: fc.boolean(),
  cut: anyCount,
  stable: anyCount,
  source: anyMember,
  from: fc.array(fc.record({ member: anyMember, received: anyCount }), { maxLength: 3 }),
  departed: fc.constant([]),
});
const anyMessage = {
  view: anyView,
  number: anyCount,
  bytes: anyBytes,
  sender: anyMember,
  seq: anyCount,
  stable: anyCount,
};
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('prepare' as const), epoch: anyCount, members: anyMembers }),
  fc.record({
    kind: fc.constant('promise' as const),
    attempt: anyAttempt,
    view: anyView,
    received: anyCount,
    stable: anyCount,
    fresh: fc.boolean(),
    absent: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant('refuse' as const),
    attempt: anyAttempt,
    reason: fc.constantFrom('stale' as const, 'busy' as const, 'unheard' as const, 'leaving' as const),
    highest: anyCount,
    size: fc.nat(9),
    unheard: anyMembers,
  }),
  fc.record({
    kind: fc.constant('install' as const),
    epoch: anyCount,
    members: anyMembers,
    origins: fc.array(anyOrigin, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('installed' as const), view: anyView }),
  fc.record({ kind: fc.constant('cancel' as const), epoch: anyCount }),
  fc.record({ kind: fc.constantFrom('data' as const, 'ordered' as const, 'fill' as const), ...anyMessage }),
  fc.record({ kind: fc.constant('ack' as const), view: anyView, received: anyCount }),
  fc.record({ kind: fc.constant('hear' as const), heartbeat: anyHeartbeat }),
  fc.record({ kind: fc.constantFrom('goodbye' as const, 'farewell' as const) }),
);
const anyEvent: fc.Arbitrary<EngineEvent> = fc.oneof(
  fc.record({ kind: fc.constant('frame' as const), member: anyMember, frame: anyFrame }),
  fc.record({ kind: fc.constant('frame' as const), member: fc.constant(B), frame: anyFrame }),
  fc.record({ kind: fc.constant('heartbeat' as const), member: anyMember, heartbeat: anyHeartbeat }),
  fc.record({
    kind: fc.constant('stream-opened' as const),
    member: anyMember,
    wireVersion: fc.constantFrom(0, 1),
  }),
  fc.record({ kind: fc.constant('stream-closed' as const), member: anyMember, reason: fc.constant('test') }),
  fc.record({ kind: fc.constant('probe-answered' as const), member: anyMember, probe: anyCount }),
  fc.record({ kind: fc.constant('probe-unavailable' as const), member: anyMember }),
  fc.record({ kind: fc.constant('multicast' as const), bytes: anyBytes }),
  fc.record({ kind: fc.constantFrom('tick' as const, 'timeout' as const, 'leave' as const) }),
  fc.record({ kind: fc.constant('stalled' as const), lateness: fc.nat(5_000) }),
);

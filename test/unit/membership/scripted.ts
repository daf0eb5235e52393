/** An engine whose peers are played by the test, frame by frame. A is the smallest name. */
import { expect } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction, SansIoEngine } from '../../../src/membership/events.ts';
import type { Frame, Heartbeat } from '../../../src/membership/messages.ts';
import type { MemberId } from '../../../src/model/member.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { m } from './members.ts';

export const A = m('a');
export const B = m('b');
export const C = m('c');

export function heartbeat(sender: MemberId, part: Partial<Heartbeat> = {}): Heartbeat {
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

export function sent<K extends Frame['kind']>(
  actions: readonly EngineAction[],
  kind: K,
): Extract<Frame, { kind: K }>[] {
  return actions.flatMap((action) =>
    action.kind === 'send' && action.frame.kind === kind ? [action.frame as Extract<Frame, { kind: K }>] : [],
  );
}

/** What was delivered; of better views only that one outranks ours. */
export function delivered(actions: readonly EngineAction[]): string[] {
  return actions.flatMap((action) => {
    if (action.kind !== 'deliver') return [];
    const { event } = action;
    return event.kind === 'outranked' && event.by === undefined ? [] : [event.kind];
  });
}

/** Opens a stream and lets both hear each other. */
export function meet(engine: SansIoEngine, member: MemberId, now: number): EngineAction[] {
  return [
    ...engine.handle({ kind: 'stream-opened', member, wireVersion: 1 }, now),
    ...engine.handle(
      { kind: 'heartbeat', member, heartbeat: heartbeat(member, { hears: [incarnationOf(A)] }) },
      now,
    ),
  ];
}

/** A together with B, at 1 ms; B is played by the test. */
export function pair(): SansIoEngine {
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

/** `self` (not A) in a view with these members, epoch 2, led by A; the others are played by the test. */
export function follower(self: MemberId, members: readonly MemberId[]): SansIoEngine {
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

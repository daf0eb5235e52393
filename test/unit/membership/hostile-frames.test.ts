import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineEvent } from '../../../src/membership/events.ts';
import type { Frame } from '../../../src/membership/messages.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { m } from './members.ts';
import { A, B, C, delivered, heartbeat, pair, sent } from './scripted.ts';

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

  it('a heartbeat from a view beyond all that its sender has seen is not believed', () => {
    const engine = pair();
    const lie = heartbeat(B, { number: 9, hears: [incarnationOf(A)], view: viewId(2 ** 50, B), highest: 3 });
    const actions = engine.handle({ kind: 'heartbeat', member: B, heartbeat: lie }, 5);
    // Believed, B would have left every view at the moment of its installation, and views would follow each other without end.
    expect(sent(actions, 'prepare')).toEqual([]);
    expect(engine.status().state).toBe('operational');
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

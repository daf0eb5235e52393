/** What an idle member sends, and how often it has to wake for it. */
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../../src/config/profiles.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import type { RoutineEvent, SansIoEngine } from '../../../src/membership/events.ts';
import { memberId } from '../../../src/model/member.ts';
import { heartbeat, meet } from './scripted.ts';

const A = memberId('a', '0000000000000001');
const B = memberId('b', '0000000000000001');
const C = memberId('c', '0000000000000001');
const SECONDS = 20;

describe.each(['lan', 'fast', 'wan'] as const)('an idle member, profile %s', (profile) => {
  const timers = PROFILES[profile];

  test('sends heartbeats as often as configured, and wakes for probes alone', () => {
    const engine = createEngine({ self: A, timers });
    engine.handle({ kind: 'stream-opened', member: B, wireVersion: 1 }, 0);
    const heartbeats: number[] = [];
    const probes: number[] = [];
    let wakes = 0;
    let read: RoutineEvent[] = [];
    for (let now = 0; now < SECONDS * 1000; now = engine.nextTimeout()!) {
      wakes += 1;
      const actions = engine.handle({ kind: 'timeout', read: [...read, { kind: 'tick' }] }, now);
      read = actions.flatMap((action) =>
        action.kind === 'probe' ? [{ kind: 'probe-answered', member: B, probe: action.probe }] : [],
      );
      if (read.length > 0) probes.push(now);
      if (actions.some((action) => action.kind === 'heartbeat' && action.to === B)) heartbeats.push(now);
    }
    const settled = heartbeats.slice(2);
    expect(settled.filter((at) => !probes.includes(at))).toEqual([]);
    expect(wakes).toBeLessThanOrEqual(probes.length + 3);
    const pauses = settled.slice(1).map((at, index) => at - settled[index]!);
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    const off = Math.min(timers.probe_interval_ms, timers.heartbeat_interval_ms) / 2;
    expect(Math.abs(mean - timers.heartbeat_interval_ms)).toBeLessThan(off / 10);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(timers.heartbeat_interval_ms + 2 * off);
  });
});

describe('a stream is born between two rounds', () => {
  const timers = PROFILES.lan;
  const birth = 20;

  function between(): { readonly engine: SansIoEngine; readonly asked: readonly number[] } {
    const engine = createEngine({ self: A, timers });
    meet(engine, B, 0);
    const actions = meet(engine, C, birth);
    const asked = actions.flatMap((action) =>
      action.kind === 'probe' && action.to === C ? [action.probe] : [],
    );
    return { engine, asked };
  }

  test('its kernel is asked at once, once', () => {
    expect(between().asked).toHaveLength(1);
  });

  test('whoever dies before the next round is given up by silence, and not a heartbeat timeout later', () => {
    const { engine, asked } = between();
    engine.handle({ kind: 'probe-answered', member: C, probe: asked[0]! }, birth + 1);
    const limit = birth + timers.probe_interval_ms + timers.probe_timeout_ms;
    let now = engine.nextTimeout()!;
    for (; now < limit; now = engine.nextTimeout()!) {
      const heard = engine.handle({ kind: 'heartbeat', member: B, heartbeat: heartbeat(B) }, now - 0.001);
      const due = engine.handle({ kind: 'timeout', read: [{ kind: 'tick' }] }, now);
      for (const action of [...heard, ...due])
        if (action.kind === 'probe' && action.to === B)
          engine.handle({ kind: 'probe-answered', member: B, probe: action.probe }, now);
    }
    engine.handle({ kind: 'timeout' }, limit);
    const host = engine.status().peers.find(({ member }) => member === C)?.host;
    expect(host).toBe('silent');
  });
});

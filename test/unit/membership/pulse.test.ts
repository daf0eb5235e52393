/** What an idle member sends, and how often it has to wake for it. */
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../../src/config/profiles.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import type { RoutineEvent } from '../../../src/membership/events.ts';
import { memberId } from '../../../src/model/member.ts';

const A = memberId('a', '0000000000000001');
const B = memberId('b', '0000000000000001');
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

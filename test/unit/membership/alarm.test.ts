/** Heartbeats out of turn, and what they spare whom. */
import { describe, expect, it } from 'vitest';
import type { EngineAction } from '../../../src/membership/events.ts';
import { Peer } from '../../../src/membership/peer.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { A, B, C, follower, heartbeat, pair, sent } from './scripted.ts';

const toB = (actions: readonly EngineAction[]) =>
  actions.filter((action) => action.kind === 'heartbeat' && action.to === B).length;

describe('a member whose kernel leaves a probe unanswered', () => {
  it('gets a heartbeat with every further probe', () => {
    const engine = pair();
    engine.handle({ kind: 'probe-answered', member: B, probe: 1 }, 1);
    let count = 0;
    for (let now = 2; now < 2 + 3 * LAN.probe_interval_ms; now++)
      count += toB(engine.handle({ kind: 'timeout' }, now));
    expect(count).toBeGreaterThanOrEqual(2);
  });
});

describe('a member that a view went on without', () => {
  it('gets a heartbeat with the view, and more at the pace of probes for two heartbeat intervals', () => {
    const engine = pair();
    const first = engine.handle({ kind: 'stream-closed', member: B, reason: 'test' }, 10);
    expect(first.some((action) => action.kind === 'deliver' && action.event.kind === 'view')).toBe(true);
    expect(toB(first)).toBe(1);
    let count = 0;
    for (let now = 11; now < 10 + 2 * LAN.heartbeat_interval_ms; now++)
      count += toB(engine.handle({ kind: 'timeout' }, now));
    expect(count).toBeGreaterThanOrEqual(Math.floor((2 * LAN.heartbeat_interval_ms) / LAN.probe_interval_ms));
  });
});

describe('a better view that is heard', () => {
  /** What B, with A in view 2, is told when C says that it has installed view 3, which A proposed to both, or a later one. */
  function toldBy(epoch: number): unknown[] {
    const engine = follower(B, [A, B]);
    const hears = [A, B].map(incarnationOf);
    engine.handle({ kind: 'stream-opened', member: C, wireVersion: 1 }, 2);
    engine.handle({ kind: 'heartbeat', member: C, heartbeat: heartbeat(C, { hears }) }, 2);
    const prepare = { kind: 'prepare', epoch: 3, members: [A, B, C] } as const;
    expect(sent(engine.handle({ kind: 'frame', member: A, frame: prepare }, 3), 'promise')).toHaveLength(1);
    const news = heartbeat(C, { number: 2, hears, view: viewId(epoch, A), size: 3, highest: epoch });
    return engine
      .handle({ kind: 'frame', member: C, frame: { kind: 'hear', heartbeat: news } }, 4)
      .flatMap((action) =>
        action.kind === 'deliver' && action.event.kind === 'outranked' ? [action.event.contested] : [],
      );
  }

  it('contests who is not in it, and nobody who is about to install it', () => {
    expect(toldBy(4)).toEqual([true]);
    expect(toldBy(3)).toEqual([]);
  });
});

describe('a member that is heard after its host fell silent', () => {
  it('went as a process: its host is up', () => {
    const departure = (heardAt: number) => {
      const peer = new Peer(B, LAN, { now: 0, inView: false });
      peer.detector.opened();
      peer.detector.probeSent(1, 0);
      peer.detector.probeAnswered(1, 1);
      peer.detector.probeSent(2, 70);
      peer.detector.heard(heardAt);
      return peer.departure(70 + LAN.probe_timeout_ms);
    };
    expect([departure(60), departure(140)]).toEqual(['host', 'process']);
  });
});

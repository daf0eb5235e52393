/** How long many VIPs take to move: cable pull of a host, until the last of all VIPs is held elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNow } from '../../src/platform/clock.ts';
import { takeoverTime, withCluster } from './faults.ts';
import type { SubjectKind } from './subject.ts';

export const VIP_COUNTS = [1, 100, 1000];

export interface ScaleRun {
  /** VIPs the victim held, all of which had to move. */
  readonly moved: number;
  /** Fault → last of them held elsewhere, ms; absent when it did not happen within the window. */
  readonly takeover_ms?: number;
  /** Worst outage of the ten VIPs the client asked, ms. */
  readonly outage_ms: number;
}

export async function runScale(kind: SubjectKind, vips: number): Promise<ScaleRun> {
  return withCluster(kind, { vips, asked: 10, interval_ms: 5 }, async ({ observatory, victim }) => {
    const moved = [...(await observatory.holders()).values()].filter(
      (hosts) => hosts[0] === victim.name,
    ).length;
    const at = monotonicNow();
    await victim.pullCable();
    await sleep(kind.traits.window_ms);
    const { outage_ms } = await observatory.sighting(at);
    const takeover_ms = await takeoverTime(observatory, { victim, at });
    return { moved, outage_ms, ...(takeover_ms === undefined ? {} : { takeover_ms }) };
  });
}

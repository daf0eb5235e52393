/** Nothing fails, but the machine is busy: does anybody lose a VIP for no reason? */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { longestDuplicate } from '../../src/lab/custody.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { withCluster } from './faults.ts';
import type { SubjectKind } from './subject.ts';

const HOGS = 8;

export interface HogsRun {
  /** Addresses that changed hands though nothing was wrong. */
  readonly moves: number;
  readonly outage_ms: number;
  readonly duplicate_ms: number;
  readonly stall_ms: number;
}

export async function runHogs(kind: SubjectKind, minutes: number): Promise<HogsRun> {
  return withCluster(kind, { vips: 10, interval_ms: 5 }, async ({ observatory }) => {
    // Balancing after the start is no false suspicion: let it come to rest.
    await sleep(15_000);
    const hogs = Array.from({ length: HOGS }, hog);
    const from = monotonicNow();
    try {
      await sleep(minutes * 60_000);
    } finally {
      for (const { pid } of hogs) if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }
    const sighting = await observatory.sighting(from);
    const { holds } = await observatory.custody();
    return {
      moves: holds.filter((hold) => hold.from >= from).length,
      outage_ms: sighting.outage_ms,
      duplicate_ms: longestDuplicate(sighting.duplicates, sighting.window),
      stall_ms: sighting.stall_ms,
    };
  });
}

function hog(): ChildProcess {
  return spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
}

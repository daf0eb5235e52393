/** Time for the suites: the scale of `platform/clock.ts`, without that file's native parts, so that the suites need nothing but Node. */
import type { Instant, Millis } from '../model/time.ts';

/** For what a contract calls at once; generous, as the machine may be busy. */
export const SOON: Millis = 5000;

/** Milliseconds on CLOCK_MONOTONIC. */
export function monotonicNow(): Instant {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits for something that has no event of its own. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'a condition',
): Promise<void> {
  const end = monotonicNow() + SOON;
  while (!(await condition())) {
    if (monotonicNow() > end) throw new Error(`waited ${SOON} ms in vain for ${what}`);
    await pause(2);
  }
}

export async function pause(length: Millis): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, length));
}

/** The clocks: one that never steps, one that also counts the time the machine was suspended. No timers. */
import type { Instant } from '../model/time.ts';
import { readClock } from './libc.ts';

const CLOCK_BOOTTIME = 7;

/**
 * Milliseconds on CLOCK_MONOTONIC, fractions included; the same scale in all threads of a process.
 * Stands still while the machine is suspended.
 */
export function monotonicNow(): Instant {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Milliseconds on CLOCK_BOOTTIME: like {@link monotonicNow}, and it goes on while the machine is suspended. */
export function bootTimeNow(): Instant {
  return readClock(CLOCK_BOOTTIME);
}

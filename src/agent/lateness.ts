/** How late a process may be before its core has to know. */
import type { Config } from '../config/config.ts';
import type { Millis } from '../model/time.ts';

/**
 * Later than this (ms) is worth an event `stalled`. Well below the time for which others wait for a report: who stood still for longer may
 * read as new what was settled without it.
 */
export function noteworthyLateness({
  stall_bound_ms,
  report_timeout_ms,
}: Pick<Config['agent'], 'stall_bound_ms' | 'report_timeout_ms'>): Millis {
  return Math.min(stall_bound_ms, report_timeout_ms / 2);
}

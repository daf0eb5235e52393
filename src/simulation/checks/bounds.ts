/**
 * How long things may take, from the timers in force: the checkers' bounds. Each is the sum of what the protocol may have to
 * wait for, so that it is as narrow as can be for each profile.
 */
import type { DetectorTimers } from '../../config/config.ts';
import type { Millis } from '../../model/time.ts';

/** Pauses between dials grow up to this (`group/dialler.ts`). */
const DIAL_PAUSE_MAX: Millis = 1_000;
const REPORTS_MAX: Millis = 500;
/** From the decision to the address being gone. */
const RELEASE_MAX: Millis = 300;

/**
 * From the moment two hosts can know of each other to the release of what both have: dialled, heard, held back, merged or
 * outranked, reported, released.
 */
export function mergeBound(timers: DetectorTimers): Millis {
  const met = DIAL_PAUSE_MAX + 1.3 * timers.seek_interval_ms;
  const settled = 2 * timers.heartbeat_interval_ms + 3 * timers.phase_timeout_ms;
  return met + settled + REPORTS_MAX + RELEASE_MAX;
}

/**
 * The same where both are well and nothing else happens: a heartbeat or a seek arrives, and the lower view yields two
 * heartbeat intervals later even where no merge comes of it. `way`: longest of a datagram or a frame, ms; a merge and its reports are six of
 * them.
 */
export function calmMergeBound(timers: DetectorTimers, way: Millis): Millis {
  const { probe_interval_ms, heartbeat_interval_ms, seek_interval_ms } = timers;
  const met = Math.max(1.3 * seek_interval_ms, heartbeat_interval_ms + probe_interval_ms);
  return met + 2 * heartbeat_interval_ms + probe_interval_ms + 6 * way + RELEASE_MAX;
}

/**
 * From the last disturbance of anybody until no view follows: links that flapped are held down for up to 64 times their hold, and the view
 * that such a hold's end brings may leave out others, whose links are held down from then on.
 */
export function restBound(timers: DetectorTimers): Millis {
  const streams = 3_000; // until TCP gives up what nobody answers
  return 2 * (64 * timers.link_hold_ms + mergeBound(timers)) + timers.heartbeat_timeout_ms + streams;
}

/** From the last disturbance of a component until every VIP is up in it: noticed, a view, doubts as long as a lease, maturity. */
export function serveBound(
  timers: DetectorTimers,
  { leaseBound, maturity }: { readonly leaseBound: Millis; readonly maturity: Millis },
): Millis {
  const noticed = Math.max(timers.heartbeat_timeout_ms, timers.probe_timeout_ms + timers.probe_interval_ms);
  const view = DIAL_PAUSE_MAX + 3 * timers.phase_timeout_ms + REPORTS_MAX;
  return noticed + view + Math.max(leaseBound, maturity) + 2 * REPORTS_MAX;
}

/**
 * From the end of all faults until all is well: a call that hangs is given up after 30 s, then an acquire may wait 30 s for
 * its next attempt; a link that flapped is held down for up to 64 times its hold.
 */
export function recoveryBound(timers: DetectorTimers): Millis {
  return 60_000 + 4 * mergeBound(timers) + 64 * timers.link_hold_ms;
}

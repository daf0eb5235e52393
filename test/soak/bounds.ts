/**
 * How long anything may take, from the timers of the profile and the defaults of the configuration. Each is the sum of what the worst
 * of the planned faults has to wait for, one after the other; a busy machine gets an allowance on top.
 */

import { PROFILES } from '../../src/config/profiles.ts';
import type { Millis } from '../../src/model/time.ts';

export interface Bounds {
  /** For which a VIP may go unserved after the last thing that happened. */
  readonly unserved: Millis;
  /** After a connection between two hosts came back, both may hold a VIP for so long. */
  readonly merge: Millis;
  /** A kernel drops an address so long after its agent last ran, at the latest. */
  readonly lease: Millis;
  /** Until all agents are in one view and every VIP is served, after all is well again. */
  readonly calm: Millis;
}

/** The `local` provider's default lease, and the kernel's own lateness with it (it looks about once a second). */
const LEASE = 3000;
const LEASE_LATENESS = 1000;
const REPORT_TIMEOUT = 500;
const RETRY_MIN = 500;
const CARRIER_HOLD = 500;
/** Several agents on few processors. */
const ALLOWANCE = 1000;

export function boundsOf(profile: 'lan' | 'fast'): Bounds {
  const timers = PROFILES[profile];
  // The slowest detector is the one of a hung agent; the first proposer may be gone as well.
  const viewChange = timers.probe_interval_ms + 3 * timers.phase_timeout_ms;
  const noticed = timers.heartbeat_timeout_ms + 2 * viewChange;
  const lease = LEASE + LEASE_LATENESS;
  return {
    unserved: noticed + REPORT_TIMEOUT + lease + RETRY_MIN + ALLOWANCE,
    // A link that came back is found by seeks, held down (at most 64 times), then a view change and reports.
    merge: 10 * timers.seek_interval_ms + 2 * viewChange + REPORT_TIMEOUT + ALLOWANCE,
    lease,
    calm: 64 * timers.link_hold_ms + noticed + REPORT_TIMEOUT + CARRIER_HOLD + lease + 5000 + 5 * ALLOWANCE,
  };
}

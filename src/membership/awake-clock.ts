/**
 * Time in which the engine's own stalls do not happen. Everything in the engine is measured on it, so that after a
 * pause no deadline has come nearer than it was: nobody is judged for the time we did not run.
 */
import type { Instant, Millis } from '../model/time.ts';

export class AwakeClock {
  /** A call later than this past the asked instant counts as a stall. */
  private readonly tolerance: Millis;
  private lost: Millis = 0;
  /** Real instant up to which stalls are accounted for; no stretch of time is discounted twice. */
  private covered: Instant = Number.NEGATIVE_INFINITY;

  constructor(tolerance: Millis) {
    this.tolerance = tolerance;
  }

  /**
   * The awake instant for a real one. `due` is the real instant at which the driver should have called at the latest;
   * `lateness` is what the driver itself says it was late by.
   */
  read(now: Instant, due: Instant | undefined, lateness: Millis = 0): Instant {
    const late = due === undefined ? 0 : now - due;
    const stall = Math.max(lateness, late > this.tolerance ? late : 0);
    if (stall > 0) {
      this.lost += Math.max(0, now - Math.max(now - stall, this.covered));
      this.covered = now;
    }
    return now - this.lost;
  }

  real(awake: Instant): Instant {
    return awake + this.lost;
  }
}

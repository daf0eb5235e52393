/**
 * How long a link that came back must stay before it counts, so that a flapping pair does not drag the group from view
 * to view. The first link counts at once; each loss doubles the wait, steady time forgives.
 */
import type { Instant, Millis } from '../model/time.ts';

const DOUBLINGS_MAX = 6;
/** A flap is forgiven for each stretch of this many base holds without a loss. */
const FORGIVE_HOLDS = 60;

export class Hold {
  private readonly base: Millis;
  private flaps = 0;
  private lostAt: Instant = 0;
  private until: Instant = 0;

  constructor(base: Millis) {
    this.base = base;
  }

  /** A link that counted is gone (or its member was excluded from our view). */
  lost(now: Instant): void {
    const forgiven = Math.floor((now - this.lostAt) / (FORGIVE_HOLDS * this.base || 1));
    this.flaps = Math.min(DOUBLINGS_MAX + 1, Math.max(0, this.flaps - forgiven) + 1);
    this.lostAt = now;
    this.returned(now);
  }

  /** We hear the other again. */
  returned(now: Instant): void {
    this.until = this.flaps === 0 ? now : now + this.base * 2 ** (this.flaps - 1);
  }

  over(now: Instant): boolean {
    return now >= this.until;
  }

  /** End of the wait that began with the last loss or return. */
  end(): Instant {
    return this.until;
  }
}

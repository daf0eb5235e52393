/**
 * How much of what strangers send is looked at: so many datagrams a window, and when more come, which share the kernel shall let
 * through. A function of what it is told; no clock.
 */
import type { Instant, Millis } from '../model/time.ts';
import type { LogLine } from './journal.ts';

export const FLOOD = {
  /** Looked at in one window; each costs an authentication code at most. */
  per_window_max: 1000,
  window_ms: 250 as Millis,
  /** Never less, or nobody new would ever be heard. */
  share_min: 2 ** -16,
} as const;

/** The same of connections. */
export const THRONG_LINE: LogLine = {
  level: 'warn',
  message: 'more connections come than are looked at: the kernel turns strangers away',
  fields: { reason: 'somebody floods the group port; addresses where members may be are not touched by it' },
};

/** What the log says when it begins. */
export const FLOOD_LINE: LogLine = {
  level: 'warn',
  message: 'more datagrams come than members send: only a share of them is looked at',
  fields: { reason: 'somebody floods the group port; heartbeats of members are not touched by it' },
};

export class FloodGate {
  readonly #most: number;
  #share = 1;
  #seen = 0;
  #since: Instant = Number.NEGATIVE_INFINITY;

  /** `most`: looked at in one window. */
  constructor(most: number = FLOOD.per_window_max) {
    this.#most = most;
  }

  /** Part of them that shall reach us; to be asked after each call. While it is below 1, `pass` must be called once a window. */
  get share(): number {
    return this.#share;
  }

  /** One came; whether it is looked at. */
  admit(now: Instant): boolean {
    this.pass(now);
    this.#seen += 1;
    return this.#seen <= this.#most;
  }

  /** Judges the last window, if it is over. */
  pass(now: Instant): void {
    if (now - this.#since < FLOOD.window_ms) return;
    const seen = this.#seen;
    this.#seen = 0;
    this.#since = now;
    if (seen > this.#most) {
      this.#share = Math.max(FLOOD.share_min, (this.#share * this.#most) / (2 * seen));
    } else if (seen < this.#most / 4) {
      this.#share = Math.min(1, 2 * this.#share);
    }
  }
}

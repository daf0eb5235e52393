/** From single results of a health check to a verdict that does not flap. Pure. */
import { NO_RESULT } from '../model/health.ts';
import type { Instant, Millis } from '../model/time.ts';

export interface DamperSettings {
  /** Results in a row, ≥ 1, that make a failing check pass, and a passing one fail. */
  readonly rise: number;
  readonly fall: number;
  /** A check that failed before passes again only after it has been good for this long. */
  readonly hold_ms: Millis;
}

/** One look. */
export interface Result {
  readonly ok: boolean;
  /** For people: what was found. */
  readonly detail: string;
}

/** A check that fails again within this many of its holds after it passed relapses: the next hold is twice as long. */
const RELAPSE_HOLDS = 10;
const HOLD_FACTOR_MAX = 64;

export class Damper {
  /** Why the check fails; undefined: it passes. Before the first result nobody knows, which counts as failing. */
  failing: string | undefined = NO_RESULT;
  #known = false;
  #row = 0;
  #rowOk = false;
  #rowSince: Instant = 0;
  #passedAt: Instant | undefined;
  #holdFactor = 1;

  /** Takes one result; true when the verdict is another than before. The first result counts at once, whatever it is. */
  take({ ok, detail }: Result, { rise, fall, hold_ms }: DamperSettings, now: Instant): boolean {
    const first = !this.#known;
    this.#known = true;
    if (first || ok !== this.#rowOk) {
      this.#row = 0;
      this.#rowOk = ok;
      this.#rowSince = now;
    }
    this.#row += 1;
    if (first) return this.#begin(ok ? undefined : detail, now);
    if (this.failing === undefined) return !ok && this.#row >= fall && this.#fail(detail, hold_ms, now);
    const held = now - this.#rowSince >= hold_ms * this.#holdFactor;
    return ok && this.#row >= rise && held && this.#begin(undefined, now);
  }

  #begin(failing: string | undefined, now: Instant): true {
    this.failing = failing;
    if (failing === undefined) this.#passedAt = now;
    return true;
  }

  #fail(detail: string, hold: Millis, now: Instant): true {
    const relapse = now - (this.#passedAt ?? now) < RELAPSE_HOLDS * hold * this.#holdFactor;
    this.#holdFactor = relapse ? Math.min(HOLD_FACTOR_MAX, 2 * this.#holdFactor) : 1;
    return this.#begin(detail, now);
  }
}

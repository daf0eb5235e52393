/**
 * May an earlier holder still have the address? (DESIGN 6, "Which death was it?")
 *
 * A VIP is *cleared* when we saw its last holder release it, leave, or fall silent with its whole host: then it is put up
 * at once. It is in *doubt* when the holder's agent is gone but its host still answers: then the link is asked until the
 * lease must be over. What we have no history of is treated like a doubt: asking costs milliseconds, a duplicate costs trust.
 */
import type { Instant, Millis } from '../model/time.ts';
import type { Departure } from '../model/view.ts';
import type { VipId } from '../model/vip.ts';
import type { AcquireGuard } from '../provider/provider.ts';

export interface DoubtSettings {
  /** Longest time an address may stay with a host whose agent is gone. */
  readonly leaseBound: Millis;
  /** `strict`: wait for the lease bound also where the earlier holder's host is silent. */
  readonly takeover: 'at-once' | 'strict';
}

/** How the core must go about an acquire: with the provider's guard, and not before an instant where asking is impossible. */
export interface Clearance {
  readonly guard: AcquireGuard;
  readonly notBefore: Instant | undefined;
}

/** Where no member knows of an earlier holder, whoever answers for this long is a stranger. */
const UNKNOWN_BOUND: Millis = 1_000;

/**
 * How long a clearance is worth something: what we knew of the last holder says nothing about who came since, least of
 * all if it was we who had been cut off.
 */
const CLEARANCE_LIFE: Millis = 2_000;

export class Doubts {
  readonly #until = new Map<VipId, Instant>();
  /** VIPs whose last holder's host is silent while `takeover` is strict: nobody to ask, so wait. */
  readonly #waiting = new Map<VipId, Instant>();
  /** When each was cleared. */
  readonly #cleared = new Map<VipId, Instant>();

  departed(vip: VipId, how: Departure, { now, settings }: { now: Instant; settings: DoubtSettings }): void {
    if (how === 'process') {
      this.#cleared.delete(vip);
      this.#until.set(vip, now + settings.leaseBound);
      return;
    }
    if (how === 'host' && settings.takeover === 'strict') this.#waiting.set(vip, now + settings.leaseBound);
    this.cleared(vip, now);
  }

  /** The last holder confirmed that it does not hold it any more. */
  cleared(vip: VipId, now: Instant): void {
    this.#cleared.set(vip, now);
    this.#until.delete(vip);
  }

  /** What we knew of earlier holders is void: somebody holds it (or may), or we could not see the link. */
  taken(vip: VipId): void {
    this.#cleared.delete(vip);
    this.#waiting.delete(vip);
  }

  /** Forgets everything: the group went on without us. */
  reset(): void {
    this.#until.clear();
    this.#waiting.clear();
    this.#cleared.clear();
  }

  /** VIPs in doubt at `now`, for the report. */
  open(now: Instant): VipId[] {
    for (const [vip, until] of this.#until) if (until <= now) this.#until.delete(vip);
    return [...this.#until.keys()];
  }

  /**
   * @param asked whether the provider can ask the link; where it cannot, a doubt means waiting for the lease bound
   * @param doubted whether another member reported a doubt
   */
  clearance(
    vip: VipId,
    {
      now,
      settings,
      asked,
      doubted,
    }: { now: Instant; settings: DoubtSettings; asked: boolean; doubted: boolean },
  ): Clearance {
    const waiting = this.#waiting.get(vip);
    const notBefore = waiting !== undefined && waiting > now ? waiting : undefined;
    const until = this.#until.get(vip);
    const inDoubt = doubted || (until !== undefined && until > now);
    const clearedAt = this.#cleared.get(vip);
    const cleared = clearedAt !== undefined && now - clearedAt <= CLEARANCE_LIFE;
    if (!inDoubt && cleared) return { guard: { kind: 'at-once' }, notBefore };
    const ghost = inDoubt ? settings.leaseBound : Math.min(settings.leaseBound, UNKNOWN_BOUND);
    const bound = until !== undefined && until > now ? until : now + ghost;
    if (asked) return { guard: { kind: 'when-silent', until: bound }, notBefore };
    return { guard: { kind: 'at-once' }, notBefore: inDoubt ? bound : notBefore };
  }
}

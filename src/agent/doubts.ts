/**
 * May an earlier holder still have the address? (DESIGN 6, "Which death was it?")
 *
 * A VIP is *cleared* when we saw its last holder release it or leave: then it is put up at once. Where the holder's host
 * fell silent, only its probes did: a firewall that drops them looks the same, so the link is asked for a moment, where it
 * can be asked. A VIP is in *doubt* when the holder's agent is gone but its host still answers: then the link is asked
 * until the lease must be over. What we have no history of is treated like that too: asking costs milliseconds, a
 * duplicate costs trust.
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

/**
 * Where no member knows of an earlier holder, whoever answers for this long is a stranger. Longer than it takes a member
 * that was excluded by mistake to be heard again.
 */
const UNKNOWN_BOUND: Millis = 2_000;
/**
 * How long a clearance is worth something: what we knew of the last holder says nothing about who came since, least of
 * all if it was we who had been cut off.
 */
const CLEARANCE_LIFE: Millis = 2_000;

interface Cleared {
  readonly at: Instant;
  /** `silent`: nobody said so, the holder's host merely does not answer probes. */
  readonly how: 'released' | 'silent';
}

export class Doubts {
  readonly #until = new Map<VipId, Instant>();
  /** VIPs whose last holder's host is silent while `takeover` is strict: nobody to ask, so wait. */
  readonly #waiting = new Map<VipId, Instant>();
  readonly #cleared = new Map<VipId, Cleared>();

  departed(vip: VipId, how: Departure, { now, settings }: { now: Instant; settings: DoubtSettings }): void {
    if (how === 'process') {
      this.#cleared.delete(vip);
      this.#until.set(vip, now + settings.leaseBound);
      return;
    }
    if (how === 'host' && settings.takeover === 'strict') this.#waiting.set(vip, now + settings.leaseBound);
    this.#until.delete(vip);
    this.#cleared.set(vip, { at: now, how: how === 'host' ? 'silent' : 'released' });
  }

  /** The last holder confirmed that it does not hold it any more. */
  cleared(vip: VipId, now: Instant): void {
    this.#cleared.set(vip, { at: now, how: 'released' });
    this.#until.delete(vip);
  }

  /**
   * Members went without a goodbye, or serve without us: they may have been given by now what we saw released. So the link is
   * asked for a moment.
   */
  parted(): void {
    for (const [vip, { at }] of this.#cleared) this.#cleared.set(vip, { at, how: 'silent' });
  }

  /** What we knew of earlier holders is void: somebody holds it (or may), or we could not see the link. */
  taken(vip: VipId): void {
    this.#cleared.delete(vip);
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
   * @param doubtedSince since when another member's report casts doubt on it; undefined: none does
   */
  clearance(vip: VipId, { now, settings, asked, doubtedSince }: ClearanceInput): Clearance {
    const waiting = this.#waiting.get(vip);
    const notBefore = waiting !== undefined && waiting > now ? waiting : undefined;
    const own = this.#until.get(vip) ?? now;
    const others = doubtedSince === undefined ? now : doubtedSince + settings.leaseBound;
    const until = Math.max(own, others);
    const cleared = this.#cleared.get(vip);
    const fresh = cleared !== undefined && now - cleared.at <= CLEARANCE_LIFE;
    if (until > now) {
      if (asked) return { guard: { kind: 'when-silent', until }, notBefore };
      return { guard: { kind: 'at-once' }, notBefore: Math.max(until, notBefore ?? 0) };
    }
    if (!asked || (fresh && cleared.how === 'released')) return { guard: { kind: 'at-once' }, notBefore };
    return {
      guard: { kind: 'when-silent', until: now + Math.min(settings.leaseBound, UNKNOWN_BOUND) },
      notBefore,
    };
  }
}

export interface ClearanceInput {
  readonly now: Instant;
  readonly settings: DoubtSettings;
  readonly asked: boolean;
  readonly doubtedSince: Instant | undefined;
}

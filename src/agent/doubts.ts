/**
 * May an earlier holder still have the address? (DESIGN 6, "Which death was it?")
 *
 * A VIP is *cleared* when we saw its last holder release it or leave: then it is put up at once. Where the holder's host
 * fell silent, only its probes did: a firewall that drops them looks the same, so the link is asked for a moment, where it
 * can be asked. A VIP is in *doubt* when the holder's agent is gone but its host still answers: then the link is asked
 * until the lease must be over. What we have no history of is treated like that too: asking costs milliseconds, a
 * duplicate costs trust. Where nobody can be asked (a routed or cloud VIP), only the lease bound tells, unless the provider
 * takes an address from its holder in one step.
 */
import type { Instant, Millis } from '../model/time.ts';
import type { Departure } from '../model/view.ts';
import type { VipId } from '../model/vip.ts';
import type { AcquireGuard, ProviderTraits } from '../provider/provider.ts';
import { type Carrier, type Lasting, wayOf } from './carriers.ts';

export interface DoubtSettings {
  /** Longest time an address may stay with a host whose agent is gone. */
  readonly leaseBound: Millis;
  /** `strict`: wait for the lease bound also where the earlier holder's host is silent. */
  readonly takeover: 'at-once' | 'strict';
  /** A provider of ours can neither ask for an address nor take it in one step. */
  readonly blind?: boolean;
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
/**
 * For so long after members went without a goodbye no release is trusted alone: they may be alive in another view and have been
 * given the VIP meanwhile. By then they are with us again, hold nothing, or cannot reach us.
 */
const PARTED_LIFE: Millis = 2_000;

interface Cleared {
  readonly at: Instant;
  /** `silent`: nobody said so, the holder's host merely does not answer probes. */
  readonly how: 'released' | 'silent';
}

interface LastingWay {
  readonly carrier: Carrier;
  readonly until: Instant;
  readonly addresses: readonly string[];
}

export class Doubts {
  /** Somebody in another view is heard who may hold, or be given, what we are to put up. */
  contested = false;
  readonly #until = new Map<VipId, Instant>();
  /** VIPs whose last holder's host is silent while `takeover` is strict: nobody to ask, so wait. */
  readonly #waiting = new Map<VipId, Instant>();
  readonly #cleared = new Map<VipId, Cleared>();
  /** By which way who went without a word had it, and until when it may have it still. */
  readonly #lasting = new Map<VipId, Map<string, LastingWay>>();
  /** How long others that were met may have a VIP in a way we cannot see; not forgotten with the rest. */
  readonly #foreign = new Map<VipId, Millis>();
  #partedAt: Instant = Number.NEGATIVE_INFINITY;
  /** When we last lost our history. At the beginning maturity has us wait. */
  #since: Instant = Number.NEGATIVE_INFINITY;

  departed(vip: VipId, how: Departure, { now, settings }: { now: Instant; settings: DoubtSettings }): void {
    if (how === 'process') {
      this.#cleared.delete(vip);
      this.#until.set(vip, now + settings.leaseBound);
      return;
    }
    if (how === 'host' && settings.takeover === 'strict') this.awaited(vip, now + settings.leaseBound);
    this.#until.delete(vip);
    this.#cleared.set(vip, { at: now, how: how === 'host' ? 'silent' : 'released' });
  }

  /** Somebody whose host fell silent may have it until then, and takeovers are strict: who was still asking for it, too. */
  awaited(vip: VipId, until: Instant): void {
    this.#waiting.set(vip, Math.max(until, this.#waiting.get(vip) ?? until));
  }

  /** Somebody that may have the VIP, with these addresses, in this way went without a word. */
  lasts(
    vip: VipId,
    carrier: Carrier,
    { addresses, now }: { readonly addresses: readonly string[]; readonly now: Instant },
  ): void {
    // Each way for itself: who carries as one of them did need not wait for that one, but for the others.
    const ways = this.#lasting.get(vip) ?? new Map<string, LastingWay>();
    const known = ways.get(wayOf(carrier));
    const until = Math.max(now + carrier.lasts, known?.until ?? now);
    const all = new Set([...(known?.addresses ?? []), ...addresses]);
    ways.set(wayOf(carrier), { carrier, until, addresses: [...all] });
    this.#lasting.set(vip, ways);
  }

  /** Somebody was met that would carry the VIP in a way that we cannot see or end. */
  met(vip: VipId, { lasts }: Carrier): void {
    this.#foreign.set(vip, Math.max(lasts, this.#foreign.get(vip) ?? 0));
  }

  /** For how long somebody that was met may have it in such a way when it is gone itself; undefined: nobody was. */
  foreignBound(vip: VipId): Millis | undefined {
    return this.#foreign.get(vip);
  }

  /** The last holder confirmed that it does not hold it any more. */
  cleared(vip: VipId, now: Instant): void {
    this.#cleared.set(vip, { at: now, how: 'released' });
    this.#until.delete(vip);
    this.#lasting.delete(vip);
  }

  /**
   * Members went without a goodbye, or serve without us: they may have been given by now what we saw released. So the link is
   * asked for a moment.
   */
  parted(now: Instant): void {
    this.#partedAt = now;
    for (const [vip, { at }] of this.#cleared) this.#cleared.set(vip, { at, how: 'silent' });
  }

  /** Somebody has it for certain, so nobody before it does. */
  held(vip: VipId): void {
    this.taken(vip);
    this.#lasting.delete(vip);
  }

  /** What we knew of earlier holders is void: somebody holds it (or may), or we could not see the link. */
  taken(vip: VipId): void {
    this.#cleared.delete(vip);
  }

  /** Forgets everything: the group went on without us. */
  reset(now: Instant): void {
    this.#since = now;
    this.#until.clear();
    this.#waiting.clear();
    this.#cleared.clear();
    this.#lasting.clear();
  }

  /** VIPs in doubt at `now`, for the report. */
  open(now: Instant): VipId[] {
    for (const [vip, until] of this.#until) if (until <= now) this.#until.delete(vip);
    return [...this.#until.keys()];
  }

  /** For the report: what may still be with somebody who went, for how much longer. */
  lasting(now: Instant): Lasting[] {
    const lasting: Lasting[] = [];
    for (const [vip, ways] of this.#lasting) {
      for (const [way, { carrier, until, addresses }] of ways) {
        const { provider, askable } = carrier;
        if (until <= now) ways.delete(way);
        else lasting.push({ vip, provider, askable, rest: until - now, addresses });
      }
    }
    return lasting;
  }

  /** For people. */
  get standing(): string {
    return this.contested ? 'contested: putting nothing up' : 'not contested any more';
  }

  /** Undefined: not now; an event will tell when. */
  clearance(vip: VipId, input: ClearanceInput): Clearance | undefined {
    const { now, settings, access, foreignUntil } = input;
    const released = this.#releasedLately(vip, input);
    const waiting = this.#waiting.get(vip);
    const held = latest(waiting, latest(foreignUntil, released ? undefined : this.#unseenUntil(vip)));
    const notBefore = held !== undefined && held > now ? held : undefined;
    if (access === 'atomic') return this.contested ? undefined : { guard: AT_ONCE, notBefore };
    // Whoever is heard in another view may have it, or be given it just now; only what we saw released is left to be asked for.
    if (this.contested && (!released || access !== 'link')) return undefined;
    const until = this.#doubtedUntil(vip, input);
    if (access === 'blind')
      return { guard: AT_ONCE, notBefore: latest(notBefore, until > now ? until : undefined) };
    if (until > now) return { guard: { kind: 'when-silent', until }, notBefore };
    const trusted = released && !input.astray && !this.contested && now - this.#partedAt > PARTED_LIFE;
    if (trusted) return { guard: AT_ONCE, notBefore };
    const bound = Math.min(settings.leaseBound, UNKNOWN_BOUND);
    return { guard: { kind: 'when-silent', until: now + bound }, notBefore };
  }

  /** After we lost our history somebody may have it whom no link would show; later we know. */
  #unseenUntil(vip: VipId): Instant | undefined {
    const bound = this.#foreign.get(vip);
    return bound === undefined ? undefined : this.#since + bound;
  }

  #releasedLately(vip: VipId, { now }: ClearanceInput): boolean {
    const cleared = this.#cleared.get(vip);
    return cleared?.how === 'released' && now - cleared.at <= CLEARANCE_LIFE;
  }

  /** When a lease that may still run must be over. */
  #doubtedUntil(vip: VipId, { now, settings, access, doubtedSince }: ClearanceInput): Instant {
    const own = this.#until.get(vip) ?? now;
    const others = doubtedSince === undefined ? now : doubtedSince + settings.leaseBound;
    const blind = access === 'blind' && !this.#cleared.has(vip) ? this.#since + settings.leaseBound : now;
    return Math.max(own, others, blind);
  }
}

const AT_ONCE: AcquireGuard = { kind: 'at-once' };

export function latest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/**
 * How the provider knows of other holders. `link`: it can ask the link. `atomic`: it takes the address from whoever has it in
 * one step. `blind`: not at all, so that only the lease bound tells.
 */
export type Access = 'link' | 'atomic' | 'blind';

export function accessOf(traits: ProviderTraits | undefined): Access {
  if (traits?.atomicTakeover) return 'atomic';
  return traits?.scope === 'link' ? 'link' : 'blind';
}

export interface ClearanceInput {
  readonly now: Instant;
  readonly settings: DoubtSettings;
  readonly access: Access;
  /** Since when another member's report casts doubt on it; undefined: none does. */
  readonly doubtedSince: Instant | undefined;
  /** Until when somebody may have it in a way that our provider cannot see or end; absent: nobody may. */
  readonly foreignUntil?: Instant | undefined;
  /** Somebody is astray: another part, which we may not have met yet, may have been given what is released in ours. */
  readonly astray?: boolean;
}

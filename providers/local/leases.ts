/**
 * Puts VIPs up, prolongs them and takes them away, with everything that has to happen around it and in this order:
 * the guardian knows before an address goes up and forgets after it is gone; nobody is told of an address that is not there;
 * nothing goes up or stays after a stall. Synchronous: no other code of this process runs in between.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import { bootTimeNow } from '../../src/platform/clock.ts';
import { SystemError } from '../../src/platform/libc.ts';
import type { OutcomeCode, VipOutcome } from '../../src/provider/provider.ts';
import type { AddressBook, AddressKey, Refusal, Snapshot } from './address-book.ts';
import type { Announcer } from './announcer.ts';
import type { Guardian } from './guardian.ts';
import { type Holding, Holdings } from './holdings.ts';
import type { Outcomes } from './outcomes.ts';
import type { Standing } from './placement.ts';

export interface LeaseSettings {
  /** Whole seconds, in milliseconds. */
  readonly lease: Millis;
  /** Longest time without a tick after which something may still be put up. */
  readonly stall: Millis;
}

/** Past this an agent that stands still may have been given up by the others, whatever its guardian's patience. */
const STALL_MAX: Millis = 1000;

/**
 * How long after its last tick an agent may still put something up. Where the guardian is given more patience than a second, so that
 * it acts after the others have noticed (defaults of the configuration), the agent itself acts at two thirds of that, or at a second.
 */
export function stallBound(guardianTimeout: Millis): Millis {
  return Math.max(Math.min(guardianTimeout, STALL_MAX), (guardianTimeout * 2) / 3);
}

export interface LeaseParts {
  readonly addresses: AddressBook;
  readonly guardian: Pick<Guardian, 'hold' | 'drop' | 'tick'>;
  readonly announcer: Pick<Announcer, 'announce' | 'forget'>;
}

export interface Placed {
  readonly vip: Vip;
  readonly standings: readonly Standing[];
}

/** VIPs that nobody asked us to take away, and are gone now. */
export interface Loss {
  readonly placed: readonly Placed[];
  readonly reason: string;
  /** This process was not well: everything else it believes is in doubt too. */
  readonly fenced: boolean;
}

/** By then the guardian has said that it fenced: two batches of removals after its first line from a thawed agent. */
const FENCED_LATENESS_MAX: Millis = 5000;

type Verdict = Omit<VipOutcome, 'vip'>;

export class Leases {
  readonly #settings: LeaseSettings;
  readonly #parts: LeaseParts;
  readonly #holdings: Holdings;
  /** What went lately, and was not told as fenced: the guardian may be about to say that it was its doing. */
  readonly #departed = new Map<VipId, { readonly placed: Placed; readonly at: Instant }>();
  #lastTick: Instant | undefined;

  constructor(settings: LeaseSettings, parts: LeaseParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#holdings = new Holdings(settings.lease);
  }

  get(vip: VipId): Holding | undefined {
    return this.#holdings.get(vip);
  }

  all(): readonly Holding[] {
    return this.#holdings.all();
  }

  /** The agent is well. Gives up what it still held past its lease; after a stall everything, as the guardian does. */
  tick(): Loss {
    const now = bootTimeNow();
    const stall = this.#stall(now);
    this.#lastTick = now;
    for (const [vip, { at }] of this.#departed) {
      if (now - at > FENCED_LATENESS_MAX) this.#departed.delete(vip);
    }
    const over =
      stall === undefined ? this.all().filter((holding) => this.#holdings.expired(holding, now)) : this.all();
    const reason = stall === undefined ? 'its lease was not renewed in time' : `${stall}: given up`;
    const loss = this.#lose(over, { reason, fenced: true });
    this.#parts.guardian.tick();
    return loss;
  }

  /** The guardian removed everything: so it may also have been what went a moment ago, whoever noticed first. */
  fenced(): Loss {
    const lost = new Map([...this.#departed].map(([vip, { placed }]) => [vip, placed]));
    for (const holding of this.all()) lost.set(holding.vip.id, holding);
    const reason = 'the agent stood still, so the guardian removed its address';
    return this.#lose([...lost.values()], { reason, fenced: true });
  }

  put(placed: readonly Placed[], outcomes: Outcomes): void {
    if (placed.length === 0) return;
    const since = bootTimeNow();
    const stall = this.#stall(since);
    const snapshot = stall === undefined ? this.#look() : STALLED;
    if ('code' in snapshot) {
      const reason = stall === undefined ? snapshot.reason : `${stall}; nothing is put up before it ticks`;
      for (const { vip } of placed) {
        outcomes.set(vip.id, { held: this.get(vip.id) !== undefined, code: snapshot.code, reason });
      }
      return;
    }
    const standings = placed.flatMap((one) => one.standings);
    this.#parts.guardian.hold(standings);
    this.#removeElsewhere(standings, snapshot);
    const held = this.#settle(placed, { since, outcomes, done: 'on' });
    this.#parts.announcer.announce(held);
  }

  /** Prolongs what is held and still there; never creates an address anew. After a stall it prolongs nothing. */
  renew(vips: readonly Vip[], outcomes: Outcomes): void {
    const now = bootTimeNow();
    const stall = this.#stall(now);
    const snapshot = this.#look();
    const present: Holding[] = [];
    const gone = new Map<Placed, Verdict>();
    for (const vip of vips) {
      const holding = this.get(vip.id);
      if (holding === undefined) outcomes.set(vip.id, NOT_HELD);
      else if (stall !== undefined)
        gone.set(holding, { ...STALLED, held: false, reason: `${stall}: released` });
      else if (this.#holdings.expired(holding, now)) gone.set(holding, lateBy(now - holding.renewedAt));
      else if ('code' in snapshot) outcomes.set(vip.id, { held: true, ...snapshot });
      else if (holding.standings.every((standing) => snapshot.has(standing))) present.push(holding);
      else gone.set(holding, GONE);
    }
    this.#giveUp(gone, outcomes);
    this.#settle(present, { since: now, outcomes, done: 'renewed on' });
  }

  /** Stops speaking for the addresses, takes them off, tells the guardian; what could not be removed. */
  takeAway(placed: readonly Placed[]): { address: AddressKey; reason: string }[] {
    if (placed.length === 0) return [];
    const standings = placed.flatMap((one) => one.standings);
    this.#parts.announcer.forget(standings);
    const at = bootTimeNow();
    for (const { vip } of placed) {
      const holding = this.get(vip.id);
      if (holding !== undefined) this.#departed.set(vip.id, { placed: holding, at });
      this.#holdings.delete(vip.id);
    }
    const failures = this.#parts.addresses.remove(standings);
    this.#parts.guardian.drop(standings);
    return failures;
  }

  /** Those of the suspects (`any`: of all) that are not wholly there any more, now removed. */
  takeAwayVanished(suspects: readonly AddressKey[] | 'any'): Loss {
    const holdings =
      suspects === 'any'
        ? this.all()
        : suspects.flatMap((address) => this.get(this.#holdings.vipAt(address) ?? '') ?? []);
    // Where the kernel does not answer, the next renewal looks again.
    const snapshot = holdings.length === 0 ? undefined : this.#look();
    const vanished =
      snapshot === undefined || 'code' in snapshot
        ? []
        : [...new Set(holdings)].filter(({ standings }) => !standings.every((one) => snapshot.has(one)));
    const stall = this.#stall(bootTimeNow());
    const reason = 'its address was removed behind our back (another tool, the interface, or its lease)';
    return this.#lose(vanished, {
      reason: stall === undefined ? reason : `${stall}: its address is gone`,
      fenced: stall !== undefined,
    });
  }

  #lose(placed: readonly Placed[], how: Omit<Loss, 'placed'>): Loss {
    this.takeAway(placed);
    // Told as fenced once is enough.
    if (how.fenced) for (const { vip } of placed) this.#departed.delete(vip.id);
    return { placed, ...how };
  }

  /** Takes away, and answers with the verdicts, but for those the kernel would not let go of. */
  #giveUp(verdicts: ReadonlyMap<Placed, Verdict>, outcomes: Outcomes): void {
    const stuck = this.#stuck(this.takeAway([...verdicts.keys()]));
    for (const [{ vip, standings }, verdict] of verdicts) {
      const why = standings.flatMap((standing) => stuck.get(standing) ?? []);
      if (why.length === 0) outcomes.set(vip.id, verdict);
      else outcomes.set(vip.id, { held: true, code: 'failed', reason: [verdict.reason, ...why].join('; ') });
    }
  }

  /** Of what the kernel would not remove, what is really there; all of it where nobody can tell. */
  #stuck(failures: readonly { address: AddressKey; reason: string }[]): Map<AddressKey, string> {
    if (failures.length === 0) return new Map();
    const snapshot = this.#look();
    const there = failures.filter(({ address }) => 'code' in snapshot || snapshot.has(address));
    return new Map(there.map(({ address, reason }) => [address, reason]));
  }

  /** What stands on this host, or why that cannot be known now. */
  #look(): Snapshot | { readonly code: OutcomeCode; readonly reason: string } {
    try {
      return this.#parts.addresses.snapshot();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return { code: 'failed', reason: `the kernel does not say which addresses are there (${error.code})` };
    }
  }

  /** Asks the kernel for the lease; those refused, or overtaken by a stall, are removed. Returns what stands. */
  #settle(
    placed: readonly Placed[],
    options: { readonly since: Instant; readonly outcomes: Outcomes; readonly done: string },
  ): Standing[] {
    const refused = refusalsByVip(
      placed,
      this.#parts.addresses.put(placed.flatMap(({ standings }) => standings)),
    );
    const stalled = this.#holdings.leaseOver(options.since, bootTimeNow());
    const failed = new Map<Placed, Verdict>();
    const held: Standing[] = [];
    for (const one of placed) {
      const { vip, standings } = one;
      const refusal = refused.get(vip.id) ?? (stalled ? STALLED : undefined);
      if (refusal !== undefined) {
        failed.set(one, { held: false, code: refusal.code, reason: refusal.reason });
      } else {
        this.#holdings.set({ vip, standings, renewedAt: options.since });
        this.#departed.delete(vip.id);
        held.push(...standings);
        options.outcomes.set(vip.id, {
          held: true,
          code: 'ok',
          reason: `${options.done} ${interfacesOf(standings)}`,
        });
      }
    }
    this.#giveUp(failed, options.outcomes);
    return held;
  }

  /** That the agent stood still, in words: what it believes about the group may be from before. */
  #stall(now: Instant): string | undefined {
    if (this.#lastTick === undefined || now - this.#lastTick <= this.#settings.stall) return undefined;
    return `the agent stood still for ${Math.round(now - this.#lastTick)} ms (a blocked process, or a paused machine)`;
  }

  /** The same address under another prefix length or on another interface would outlive the lease. */
  #removeElsewhere(standings: readonly Standing[], snapshot: Snapshot): void {
    const elsewhere = standings.flatMap((standing) =>
      snapshot
        .withAddress(standing.address)
        .filter(
          (found) =>
            found.interfaceIndex !== standing.interfaceIndex || found.prefixLength !== standing.prefixLength,
        ),
    );
    this.#parts.addresses.remove(elsewhere);
  }
}

const STALLED: { code: OutcomeCode; reason: string } = {
  code: 'lease-expired',
  reason: 'this host stood still in the middle of it: removed',
};

const NOT_HELD: Verdict = {
  held: false,
  code: 'lost',
  reason: 'is not held here, so there is nothing to renew',
};
const GONE: Verdict = { held: false, code: 'lost', reason: 'its address was gone from the interface' };

function lateBy(lateness: Millis): Verdict {
  const reason = `was last renewed ${Math.round(lateness)} ms ago: released`;
  return { held: false, code: 'lease-expired', reason };
}

function refusalsByVip(placed: readonly Placed[], refusals: readonly Refusal[]): Map<VipId, Refusal> {
  const byStanding = new Map(refusals.map((refusal) => [refusal.standing, refusal]));
  const byVip = new Map<VipId, Refusal>();
  for (const { vip, standings } of placed) {
    const refusal = standings.map((standing) => byStanding.get(standing)).find((one) => one !== undefined);
    if (refusal !== undefined) byVip.set(vip.id, refusal);
  }
  return byVip;
}

function interfacesOf(standings: readonly Standing[]): string {
  return [...new Set(standings.map(({ interfaceName }) => interfaceName))].join(', ');
}

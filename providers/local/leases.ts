/**
 * Puts VIPs up, prolongs them and takes them away, with everything that has to happen around it and in this order:
 * the guardian knows before an address goes up and forgets after it is gone; nobody is told of an address that is not there;
 * nothing goes up or stays after a stall. Synchronous: no other code of this process runs in between.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import { bootTimeNow } from '../../src/platform/clock.ts';
import type { OutcomeCode, VipOutcome } from '../../src/provider/provider.ts';
import type { AddressBook, AddressKey, Refusal } from './address-book.ts';
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

export interface LeaseParts {
  readonly addresses: AddressBook;
  readonly guardian: Pick<Guardian, 'hold' | 'drop' | 'tick'>;
  readonly announcer: Pick<Announcer, 'announce' | 'forget'>;
}

export interface Placed {
  readonly vip: Vip;
  readonly standings: readonly Standing[];
}

type Verdict = Omit<VipOutcome, 'vip'>;

export class Leases {
  readonly #settings: LeaseSettings;
  readonly #parts: LeaseParts;
  readonly #holdings: Holdings;
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

  /** The agent is well: what it still held although its lease was over, now removed. */
  tick(): readonly Placed[] {
    const now = bootTimeNow();
    this.#lastTick = now;
    const over = this.all().filter((holding) => this.#holdings.expired(holding, now));
    this.takeAway(over);
    this.#parts.guardian.tick();
    return over;
  }

  put(placed: readonly Placed[], outcomes: Outcomes): void {
    const since = bootTimeNow();
    const stall = this.#stall(since);
    if (stall !== undefined) {
      for (const { vip } of placed) {
        outcomes.set(vip.id, { held: this.get(vip.id) !== undefined, code: 'lease-expired', reason: stall });
      }
      return;
    }
    if (placed.length === 0) return;
    const standings = placed.flatMap((one) => one.standings);
    this.#parts.guardian.hold(standings);
    this.#removeElsewhere(standings);
    const held = this.#settle(placed, { since, outcomes, done: 'on' });
    this.#parts.announcer.announce(held);
  }

  /** Prolongs what is held and still there; never creates an address anew. */
  renew(vips: readonly Vip[], outcomes: Outcomes): void {
    const now = bootTimeNow();
    const snapshot = this.#parts.addresses.snapshot();
    const present: Holding[] = [];
    for (const vip of vips) {
      const holding = this.get(vip.id);
      const over = this.#unrenewable(holding, now);
      if (over !== undefined) outcomes.set(vip.id, over);
      else if (holding?.standings.every((standing) => snapshot.has(standing))) present.push(holding);
      else
        outcomes.set(vip.id, {
          held: false,
          code: 'lost',
          reason: 'its address was gone from the interface',
        });
      if (holding !== undefined && !present.includes(holding)) this.takeAway([holding]);
    }
    this.#settle(present, { since: now, outcomes, done: 'renewed on' });
  }

  /** Stops speaking for the addresses, takes them off, tells the guardian; what could not be removed. */
  takeAway(placed: readonly Placed[]): { address: AddressKey; reason: string }[] {
    if (placed.length === 0) return [];
    const standings = placed.flatMap((one) => one.standings);
    this.#parts.announcer.forget(standings);
    for (const { vip } of placed) this.#holdings.delete(vip.id);
    const failures = this.#parts.addresses.remove(standings);
    this.#parts.guardian.drop(standings);
    return failures;
  }

  /** Those of the suspects (`any`: of all) that are not wholly there any more, now removed. */
  takeAwayVanished(suspects: readonly AddressKey[] | 'any'): readonly Placed[] {
    const holdings =
      suspects === 'any'
        ? this.all()
        : suspects.flatMap((address) => this.get(this.#holdings.vipAt(address) ?? '') ?? []);
    if (holdings.length === 0) return [];
    const snapshot = this.#parts.addresses.snapshot();
    const vanished = [...new Set(holdings)].filter(
      ({ standings }) => !standings.every((one) => snapshot.has(one)),
    );
    this.takeAway(vanished);
    return vanished;
  }

  #unrenewable(holding: Holding | undefined, now: Instant): Verdict | undefined {
    if (holding === undefined) {
      return { held: false, code: 'lost', reason: 'is not held here, so there is nothing to renew' };
    }
    if (!this.#holdings.expired(holding, now)) return undefined;
    const late = Math.round(now - holding.renewedAt);
    return { held: false, code: 'lease-expired', reason: `was last renewed ${late} ms ago: released` };
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
    const failed: Placed[] = [];
    const held: Standing[] = [];
    for (const one of placed) {
      const { vip, standings } = one;
      const refusal = refused.get(vip.id) ?? (stalled ? STALLED : undefined);
      if (refusal !== undefined) {
        failed.push(one);
        options.outcomes.set(vip.id, { held: false, code: refusal.code, reason: refusal.reason });
      } else {
        this.#holdings.set({ vip, standings, renewedAt: options.since });
        held.push(...standings);
        options.outcomes.set(vip.id, {
          held: true,
          code: 'ok',
          reason: `${options.done} ${interfacesOf(standings)}`,
        });
      }
    }
    this.takeAway(failed);
    return held;
  }

  /** Why nothing may be put up now: what the agent believes about the group may be from before a stall. */
  #stall(now: Instant): string | undefined {
    if (this.#lastTick === undefined || now - this.#lastTick <= this.#settings.stall) return undefined;
    return `the agent has not ticked for ${Math.round(now - this.#lastTick)} ms; nothing is put up before it does`;
  }

  /** The same address under another prefix length or on another interface would outlive the lease. */
  #removeElsewhere(standings: readonly Standing[]): void {
    const snapshot = this.#parts.addresses.snapshot();
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

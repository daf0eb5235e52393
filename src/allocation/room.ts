/** What a member's providers can hold at most, and how much of it is taken while VIPs are given out. */
import type { VipId } from '../model/vip.ts';

/** Of one family of addresses by way of one provider of one member. */
export interface Limit {
  /** For people, for instance `IPv4 addresses by aws`. */
  readonly what: string;
  /** Addresses in all; an integer ≥ 0. */
  readonly slots: number;
  /** VIPs that take of it, each how many addresses (≥ 1). */
  readonly costs: ReadonlyMap<VipId, number>;
}

interface Account {
  readonly limit: Limit;
  left: number;
}

/** One member's room. A VIP without a cost anywhere always fits. */
export class Room {
  readonly #accounts: readonly Account[];
  readonly #isUnlimited: boolean;

  constructor(limits: readonly Limit[] = []) {
    this.#accounts = limits.map((limit) => ({ limit, left: limit.slots }));
    this.#isUnlimited = limits.length === 0;
  }

  fits(vip: VipId): boolean {
    return this.#isUnlimited || this.lacking(vip) === undefined;
  }

  /** Whether it would fit if the other one went, and does not before. */
  fitsInstead(vip: VipId, other: VipId): boolean {
    return this.#accounts.every(({ limit: { costs }, left }) => {
      const cost = costs.get(vip) ?? 0;
      return cost === 0 || cost <= left + (costs.get(other) ?? 0);
    });
  }

  /** Why it does not fit, for people; undefined: it does. */
  lacking(vip: VipId): string | undefined {
    for (const { limit, left } of this.#accounts) {
      const cost = limit.costs.get(vip) ?? 0;
      if (cost > 0 && cost > left)
        return `no room: it can hold ${limit.slots} ${limit.what}, of which ${Math.max(0, left)} are free`;
    }
    return undefined;
  }

  take(vip: VipId): void {
    for (const account of this.#accounts) account.left -= account.limit.costs.get(vip) ?? 0;
  }

  giveBack(vip: VipId): void {
    for (const account of this.#accounts) account.left += account.limit.costs.get(vip) ?? 0;
  }
}

/** What we hold, since when its lease runs, and by which addresses it is found again. State without I/O. */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import { type Standing, standingKey } from './placement.ts';

/**
 * The kernel drops an address up to 25 ms before its whole seconds are over (measured), and a renewal needs time to get
 * through: past this distance from the end nothing is renewed any more.
 */
export const LEASE_MARGIN: Millis = 250;

export interface Holding {
  readonly vip: Vip;
  readonly standings: readonly Standing[];
  /** CLOCK_BOOTTIME just before the kernel was last asked to keep it. */
  readonly renewedAt: Instant;
}

export class Holdings {
  readonly #lease: Millis;
  readonly #byVip = new Map<VipId, Holding>();
  readonly #byStanding = new Map<string, VipId>();

  constructor(lease: Millis) {
    this.#lease = lease;
  }

  get(vip: VipId): Holding | undefined {
    return this.#byVip.get(vip);
  }

  all(): Holding[] {
    return [...this.#byVip.values()];
  }

  set(holding: Holding): void {
    this.delete(holding.vip.id);
    this.#byVip.set(holding.vip.id, holding);
    for (const standing of holding.standings) this.#byStanding.set(standingKey(standing), holding.vip.id);
  }

  delete(vip: VipId): void {
    for (const standing of this.#byVip.get(vip)?.standings ?? [])
      this.#byStanding.delete(standingKey(standing));
    this.#byVip.delete(vip);
  }

  clear(): void {
    this.#byVip.clear();
    this.#byStanding.clear();
  }

  /** The VIP one of whose addresses stands there. */
  vipAt(standing: Pick<Standing, 'interfaceIndex' | 'address' | 'prefixLength'>): VipId | undefined {
    return this.#byStanding.get(standingKey(standing));
  }

  /** Whether the right to hold it may be over: it may have been given to another host. */
  expired(holding: Holding, now: Instant): boolean {
    return this.leaseOver(holding.renewedAt, now);
  }

  leaseOver(since: Instant, now: Instant): boolean {
    return now - since > this.#lease - LEASE_MARGIN;
  }
}

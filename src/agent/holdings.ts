/**
 * What this host's providers have, are putting up, or are taking away: the local half of the truth, one small state
 * machine a VIP. It knows nothing of the group.
 */
import { earliest, type Instant, type Millis } from '../model/time.ts';
import type { Vip, VipId } from '../model/vip.ts';

/** `cancelling`: an acquire was told to stop and its outcome is still to come. */
export type HoldingState = 'idle' | 'acquiring' | 'cancelling' | 'held' | 'releasing';

export interface Holding {
  vip: Vip;
  state: HoldingState;
  /** While it is being acquired: nobody is asked, since the last holder was seen to release it. */
  trusting: boolean;
  /** Local instant of the last change of `state`. */
  changed: Instant;
  /** Acquires that failed in a row. */
  failures: number;
  /** While set, this member is passed over for the VIP. */
  retryAt: Instant | undefined;
  /** Why the last acquire failed. */
  failure: string;
  /** When a release that failed is tried again. */
  releaseAgainAt: Instant | undefined;
  /** Recent instants at which the address vanished behind our back. */
  readonly lost: Instant[];
  /** We told the view that we do not hold it (released, failed), and wait for that to be delivered: until then hands off. */
  disowned: boolean;
  /** Why it must be taken away again although an acquire left it up, and then counts as failed. */
  broken: string | undefined;
  /** The configuration dropped or redefined it: once released, forget it. */
  retired: boolean;
}

export interface RetrySettings {
  readonly retry_min_ms: Millis;
  readonly retry_max_ms: Millis;
}

/** After this many losses within the window somebody is fighting us: pass the VIP on. */
export const LOSSES_MAX = 3;
export const LOSS_WINDOW: Millis = 10_000;

export class Holdings {
  readonly #byVip = new Map<VipId, Holding>();

  of(vip: Vip): Holding {
    let holding = this.#byVip.get(vip.id);
    if (holding === undefined) {
      holding = {
        vip,
        state: 'idle',
        trusting: false,
        changed: 0,
        failures: 0,
        retryAt: undefined,
        failure: '',
        releaseAgainAt: undefined,
        lost: [],
        disowned: false,
        broken: undefined,
        retired: false,
      };
      this.#byVip.set(vip.id, holding);
    } else if (holding.state === 'idle') holding.vip = vip;
    return holding;
  }

  get(vip: VipId): Holding | undefined {
    return this.#byVip.get(vip);
  }

  all(): IterableIterator<Holding> {
    return this.#byVip.values();
  }

  forget(vip: VipId): void {
    this.#byVip.delete(vip);
  }

  /** VIPs that this host has for certain. */
  held(): Vip[] {
    return [...this.#byVip.values()].filter((h) => h.state === 'held').map((h) => h.vip);
  }

  /** Those of them that it has as the configuration means them now. */
  certain(): VipId[] {
    return [...this.#byVip.values()].filter((h) => h.state === 'held' && !h.retired).map((h) => h.vip.id);
  }

  /** VIPs that it may have besides, or has otherwise. */
  uncertain(): VipId[] {
    return [...this.#byVip.values()]
      .filter((h) => h.state !== 'idle' && (h.state !== 'held' || h.retired))
      .map((h) => h.vip.id);
  }

  /** Whether an address of the VIP is, or may be, here under another name, which the configuration has not any more. */
  hasRenamed({ id, addresses }: Vip): boolean {
    for (const { vip, state, retired } of this.#byVip.values()) {
      if (!retired || state === 'idle' || vip.id === id) continue;
      if (vip.addresses.some((old) => addresses.some(({ address }) => address === old.address))) return true;
    }
    return false;
  }

  get empty(): boolean {
    for (const holding of this.#byVip.values()) if (holding.state !== 'idle') return false;
    return true;
  }

  set(holding: Holding, state: HoldingState, now: Instant): void {
    holding.state = state;
    holding.changed = now;
  }

  /** Notes a failed acquire and when it may be tried again: the delay doubles with each failure in a row. */
  failed(
    holding: Holding,
    reason: string,
    { now, settings }: { now: Instant; settings: RetrySettings },
  ): void {
    holding.failures += 1;
    holding.failure = reason;
    const doubled = settings.retry_min_ms * 2 ** Math.min(holding.failures - 1, 30);
    holding.retryAt = now + Math.min(doubled, settings.retry_max_ms);
    this.set(holding, 'idle', now);
  }

  /** Notes a loss; true when it happened too often lately to just put the address back. */
  lostTooOften(holding: Holding, now: Instant): boolean {
    while (holding.lost[0] !== undefined && holding.lost[0] < now - LOSS_WINDOW) holding.lost.shift();
    holding.lost.push(now);
    return holding.lost.length > LOSSES_MAX;
  }

  /**
   * What is to be tried again by now: acquires that failed, releases that did. Each is told once. Where there is no table (`acting`
   * false) nobody can be told of acquires: what others have heard as failed in a report stays so until they are.
   */
  dueAgain(
    now: Instant,
    acting: boolean,
  ): { readonly acquires: readonly VipId[]; readonly releases: readonly Vip[] } {
    const acquires: VipId[] = [];
    const releases: Vip[] = [];
    for (const holding of this.#byVip.values()) {
      if (acting && holding.retryAt !== undefined && holding.retryAt <= now) {
        holding.retryAt = undefined;
        acquires.push(holding.vip.id);
      }
      if (holding.releaseAgainAt !== undefined && holding.releaseAgainAt <= now) {
        holding.releaseAgainAt = undefined;
        releases.push(holding.vip);
      }
    }
    return { acquires, releases };
  }

  nextTimeout(acting: boolean): Instant | undefined {
    let next: Instant | undefined;
    for (const { retryAt, releaseAgainAt } of this.#byVip.values()) {
      next = earliest(next, earliest(acting ? retryAt : undefined, releaseAgainAt));
    }
    return next;
  }
}

/** Whether an address that is up may stay as it is under the new definition. */
export function sameForProviders(a: Vip, b: Vip): boolean {
  return JSON.stringify([a.addresses, a.providers]) === JSON.stringify([b.addresses, b.providers]);
}

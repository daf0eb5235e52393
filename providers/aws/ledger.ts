/** What this run holds, wishes and is at work on, by VIP. Memory alone: what is really so is asked of the API. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { Piece } from './sight.ts';

export interface Holding {
  /** As last seen: what leads here, with the name of the tenure where it has one. */
  readonly pieces: readonly Piece[];
  /** Of the view that gave it to us. */
  readonly fence: number;
}

export class Ledger {
  readonly #held = new Map<VipId, Holding>();
  readonly #wishes = new Map<VipId, number>();
  readonly #busy = new Map<VipId, Promise<unknown>>();
  readonly #lost = new Map<VipId, number>();
  #number = 0;

  get(vip: VipId): Holding | undefined {
    return this.#held.get(vip);
  }

  held(): readonly VipId[] {
    return [...this.#held.keys()];
  }

  /** The highest fence under which anything is held. */
  get fence(): number {
    return Math.max(0, ...[...this.#held.values()].map(({ fence }) => fence));
  }

  hold(vip: VipId, holding: Holding): void {
    this.#held.set(vip, holding);
    this.#lost.delete(vip);
  }

  drop(vip: VipId): void {
    this.#held.delete(vip);
  }

  /** Somebody took it from us, under that fence. */
  lose(vip: VipId, fence: number | undefined): void {
    this.#held.delete(vip);
    if (fence !== undefined) this.#lost.set(vip, fence);
  }

  lostUnder(vip: VipId): number | undefined {
    return this.#lost.get(vip);
  }

  /** A new wish for the VIP, which voids those before it. */
  wish(vip: VipId): number {
    this.#number += 1;
    this.#wishes.set(vip, this.#number);
    return this.#number;
  }

  wished(vip: VipId): number | undefined {
    return this.#wishes.get(vip);
  }

  /** Work on these VIPs is under way until the promise settles. */
  busy<T>(vips: readonly Vip[], work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    for (const { id } of vips) {
      const before = this.#busy.get(id);
      const all = before === undefined ? settled : Promise.all([before, settled]);
      this.#busy.set(id, all);
      void all.then(() => {
        if (this.#busy.get(id) === all) this.#busy.delete(id);
      });
    }
    return work;
  }

  isBusy(vip: VipId): boolean {
    return this.#busy.has(vip);
  }

  /** Whether nothing is under way for any VIP. */
  get isQuiet(): boolean {
    return this.#busy.size === 0;
  }

  /** Resolves when nothing that was begun on them is under way any more. */
  async quiet(vips: readonly Vip[]): Promise<void> {
    await Promise.all(vips.flatMap(({ id }) => this.#busy.get(id) ?? []));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  clear(): void {
    this.#held.clear();
    this.#wishes.clear();
    this.#lost.clear();
  }
}

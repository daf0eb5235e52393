/** What this run holds, wishes and is at work on, by VIP. Memory alone: what is really so is asked of the API. */
import type { Vip, VipId } from '../../src/model/vip.ts';

export class Ledger {
  readonly #held = new Map<VipId, number>();
  readonly #wishes = new Map<VipId, number>();
  readonly #busy = new Map<VipId, Promise<unknown>>();
  readonly #lost = new Map<VipId, number>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #number = 0;

  holds(vip: VipId): boolean {
    return this.#held.has(vip);
  }

  held(): readonly VipId[] {
    return [...this.#held.keys()];
  }

  /** Of the view that gave it to us; 0: it is not held. */
  fenceOf(vip: VipId): number {
    return this.#held.get(vip) ?? 0;
  }

  hold(vip: VipId, fence: number): void {
    this.#held.set(vip, fence);
    this.#lost.delete(vip);
  }

  drop(vip: VipId): void {
    this.#held.delete(vip);
  }

  /** It went; `fence`: somebody of us has it, under that one. */
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
      const all = Promise.all([this.#busy.get(id), settled]);
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

  /** Resolves when nothing that was begun on them is under way any more. */
  async quiet(vips: readonly Vip[]): Promise<void> {
    await Promise.all(vips.flatMap(({ id }) => this.#busy.get(id) ?? []));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** Work on the same interface one after the other, whoever asks for it. */
  inTurn<T>(on: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(on) ?? Promise.resolve();
    const mine = before.then(work, work);
    const over = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(on, over);
    void over.then(() => {
      if (this.#turns.get(on) === over) this.#turns.delete(on);
    });
    return mine;
  }

  clear(): void {
    this.#held.clear();
    this.#wishes.clear();
    this.#lost.clear();
  }
}

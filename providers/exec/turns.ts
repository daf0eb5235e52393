/** Whose turn it is: runs that share a VIP follow each other in the order they were asked for, others do not wait. */
import type { Vip, VipId } from '../../src/model/vip.ts';

export class Turns {
  readonly #last = new Map<VipId, Promise<unknown>>();

  /** Resolves when all that came before for any of these is over. `over`: must be called when this is, too. */
  async take(vips: readonly Vip[]): Promise<() => void> {
    const before = vips.flatMap(({ id }) => this.#last.get(id) ?? []);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const { id } of vips) this.#last.set(id, promise);
    await Promise.all(before);
    return () => {
      for (const { id } of vips) if (this.#last.get(id) === promise) this.#last.delete(id);
      resolve();
    };
  }
}

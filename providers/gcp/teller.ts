/** Tells the agent what is news, and nothing twice. */
import type { VipId } from '../../src/model/vip.ts';
import type { ProviderEvent } from '../../src/provider/provider.ts';

export class Teller {
  readonly #listener: (event: ProviderEvent) => void;
  /** Why it cannot be carried. */
  readonly #unfit = new Map<VipId, string>();
  #slots: number | undefined;
  #trouble: string | undefined;

  constructor(listener: (event: ProviderEvent) => void) {
    this.#listener = listener;
  }

  configure(vips: readonly VipId[]): void {
    for (const vip of this.#unfit.keys()) if (!vips.includes(vip)) this.#unfit.delete(vip);
  }

  /** `reason`: why not; undefined: it can. */
  fitness(vip: VipId, reason: string | undefined): void {
    if (this.#unfit.get(vip) === reason) return;
    if (reason === undefined) this.#unfit.delete(vip);
    else this.#unfit.set(vip, reason);
    this.#listener({
      kind: 'fitness',
      vip,
      fit: reason === undefined,
      reason: reason ?? 'can be carried again',
    });
  }

  slots(slots: number | undefined): void {
    if (this.#slots === slots) return;
    this.#slots = slots;
    this.#listener({ kind: 'slots', family: 4, slots });
  }

  trouble(reason: string | undefined): void {
    if (this.#trouble === reason) return;
    this.#trouble = reason;
    this.#listener({ kind: 'trouble', reason, confined: true });
  }
}

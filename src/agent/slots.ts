/** How many addresses this host's providers can hold, and whether there is room for one more VIP now. */
import { compareIds } from '../model/order.ts';
import type { ProviderName, Vip } from '../model/vip.ts';
import type { ProviderEvent } from '../provider/provider.ts';
import type { Standing } from './messages.ts';

type SlotsEvent = Extract<ProviderEvent, { kind: 'slots' }>;

export class Slots {
  readonly #limits = new Map<string, readonly [ProviderName, 4 | 6, number]>();

  /** The news, for people; undefined: it is none. */
  note(provider: ProviderName, { family, slots }: SlotsEvent): string | undefined {
    const key = `${provider} ${family}`;
    if (this.#limits.get(key)?.[2] === slots) return undefined;
    if (slots === undefined) this.#limits.delete(key);
    else this.#limits.set(key, [provider, family, slots]);
    return `${provider} can hold ${slots ?? 'any number of'} IPv${family} addresses here`;
  }

  /** In one order; undefined: nothing is limited. */
  get all(): Standing['slots'] {
    if (this.#limits.size === 0) return undefined;
    return [...this.#limits].sort(([a], [b]) => compareIds(a, b)).map(([, limit]) => limit);
  }

  /**
   * Whether the VIP fits beside the others that are here or on their way: what is still being released is in the way. A VIP that
   * would not fit alone is no reason to wait.
   */
  fits(vip: Vip, provider: ProviderName, others: readonly Vip[]): boolean {
    return ([4, 6] as const).every((family) => {
      const limit = this.#limits.get(`${provider} ${family}`)?.[2];
      const cost = count([vip], family);
      if (limit === undefined || cost === 0 || cost > limit) return true;
      return count(others, family) + cost <= limit;
    });
  }
}

function count(vips: readonly Vip[], family: 4 | 6): number {
  return vips.reduce((sum, { addresses }) => sum + addresses.filter((a) => a.family === family).length, 0);
}

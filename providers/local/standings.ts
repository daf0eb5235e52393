/**
 * Where each VIP would stand on this host, worked out before it is needed: a takeover of 1,000 shall not have to.
 * Knows nothing of what stands there.
 */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { InterfaceTable } from '../../src/platform/interface-watch.ts';
import { placementsOf, type Standing } from './placement.ts';

export class Standings {
  readonly #config: Pick<LocalProviderConfig, 'interface'>;
  readonly #interfaces: Pick<InterfaceTable, 'byName'>;
  readonly #known = new Map<VipId, { readonly vip: Vip; readonly standings: readonly Standing[] }>();

  constructor(config: Pick<LocalProviderConfig, 'interface'>, interfaces: Pick<InterfaceTable, 'byName'>) {
    this.#config = config;
    this.#interfaces = interfaces;
  }

  /** Forgets the others. */
  configure(vips: readonly Vip[]): void {
    const ids = new Set(vips.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    for (const vip of vips) this.of(vip);
  }

  /** The same objects as long as nothing changes; `undefined` while one of its interfaces is not there. Throws as `placementsOf`. */
  of(vip: Vip): readonly Standing[] | undefined {
    const known = this.#known.get(vip.id);
    if (known?.vip === vip && known.standings.every((one) => this.#stands(one))) return known.standings;
    const standings: Standing[] = [];
    for (const placement of placementsOf(vip, this.#config)) {
      const link = this.#interfaces.byName(placement.interfaceName);
      if (link === undefined) return undefined;
      standings.push({ ...placement, interfaceIndex: link.index });
    }
    this.#known.set(vip.id, { vip, standings });
    return standings;
  }

  #stands({ interfaceName, interfaceIndex }: Standing): boolean {
    return this.#interfaces.byName(interfaceName)?.index === interfaceIndex;
  }
}

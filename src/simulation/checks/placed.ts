/** A VIP is never put up where its own definition says that it must not be: in another zone, on a host without its tags. */
import type { Config } from '../../config/config.ts';
import type { Vip } from '../../model/vip.ts';
import { Breach } from '../breach.ts';
import type { Host } from '../world/host.ts';
import type { Observer } from '../world/world.ts';

export class Placed implements Observer {
  /** Addresses of VIPs with constraints that were put up. */
  watched = 0;

  addressChanged(address: string, host: Host): void {
    if (!host.addresses.has(address)) return;
    const vip = host.config.vips.find(({ addresses }) => addresses.some((one) => one.address === address));
    if (vip?.constraints === undefined) return;
    this.watched += 1;
    if (isMisplaced(host.config, vip))
      throw new Breach('placed', `${vip.id} is put up on ${host.name}, which is not where it may be`);
  }
}

/** Whether the host of this configuration is none for the VIP. */
export function isMisplaced({ zone, tags: own }: Config, { constraints }: Vip): boolean {
  const { zones, tags = {} } = constraints ?? {};
  if (zones !== undefined && (zone === undefined || !zones.includes(zone))) return true;
  return Object.entries(tags).some(([key, value]) => own?.[key] !== value);
}

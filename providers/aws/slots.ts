/** How many addresses this host can hold. Pure. */
import type { Vip } from '../../src/model/vip.ts';
import type { Eni, InstanceLimits } from './ec2.ts';

export interface SlotsQuestion {
  readonly mode: 'secondary-ip' | 'elastic-ip' | 'route';
  readonly enis: readonly Eni[];
  readonly limits: InstanceLimits | undefined;
  readonly vips: readonly Vip[];
}

/** Undefined: no limit that is known. */
export function slotsFor(family: 4 | 6, { mode, enis, limits, vips }: SlotsQuestion): number | undefined {
  if (mode === 'route') return undefined;
  const ours = new Set(vips.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  if (mode === 'elastic-ip') {
    if (family === 6) return undefined;
    const [eni] = enis;
    return (eni?.addresses ?? []).filter(({ publicIp }) => publicIp === undefined || ours.has(publicIp))
      .length;
  }
  if (limits === undefined) return undefined;
  const perInterface = family === 4 ? limits.ipv4PerInterface : limits.ipv6PerInterface;
  const used = (eni: Eni) =>
    family === 4
      ? eni.addresses.filter(({ address }) => !ours.has(address))
      : eni.ipv6.filter((a) => !ours.has(a));
  // Of two interfaces in one subnet the first has them all.
  const carrying = enis.filter(({ subnet }, at) => enis.findIndex((each) => each.subnet === subnet) === at);
  return carrying.reduce((sum, eni) => sum + Math.max(0, perInterface - used(eni).length), 0);
}

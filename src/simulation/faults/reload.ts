/** A new configuration file on one host, which may differ from those of the others. */
import type { Vip } from '../../model/vip.ts';
import type { Host } from '../world/host.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** The first VIPs, changed in one way or another. */
export function reload(world: World, host: Host, random: Random): void {
  const [first, ...rest] = world.vips as [Vip, ...Vip[]];
  const last = world.vips.length;
  const address = (text: string) => ({ family: 4, address: text, prefixLength: 32 }) as const;
  const variants: readonly (readonly Vip[])[] = [
    world.vips,
    world.vips,
    rest,
    [{ ...first, policy: first.policy === 'primary' ? 'component' : 'primary' }, ...rest],
    [...world.vips, { ...first, id: `w${last}`, addresses: [address('10.2.0.1')] }],
    [...rest, { ...first, id: 'x1' }],
    [{ ...first, weight: 3, prefer: ['h01'] }, ...rest],
    [{ ...first, addresses: [address('10.2.0.2')] }, ...rest],
    [{ ...first, addresses: [...first.addresses, address('10.2.0.3')] }, ...rest],
  ];
  apply(world, host, random.pick(variants));
}

/** The file as it was at first. */
export function reloadFirst(world: World, host: Host): void {
  apply(world, host, world.vips);
}

function apply(world: World, host: Host, vips: readonly Vip[]): void {
  if (host.config.vips === vips) return;
  host.configuredAt = world.now;
  host.config = world.cluster.configOf(host.name, vips);
  host.agent?.reconfigure();
}

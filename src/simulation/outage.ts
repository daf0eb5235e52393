/** Measures, among hosts that reach each other, which VIPs are not served and for how long. */
import type { Instant, Millis } from '../model/time.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Host } from './world/host.ts';
import type { Observer, World } from './world/world.ts';

export class Outage implements Observer {
  readonly #world: World;
  readonly #side: readonly Host[];
  readonly #from: Instant;
  readonly #byAddress = new Map<string, Vip>();
  /** Since when it is down; absent: it is up. */
  readonly #downSince = new Map<VipId, Instant>();
  /** When it was last up again after it had been down. */
  readonly #upAgain = new Map<VipId, Instant>();

  constructor(world: World, side: readonly Host[]) {
    this.#world = world;
    this.#side = side;
    this.#from = world.now;
    for (const vip of world.vips) {
      for (const { address } of vip.addresses) this.#byAddress.set(address, vip);
      // What the others had is down here from the first moment.
      if (!this.#isUp(vip)) this.#downSince.set(vip.id, world.now);
    }
  }

  addressChanged(address: string): void {
    const vip = this.#byAddress.get(address);
    if (vip === undefined) return;
    const up = this.#isUp(vip);
    if (!up && !this.#downSince.has(vip.id)) this.#downSince.set(vip.id, this.#world.now);
    if (up && this.#downSince.delete(vip.id)) this.#upAgain.set(vip.id, this.#world.now);
  }

  /** From the faults until each VIP that was interrupted was served for good; without those that are not in the end. */
  gaps(): readonly Millis[] {
    return [...this.#upAgain].filter(([vip]) => !this.#downSince.has(vip)).map(([, at]) => at - this.#from);
  }

  carriedBy(host: Host): readonly Vip[] {
    return this.#world.vips.filter((vip) => isOn(vip, host));
  }

  unserved(): readonly { readonly vip: VipId; readonly reason: string }[] {
    const agent = this.#side.find((host) => host.agent !== undefined)?.agent;
    const told = new Map(agent?.core.status(0, 0).vips.map(({ vip, reason }) => [vip, reason]));
    return [...this.#downSince.keys()].map((vip) => ({
      vip,
      reason: agent === undefined ? 'no agent runs here' : (told.get(vip) ?? 'unknown'),
    }));
  }

  #isUp(vip: Vip): boolean {
    return this.#side.some((host) => isOn(vip, host));
  }
}

function isOn({ addresses }: Vip, host: Host): boolean {
  return host.up && addresses.every(({ address }) => host.addresses.has(address));
}

/** The link on which addresses really are: who has which, and who answers whom for it. */
import type { VipAddress } from '../../../src/model/vip.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

export class Segment {
  readonly #world: World;
  readonly #hosts = new Map<string, Host[]>();
  /** Addresses a device that is no member answers for. */
  readonly strangers = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  put(address: string, host: Host): void {
    this.#hosts.set(address, [...this.holders(address), host]);
    this.#world.addressChanged(address, host);
  }

  remove(address: string, host: Host): void {
    this.#hosts.set(
      address,
      this.holders(address).filter((one) => one !== host),
    );
    this.#world.addressChanged(address, host);
  }

  holders(address: string): readonly Host[] {
    return this.#hosts.get(address) ?? [];
  }

  addresses(): IterableIterator<string> {
    return this.#hosts.keys();
  }

  /** Whether somebody else answers this host's question for the address now. */
  answers(asker: Host, addresses: readonly VipAddress[]): boolean {
    return addresses.some(({ address }) => {
      if (!asker.carrier) return false;
      if (this.strangers.has(address)) return true;
      const other = this.holders(address).find(
        (host) => host !== asker && this.#world.network.connected(asker, host),
      );
      if (other === undefined) return false;
      if (this.#world.network.probePasses(asker, other)) return true;
      this.#world.network.falseSilence(asker, other);
      return false;
    });
  }
}

/** The link on which addresses really are: who has which, and who answers whom for it. */
import type { Instant, Millis } from '../../model/time.ts';
import type { VipAddress } from '../../model/vip.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** Two rounds of questions of 4 ms and a little for the way. */
const ROUNDS: Millis = 14;

export class Segment {
  readonly #world: World;
  readonly #hosts = new Map<string, Host[]>();
  /** Addresses a device that is no member answers for. */
  readonly strangers = new Set<string>();
  /** Who asked for an address last, and when; a question is no answer, so two that ask at once both find silence. */
  readonly #asked = new Map<string, Map<Host, number>>();

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
      this.#noteQuestion(asker, address);
      if (this.strangers.has(address)) return true;
      const others = this.holders(address).filter(
        (host) => host !== asker && !host.isCloud && this.#world.network.connected(asker, host),
      );
      if (others.some((host) => this.#world.network.probePasses(asker, host))) return true;
      for (const other of others) this.#world.network.falseSilence(asker, other);
      return false;
    });
  }

  /** Whether somebody has announced one of the addresses since then: whoever listens hears that too. */
  announcedSince(listener: Host, addresses: readonly VipAddress[], since: Instant): boolean {
    return addresses.some(({ address }) =>
      this.holders(address).some(
        (host) =>
          host !== listener &&
          !host.isCloud &&
          host.addresses.get(address)!.putAt >= since &&
          this.#world.network.connected(listener, host) &&
          !this.#world.network.lost(),
      ),
    );
  }

  /** Whether both hosts asked for the address within one round of questions before now. */
  askedTogether(address: string, [a, b]: readonly [Host, Host]): boolean {
    const asked = this.#asked.get(address);
    const latest = Math.min(asked?.get(a) ?? -1e9, asked?.get(b) ?? -1e9);
    return this.#world.now - latest < ROUNDS;
  }

  #noteQuestion(asker: Host, address: string): void {
    const asked = this.#asked.get(address) ?? new Map<Host, number>();
    this.#asked.set(address, asked.set(asker, this.#world.now));
  }
}

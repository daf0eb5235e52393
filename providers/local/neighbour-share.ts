/**
 * Reads the kernel's neighbour cache again and again, for the other members, and keeps what they tell of theirs: so that a new
 * holder can tell those directly who only ever spoke to the one before. Works in the background; takes nothing from anybody
 * as more than a hint of whom to tell.
 */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { SharedNeighboursConfig } from '../../src/config/providers/local.ts';
import { KNOWN_NEIGHBOURS_MAX, type KnownNeighbour } from '../../src/model/neighbour.ts';
import type { Millis } from '../../src/model/time.ts';
import type { Vip } from '../../src/model/vip.ts';
import { bootTimeNow } from '../../src/platform/clock.ts';
import { ipBytes, ipText } from '../../src/platform/ip-bytes.ts';
import { SystemError } from '../../src/platform/libc.ts';
import { readKnownNeighbours } from '../../src/platform/neighbour-table.ts';
import type { Host } from './host.ts';
import type { Audience } from './notifier.ts';
import { macText } from './packets.ts';
import { type Placement, placementsOf } from './placement.ts';
import { SharedNeighbours } from './shared-neighbours.ts';

/** The start of an agent has better things to do. */
const FIRST_READING_MAX: Millis = 2000;
/** Intervals after which the others are told again of a neighbour that is still there. */
const INTERVALS_AGAIN = 10;
/** Intervals after which a neighbour that nobody told of again is forgotten: one that is told late is not lost in between. */
const INTERVALS_KEPT = INTERVALS_AGAIN + 3;
const INTERFACES_MAX = 8;

export interface NeighbourShareParts {
  readonly host: Pick<Host, 'interfaces' | 'requests'>;
  /** `again`: for so long they are remembered. */
  readonly tell: (neighbours: readonly KnownNeighbour[], again: Millis) => void;
}

interface Subnet {
  readonly interfaceIndex: number;
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

export class NeighbourShare {
  readonly #config: SharedNeighboursConfig;
  readonly #provider: LocalProviderConfig;
  readonly #parts: NeighbourShareParts;
  readonly #known: SharedNeighbours;
  #placements: readonly Placement[] = [];
  #subnets: readonly Subnet[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(config: SharedNeighboursConfig, provider: LocalProviderConfig, parts: NeighbourShareParts) {
    this.#config = config;
    this.#provider = provider;
    this.#parts = parts;
    this.#known = new SharedNeighbours(config.interval_ms * INTERVALS_KEPT);
  }

  get audiences(): readonly Audience[] {
    const isOnLink = (index: number, address: Uint8Array) => this.#isOnLink(index, address);
    return this.#config.notify.flatMap((entry) => this.#known.audiences(entry, isOnLink));
  }

  start(vips: readonly Vip[]): void {
    this.configure(vips);
    this.#arm(Math.min(FIRST_READING_MAX, this.#config.interval_ms));
  }

  configure(vips: readonly Vip[]): void {
    this.#placements = vips.flatMap((vip) => placementsOf(vip, this.#provider));
    this.#lookAtSubnets();
  }

  /** What another member's kernel knows. */
  hear(neighbours: readonly KnownNeighbour[]): void {
    this.#known.learn(neighbours, bootTimeNow());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delay: Millis): void {
    this.#timer = setTimeout(() => {
      this.#arm(this.#config.interval_ms);
      this.#round();
    }, delay);
    this.#timer.unref();
  }

  #round(): void {
    this.#lookAtSubnets();
    const found = this.#read();
    const now = bootTimeNow();
    this.#known.learn(found, now);
    this.#known.forgetOld(now);
    for (let at = 0; at < found.length; at += KNOWN_NEIGHBOURS_MAX)
      this.#parts.tell(
        found.slice(at, at + KNOWN_NEIGHBOURS_MAX),
        this.#config.interval_ms * INTERVALS_AGAIN,
      );
  }

  /** VIPs of the cluster that other members hold are no clients of ours. */
  #read(): readonly KnownNeighbour[] {
    const vips = new Set(this.#placements.map(({ address }) => address));
    return this.#interfaceIndices().flatMap((index) =>
      readKnownNeighbours(index, KNOWN_NEIGHBOURS_MAX)
        .map(({ bytes, mac }): KnownNeighbour => [ipText(bytes), macText(mac)])
        .filter(([address]) => !vips.has(address)),
    );
  }

  /** Those with VIPs that somebody is to be told of. */
  #interfaceIndices(): number[] {
    const { notify } = this.#config;
    const names = new Set(this.#placements.map(({ interfaceName }) => interfaceName));
    return [...names]
      .filter((name) => notify.some(({ interface: device }) => device === undefined || device === name))
      .flatMap((name) => this.#parts.host.interfaces.byName(name) ?? [])
      .filter(({ resolves }) => resolves)
      .slice(0, INTERFACES_MAX)
      .map(({ index }) => index);
  }

  #lookAtSubnets(): void {
    const { host } = this.#parts;
    try {
      const own = host.requests.addresses();
      const carried = this.#placements.flatMap((placement) => {
        const link = host.interfaces.byName(placement.interfaceName);
        return link === undefined ? [] : [{ ...placement, interfaceIndex: link.index }];
      });
      this.#subnets = distinct([...own, ...carried]);
    } catch (error) {
      // What was true before is the best there is, until the next time.
      if (!(error instanceof SystemError)) throw error;
    }
  }

  #isOnLink(interfaceIndex: number, address: Uint8Array): boolean {
    return this.#subnets.some(
      (subnet) => subnet.interfaceIndex === interfaceIndex && isWithin(address, subnet),
    );
  }
}

/** Subnets alone, each once: a thousand VIPs of one subnet are looked at as one. */
function distinct(
  addresses: readonly (Omit<Subnet, 'address'> & { readonly address: string })[],
): readonly Subnet[] {
  const subnets = new Map<string, Subnet>();
  for (const { interfaceIndex, address, prefixLength } of addresses) {
    const bytes = ipBytes(address);
    if (prefixLength >= bytes.length * 8) continue;
    const start = bytes.map((byte, at) => byte & maskAt(at, prefixLength));
    subnets.set(`${interfaceIndex} ${start.join('.')}/${prefixLength}`, {
      interfaceIndex,
      address: start,
      prefixLength,
    });
  }
  return [...subnets.values()];
}

function isWithin(address: Uint8Array, subnet: Subnet): boolean {
  return (
    address.length === subnet.address.length &&
    address.every((byte, at) => (byte & maskAt(at, subnet.prefixLength)) === subnet.address[at])
  );
}

/** The bits of the byte at this place that belong to the prefix. */
function maskAt(at: number, prefixLength: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - at * 8));
  return (0xff00 >> bits) & 0xff;
}

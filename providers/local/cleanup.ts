/**
 * Takes away what agents left on this host: every address that carries our mark, or those of one cluster, and no other. Needs no
 * configuration, so that it also works where that is what is broken. For the command `cleanup`, which a service manager runs after
 * every end.
 */
import { SystemError } from '../../src/platform/libc.ts';
import { openRouteRequests, type RouteRequests } from '../../src/platform/netlink.ts';
import type { InterfaceAddress } from '../../src/platform/rtnetlink-codec.ts';
import { writeSysctl } from '../../src/platform/sysctl.ts';
import { AddressBook } from './address-book.ts';
import { putUpBy } from './placement.ts';

export interface Leftover {
  /** With its prefix length. */
  readonly address: string;
  readonly interfaceName: string;
  /** Why it is still there, and what to do; absent: it is gone, or would be. */
  readonly problem?: string;
}

export interface CleanUpOptions {
  /** Only looks. */
  readonly dryRun: boolean;
  /** Of what carries our mark only what one cluster put up. */
  readonly only?: OneCluster;
}

export interface OneCluster {
  readonly cluster: string;
  /** Of what does not say which cluster put it up, these are its; as the kernel writes them, without prefix length. */
  readonly addresses: readonly string[];
}

/** Throws an Error for a person when the kernel does not say what is there. */
export function cleanUp({ dryRun, only }: CleanUpOptions): readonly Leftover[] {
  const requests = openRouteRequests();
  try {
    return new Cleanup(requests).run(dryRun, only);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new Error(`the kernel does not say which addresses are there (${error.code}); try again`, {
      cause: error,
    });
  } finally {
    requests.close();
  }
}

class Cleanup {
  readonly #addresses: AddressBook;
  readonly #names: ReadonlyMap<number, string>;

  constructor(requests: RouteRequests) {
    // It puts nothing up, so that lease and cluster are of no matter.
    this.#addresses = new AddressBook(requests, { leaseSeconds: 1, cluster: '' });
    this.#names = new Map(requests.links().map(({ index, name }) => [index, name]));
  }

  run(dryRun: boolean, only?: OneCluster): Leftover[] {
    const marked = this.#addresses
      .snapshot()
      .marked()
      .filter((address) => only === undefined || isOf(address, only));
    if (dryRun || marked.length === 0) return marked.map((address) => this.#leftover(address));
    this.#keepNeighbours(marked);
    const failures = new Map(this.#addresses.remove(marked).map(({ address, reason }) => [address, reason]));
    const after = this.#addresses.snapshot();
    return marked.map((address) =>
      this.#leftover(address, after.has(address) ? (failures.get(address) ?? BACK) : undefined),
    );
  }

  /** Without this, an address that is the first of its subnet takes those of others with it (`promote_secondaries`). */
  #keepNeighbours(addresses: readonly InterfaceAddress[]): void {
    const subnets = addresses.filter(
      ({ address, prefixLength }) => !address.includes(':') && prefixLength < 32,
    );
    for (const name of new Set(subnets.map((address) => this.#nameOf(address))))
      writeSysctl('1', 'net', 'ipv4', 'conf', name, 'promote_secondaries');
  }

  #leftover(address: InterfaceAddress, problem?: string): Leftover {
    return {
      address: `${address.address}/${address.prefixLength}`,
      interfaceName: this.#nameOf(address),
      ...(problem !== undefined && {
        problem: problem.includes('(EPERM)') ? `${problem}; ${RIGHTS}` : problem,
      }),
    };
  }

  #nameOf({ interfaceIndex }: InterfaceAddress): string {
    return this.#names.get(interfaceIndex) ?? `interface ${interfaceIndex}`;
  }
}

function isOf(address: InterfaceAddress, { cluster, addresses }: OneCluster): boolean {
  const by = putUpBy(address, cluster);
  return by === 'it' || (by === 'unknown' && addresses.includes(address.address));
}

const BACK = 'it was removed and is there again: something puts it up; stop the agent of this host first';
const RIGHTS = 'run it as root, or with CAP_NET_ADMIN';

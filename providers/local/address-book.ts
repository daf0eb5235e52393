/**
 * Puts addresses on interfaces and takes them off, in batches, and says what is really there. Works off each call before
 * it returns. Knows nothing of leases' timing or of neighbours.
 */
import { errnoName, SystemError } from '../../src/platform/libc.ts';
import type { RouteRequests } from '../../src/platform/netlink.ts';
import {
  encodeAddressDelete,
  encodeAddressPut,
  type InterfaceAddress,
} from '../../src/platform/rtnetlink-codec.ts';
import type { OutcomeCode } from '../../src/provider/provider.ts';
import { isMarked, type LeaseMark, leasedAddress, type Standing, standingKey } from './placement.ts';

type Requests = Pick<RouteRequests, 'addresses' | 'request'>;

/** Removing what is not there (address or whole interface) is done already. */
const GONE = new Set(['EADDRNOTAVAIL', 'ENODEV']);

/** What names an address in the kernel's table. */
export type AddressKey = Pick<InterfaceAddress, 'interfaceIndex' | 'address' | 'prefixLength'>;

export interface Refusal {
  readonly standing: Standing;
  readonly code: OutcomeCode;
  readonly reason: string;
}

export class AddressBook {
  readonly #requests: Requests;
  readonly #mark: LeaseMark;
  /** What puts a standing up or prolongs it: the same bytes each time. */
  readonly #puts = new WeakMap<Standing, Buffer>();

  constructor(requests: Requests, mark: LeaseMark) {
    this.#requests = requests;
    this.#mark = mark;
  }

  /** Everything that stands on this host now. Throws SystemError when the kernel does not answer. */
  snapshot(): Snapshot {
    return new Snapshot(this.#requests.addresses());
  }

  /** Has ready what {@link put} needs. */
  prepare(standings: readonly Standing[]): void {
    for (const standing of standings) this.#putting(standing);
  }

  /** Puts up or prolongs, marked and leased; what was refused. Creates what is missing: ask {@link snapshot} before a renewal. */
  put(standings: readonly Standing[]): Refusal[] {
    const errnos = this.#request(
      // Copies: each is numbered on its way, and a standing may be named twice.
      standings.map((standing) => Buffer.from(this.#putting(standing))),
    );
    return standings.flatMap((standing, at) => {
      const errno = errnos[at] ?? 0;
      return errno === 0 ? [] : [{ standing, ...explain(standing, errnoName(errno)) }];
    });
  }

  /** Takes off; what is still there, and why. */
  remove<T extends AddressKey>(addresses: readonly T[]): { address: T; reason: string }[] {
    const errnos = this.#request(addresses.map((address) => encodeAddressDelete(address)));
    return addresses.flatMap((address, at) => {
      const code = errnoName(errnos[at] ?? 0);
      if ((errnos[at] ?? 0) === 0 || GONE.has(code)) return [];
      return [
        { address, reason: `${address.address}/${address.prefixLength} could not be removed (${code})` },
      ];
    });
  }

  #putting(standing: Standing): Buffer {
    const known = this.#puts.get(standing);
    if (known !== undefined) return known;
    const message = encodeAddressPut(leasedAddress(standing, this.#mark));
    this.#puts.set(standing, message);
    return message;
  }

  /** Where the socket itself fails, nobody knows what was done: each counts as refused. */
  #request(messages: readonly Buffer[]): number[] {
    try {
      return this.#requests.request(messages);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return messages.map(() => error.errno);
    }
  }
}

/** The addresses of this host at one moment. */
export class Snapshot {
  readonly #byKey: Map<string, InterfaceAddress>;
  readonly #byAddress = new Map<string, InterfaceAddress[]>();

  constructor(addresses: readonly InterfaceAddress[]) {
    this.#byKey = new Map(addresses.map((address) => [standingKey(address), address]));
    for (const address of addresses) {
      const same = this.#byAddress.get(address.address) ?? [];
      same.push(address);
      this.#byAddress.set(address.address, same);
    }
  }

  has(standing: AddressKey): boolean {
    return this.#byKey.has(standingKey(standing));
  }

  at(standing: Standing): InterfaceAddress | undefined {
    return this.#byKey.get(standingKey(standing));
  }

  /** Wherever on this host, under whatever prefix length. */
  withAddress(address: string): readonly InterfaceAddress[] {
    return this.#byAddress.get(address) ?? [];
  }

  marked(): InterfaceAddress[] {
    return [...this.#byKey.values()].filter(isMarked);
  }
}

function explain(standing: Standing, errno: string): { code: OutcomeCode; reason: string } {
  const what = `${standing.address}/${standing.prefixLength} on ${standing.interfaceName}`;
  switch (errno) {
    case 'EPERM':
      return { code: 'permission', reason: `${what}: not permitted; the agent needs CAP_NET_ADMIN` };
    case 'ENODEV':
      return { code: 'interface-missing', reason: `${what}: the interface is gone` };
    case 'ENETDOWN':
      return { code: 'link-down', reason: `${what}: the interface is down` };
    case 'ENOBUFS':
    case 'ENOMEM':
    case 'ENOSPC':
      return { code: 'limit', reason: `${what}: the kernel has no room for it (${errno})` };
    case 'EACCES':
      return {
        code: 'unsupported',
        reason: `${what}: IPv6 is switched off there (sysctl net.ipv6.conf.${standing.interfaceName}.disable_ipv6=0)`,
      };
    default:
      return { code: 'failed', reason: `${what}: the kernel refused it (${errno})` };
  }
}

/** Where each address of a VIP stands on this host, and how it is marked as ours. Pure. */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip, VipAddress } from '../../src/model/vip.ts';
import {
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  type InterfaceAddress,
} from '../../src/platform/rtnetlink-codec.ts';

/** IFA_PROTO value of every address we put up (kernel 5.18 and later show it); chosen free of those iproute2 knows. */
export const ORIGIN = 0x57;
/**
 * End of the IPv4 label of every address we put up; kernels of any age show it. Two characters follow that stand for the cluster: several
 * agents on one host know their own by them.
 */
const LABEL_MARK = ':w~';
const OUR_LABEL = /:w~[\w-]{2}$/;
const CLUSTER_CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-';
/** A label is as long as an interface name at most (IFNAMSIZ with its final zero byte). */
const LABEL_LENGTH_MAX = 15;
/** What an interface may be called to be ours: nothing a command line or a batch could take for something else. */
const INTERFACE_NAME = /^[A-Za-z0-9_.@][A-Za-z0-9_.:@-]{0,14}$/;

export interface Placement {
  readonly family: 4 | 6;
  /** Canonical text. */
  readonly address: string;
  readonly prefixLength: number;
  readonly interfaceName: string;
}

/** A placement on an interface that was there when we looked. */
export interface Standing extends Placement {
  readonly interfaceIndex: number;
}

/** Throws RangeError, saying what to mend, when an address names no interface and there is no default, or an unusable name. */
export function placementsOf(vip: Vip, config: Pick<LocalProviderConfig, 'interface'>): Placement[] {
  return vip.addresses.map((address) => ({
    family: address.family,
    address: address.address,
    prefixLength: address.prefixLength,
    interfaceName: interfaceOf(vip, address, config.interface),
  }));
}

function interfaceOf(vip: Vip, address: VipAddress, fallback: string | undefined): string {
  const name = address.interface ?? fallback;
  if (name === undefined) {
    throw new RangeError(
      `VIP ${vip.id}: ${address.address} names no interface; name one there or as the provider's \`interface\``,
    );
  }
  if (!INTERFACE_NAME.test(name)) {
    throw new RangeError(
      `VIP ${vip.id}: interface ${JSON.stringify(name)} cannot be used; ` +
        'its name has to be 1 to 15 letters, digits or one of _ . : @ -',
    );
  }
  return name;
}

export interface LeaseMark {
  readonly leaseSeconds: number;
  /** Who puts it up. */
  readonly cluster: string;
}

/** What the kernel shall be asked to keep for `leaseSeconds`. */
export function leasedAddress(standing: Standing, { leaseSeconds, cluster }: LeaseMark): InterfaceAddress {
  return {
    interfaceIndex: standing.interfaceIndex,
    address: standing.address,
    prefixLength: standing.prefixLength,
    validSeconds: leaseSeconds,
    // Deprecated from the start: serves and answers, and is never chosen as the source of this host's own traffic.
    preferredSeconds: 0,
    origin: ORIGIN,
    label: standing.family === 4 ? labelFor(standing.interfaceName, cluster) : '',
    // Duplicate detection by the kernel would keep the address tentative for a second; we ask the link ourselves.
    // A leased address must not put its lifetime on the prefix route that the host's own address needs.
    flags: standing.family === 6 ? IFA_F_NODAD | IFA_F_NOPREFIXROUTE : 0,
  };
}

function labelFor(interfaceName: string, cluster: string): string {
  const label = `${interfaceName}${labelEnd(cluster)}`;
  return label.length <= LABEL_LENGTH_MAX ? label : '';
}

/** One of 4096, by FNV-1a: a label has no room for the name. */
function labelEnd(cluster: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(cluster)) hash = Math.imul(hash ^ byte, 0x01000193);
  const folded = (hash ^ (hash >>> 12) ^ (hash >>> 24)) & 0xfff;
  return LABEL_MARK + CLUSTER_CHARACTERS.charAt(folded >> 6) + CLUSTER_CHARACTERS.charAt(folded & 63);
}

/** Whether an agent of ours put it there, of whatever cluster. */
export function isMarked(address: Pick<InterfaceAddress, 'origin' | 'label'>): boolean {
  return address.origin === ORIGIN || OUR_LABEL.test(address.label);
}

/**
 * Which cluster's agent put a marked address there. IPv6 has no labels, nor have interfaces with long names: of those it is not known.
 */
export function putUpBy(
  address: Pick<InterfaceAddress, 'label'>,
  cluster: string,
): 'it' | 'another' | 'unknown' {
  if (!OUR_LABEL.test(address.label)) return 'unknown';
  return address.label.endsWith(labelEnd(cluster)) ? 'it' : 'another';
}

/** Identity of a standing address in the kernel's table. */
export function standingKey(standing: Pick<Standing, 'interfaceIndex' | 'address' | 'prefixLength'>): string {
  return `${standing.interfaceIndex} ${standing.address}/${standing.prefixLength}`;
}

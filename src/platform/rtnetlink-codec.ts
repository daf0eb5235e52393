/** rtnetlink messages about interfaces and their addresses (`man 7 rtnetlink`, linux/if_addr.h, linux/if_link.h). Pure. */
import { ipBytes, ipText } from './ip-bytes.ts';
import {
  decodeAttributes,
  encodeAttribute,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
} from './netlink-codec.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;

export const IFA_F_NODAD = 0x02;
export const IFA_F_NOPREFIXROUTE = 0x200;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x10000;
const ARPHRD_ETHER = 1;

const AF_INET = 2;
const AF_INET6 = 10;
const FOREVER = 0xffffffff;
const ADDRESS_HEADER_BYTES = 8;
const LINK_HEADER_BYTES = 16;

/** An address as it stands, or shall stand, on an interface. */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  /** Canonical text. */
  readonly address: string;
  readonly prefixLength: number;
  /** Seconds the kernel keeps it; absent: for ever. */
  readonly validSeconds?: number;
  /** Seconds it may be chosen as a source; absent: for ever. */
  readonly preferredSeconds?: number;
  /** Who put it there (IFA_PROTO, kernel 5.18 and later); 0: nobody said. */
  readonly origin: number;
  /** IPv4 alone; empty: the interface's name. */
  readonly label: string;
  readonly flags: number;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Empty where the interface has none. */
  readonly mac: Uint8Array;
  /** Administratively up. */
  readonly up: boolean;
  /** Lower layer and operational state are up. */
  readonly carrier: boolean;
  /** An Ethernet that resolves addresses: neighbours can be asked and told. */
  readonly resolves: boolean;
}

export type RouteNotice =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: InterfaceAddress };

/** Adds the address, or gives an equal one these lifetimes: also where it was missing. */
export function encodeAddressPut(address: InterfaceAddress): Buffer {
  const lifetimes = Buffer.alloc(16);
  lifetimes.writeUInt32LE(address.preferredSeconds ?? FOREVER, 0);
  lifetimes.writeUInt32LE(address.validSeconds ?? FOREVER, 4);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(address.flags);
  const parts = [
    ...addressParts(address),
    encodeAttribute(IFA_CACHEINFO, lifetimes),
    encodeAttribute(IFA_FLAGS, flags),
    encodeAttribute(IFA_PROTO, Uint8Array.of(address.origin)),
  ];
  if (address.label !== '')
    parts.push(encodeAttribute(IFA_LABEL, Buffer.from(`${address.label}\0`, 'latin1')));
  return encodeMessage(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, parts);
}

export function encodeAddressDelete(
  address: Pick<InterfaceAddress, 'interfaceIndex' | 'address' | 'prefixLength'>,
): Buffer {
  return encodeMessage(RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, addressParts(address));
}

export function encodeLinkDump(): Buffer {
  return encodeMessage(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, [Buffer.alloc(LINK_HEADER_BYTES)]);
}

/** Both families. */
export function encodeAddressDump(): Buffer {
  return encodeMessage(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, [Buffer.alloc(ADDRESS_HEADER_BYTES)]);
}

/** What the message says, or `undefined` for anything else or cut short. */
export function decodeRouteNotice(message: NetlinkMessage): RouteNotice | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const link = decodeLink(message.payload);
      return link && { kind: 'link', gone: message.type === RTM_DELLINK, link };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = decodeAddress(message.payload);
      return address && { kind: 'address', gone: message.type === RTM_DELADDR, address };
    }
    default:
      return undefined;
  }
}

function addressParts(
  address: Pick<InterfaceAddress, 'interfaceIndex' | 'address' | 'prefixLength'>,
): Buffer[] {
  const bytes = ipBytes(address.address);
  const header = Buffer.alloc(ADDRESS_HEADER_BYTES);
  header[0] = bytes.length === 4 ? AF_INET : AF_INET6;
  header[1] = address.prefixLength;
  header.writeUInt32LE(address.interfaceIndex, 4);
  return [header, encodeAttribute(IFA_LOCAL, bytes), encodeAttribute(IFA_ADDRESS, bytes)];
}

function decodeAddress(payload: Buffer): InterfaceAddress | undefined {
  if (payload.length < ADDRESS_HEADER_BYTES) return undefined;
  const family = payload[0];
  const attributes = decodeAttributes(payload, ADDRESS_HEADER_BYTES);
  // On a point-to-point interface IFA_ADDRESS is the far end; IPv6 sends IFA_LOCAL only there.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes === undefined || bytes.length !== (family === AF_INET ? 4 : family === AF_INET6 ? 16 : -1))
    return undefined;
  const lifetimes = attributes.get(IFA_CACHEINFO);
  const flags = attributes.get(IFA_FLAGS);
  return {
    interfaceIndex: payload.readUInt32LE(4),
    address: ipText(bytes),
    prefixLength: payload[1] ?? 0,
    ...lifetimeSeconds(lifetimes),
    origin: attributes.get(IFA_PROTO)?.[0] ?? 0,
    label: textOf(attributes.get(IFA_LABEL)),
    flags: flags !== undefined && flags.length >= 4 ? flags.readUInt32LE(0) : (payload[2] ?? 0),
  };
}

function lifetimeSeconds(
  lifetimes: Buffer | undefined,
): Pick<InterfaceAddress, 'preferredSeconds' | 'validSeconds'> {
  if (lifetimes === undefined || lifetimes.length < 8) return {};
  const preferred = lifetimes.readUInt32LE(0);
  const valid = lifetimes.readUInt32LE(4);
  return {
    ...(preferred === FOREVER ? {} : { preferredSeconds: preferred }),
    ...(valid === FOREVER ? {} : { validSeconds: valid }),
  };
}

function decodeLink(payload: Buffer): Link | undefined {
  if (payload.length < LINK_HEADER_BYTES) return undefined;
  const attributes = decodeAttributes(payload, LINK_HEADER_BYTES);
  const flags = payload.readUInt32LE(8);
  const mac = Uint8Array.from(attributes.get(IFLA_ADDRESS) ?? []);
  const name = textOf(attributes.get(IFLA_IFNAME));
  if (name === '') return undefined;
  return {
    index: payload.readInt32LE(4),
    name,
    mac,
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    resolves:
      payload.readUInt16LE(2) === ARPHRD_ETHER &&
      mac.length === 6 &&
      (flags & (IFF_NOARP | IFF_LOOPBACK)) === 0,
  };
}

function textOf(value: Buffer | undefined): string {
  if (value === undefined) return '';
  const end = value.indexOf(0);
  return value.toString('latin1', 0, end < 0 ? value.length : end);
}

/**
 * rtnetlink messages about routes and neighbours (`man 7 rtnetlink`, linux/neighbour.h, linux/rtnetlink.h): over which
 * interface an address is reached, and what the kernel knows of a neighbour. Pure. Decoding never throws.
 */
import {
  decodeAttributes,
  encodeAttribute,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
} from './netlink-codec.ts';

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_VIA = 18;
const RTN_UNICAST = 1;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;
const NDA_FLAGS_EXT = 15;

const NUD_INCOMPLETE = 0x01;
const NUD_FAILED = 0x20;
const NUD_NOARP = 0x40;
/** The neighbour says of itself that it routes (IPv6): nobody set that by hand. */
const NTF_ROUTER = 0x80;
/** We answer for it; it is no neighbour. */
const NTF_PROXY = 0x08;

const AF_INET = 2;
const AF_INET6 = 10;
const HEADER_BYTES = 12;

/** An address on a link. `bytes`: 4 or 16, network order. */
export interface Neighbour {
  readonly interfaceIndex: number;
  readonly bytes: Uint8Array;
}

export interface RouteQuestion {
  readonly bytes: Uint8Array;
  /** Of the same family; absent: the kernel chooses. */
  readonly source?: Uint8Array;
  /** Where the address means something on one interface alone (link-local). */
  readonly interfaceIndex?: number;
}

export function encodeRouteQuestion(question: RouteQuestion): Buffer {
  const { bytes, source, interfaceIndex } = question;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = familyOf(bytes);
  header[1] = bytes.length * 8;
  header[2] = source === undefined ? 0 : source.length * 8;
  const parts = [header, encodeAttribute(RTA_DST, bytes)];
  if (source !== undefined) parts.push(encodeAttribute(RTA_SRC, source));
  if (interfaceIndex !== undefined) {
    const index = Buffer.alloc(4);
    index.writeUInt32LE(interfaceIndex);
    parts.push(encodeAttribute(RTA_OIF, index));
  }
  return encodeMessage(RTM_GETROUTE, NLM_F_REQUEST, parts);
}

/** The interface on whose link the address is, or `undefined` where it is behind a gateway, this host's own, or unreachable. */
export function decodeOnLinkRoute(message: NetlinkMessage): number | undefined {
  const { type, payload } = message;
  if (type !== RTM_NEWROUTE || payload.length < HEADER_BYTES || payload[7] !== RTN_UNICAST) return undefined;
  const attributes = decodeAttributes(payload, HEADER_BYTES);
  if (attributes.has(RTA_GATEWAY) || attributes.has(RTA_VIA)) return undefined;
  const index = attributes.get(RTA_OIF);
  return index === undefined || index.length < 4 ? undefined : index.readUInt32LE();
}

export function encodeNeighbourQuestion(neighbour: Neighbour): Buffer {
  return encodeMessage(RTM_GETNEIGH, NLM_F_REQUEST, neighbourParts(neighbour));
}

export function encodeNeighbourDelete(neighbour: Neighbour): Buffer {
  return encodeMessage(RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK, neighbourParts(neighbour));
}

/** Whether the kernel asks in vain for this neighbour's link address; `false` for what somebody set by hand, and for anything else. */
export function decodeUnanswered(message: NetlinkMessage): boolean {
  const { type, payload } = message;
  if (type !== RTM_NEWNEIGH || payload.length < HEADER_BYTES) return false;
  const flags = (payload[10] ?? 0) & ~NTF_ROUTER;
  const more = decodeAttributes(payload, HEADER_BYTES).get(NDA_FLAGS_EXT);
  if (flags !== 0 || more?.some((byte) => byte !== 0) === true) return false;
  return (payload.readUInt16LE(8) & (NUD_INCOMPLETE | NUD_FAILED)) !== 0;
}

/** The link address (6 bytes) the kernel has for a neighbour; `undefined` where it has none that is worth anything. */
export function decodeLinkAddress({ type, payload }: NetlinkMessage): Buffer | undefined {
  if (type !== RTM_NEWNEIGH || payload.length < HEADER_BYTES) return undefined;
  if ((payload.readUInt16LE(8) & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP)) !== 0) return undefined;
  const address = decodeAttributes(payload, HEADER_BYTES).get(NDA_LLADDR);
  return address?.length === 6 ? address : undefined;
}

/** All of one interface, of both families. Kernels that do not sift by it send those of all. */
export function encodeNeighbourDump(interfaceIndex: number): Buffer {
  const index = Buffer.alloc(4);
  index.writeUInt32LE(interfaceIndex);
  const parts = [Buffer.alloc(HEADER_BYTES), encodeAttribute(NDA_IFINDEX, index)];
  return encodeMessage(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, parts);
}

/** An entry of a dump whose link address can be sent to, confirmed of late or not; `undefined` for any other. */
export function decodeKnownNeighbour(message: NetlinkMessage): (Neighbour & { mac: Buffer }) | undefined {
  const mac = decodeLinkAddress(message);
  const { payload } = message;
  if (mac === undefined || (mac[0]! & 1) === 1 || mac.every((byte) => byte === 0)) return undefined;
  if (((payload[10] ?? 0) & NTF_PROXY) !== 0) return undefined;
  const bytes = decodeAttributes(payload, HEADER_BYTES).get(NDA_DST);
  const length = payload[0] === AF_INET ? 4 : payload[0] === AF_INET6 ? 16 : undefined;
  if (bytes === undefined || bytes.length !== length) return undefined;
  return { interfaceIndex: payload.readInt32LE(4), bytes, mac };
}

function neighbourParts({ interfaceIndex, bytes }: Neighbour): Buffer[] {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = familyOf(bytes);
  header.writeInt32LE(interfaceIndex, 4);
  return [header, encodeAttribute(NDA_DST, bytes)];
}

function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}

/**
 * The frames that tell and ask neighbours: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861). Pure bytes.
 * Parsing never throws: a frame that is not what it should be is `undefined`.
 */

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_BYTES = 14;
const ARP_FRAME_BYTES = 42;
const IPV6_HEADER_BYTES = 40;
const NEXT_HEADER_ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const OVERRIDE = 0x20;
const SOURCE_LINK_ADDRESS = 1;
const TARGET_LINK_ADDRESS = 2;

const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
const NO_MAC = new Uint8Array(6);
const ALL_NODES = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const UNSPECIFIED = new Uint8Array(16);

/** A link address and an IP address in bytes. */
export interface Binding {
  /** 6 bytes. */
  readonly mac: Uint8Array;
  /** 4 bytes in the ARP frames, 16 in the neighbour discovery frames. */
  readonly address: Uint8Array;
}

/** Gratuitous ARP, request form: the announcement of RFC 5227, taken by most stacks. */
export function arpAnnouncement(binding: Binding): Buffer {
  return arpFrame(1, binding, [binding.mac, binding.address, NO_MAC, binding.address]);
}

/** Gratuitous ARP, reply form: for those that learn from replies alone. */
export function arpGratuitousReply(binding: Binding): Buffer {
  return arpFrame(2, binding, [binding.mac, binding.address, binding.mac, binding.address]);
}

/** Asks who has `address` without saying it is ours (sender address 0, RFC 5227 section 2.1.1); poisons no cache. */
export function arpProbe(binding: Binding): Buffer {
  return arpFrame(1, binding, [binding.mac, new Uint8Array(4), NO_MAC, binding.address]);
}

/** Unsolicited neighbour advertisement to all nodes, override flag set (RFC 4861 section 7.2.6). */
export function neighbourAdvertisement(binding: Binding): Buffer {
  const body = Buffer.alloc(32);
  body[0] = NEIGHBOUR_ADVERTISEMENT;
  body[4] = OVERRIDE;
  body.set(binding.address, 8);
  body[24] = TARGET_LINK_ADDRESS;
  body[25] = 1;
  body.set(binding.mac, 26);
  return icmpv6Frame(body, { mac: binding.mac, source: binding.address, destination: ALL_NODES });
}

/** Asks who has `address` in the form of duplicate detection: from `::` to its solicited-node group (RFC 4862). */
export function neighbourProbe(binding: Binding): Buffer {
  const body = Buffer.alloc(24);
  body[0] = NEIGHBOUR_SOLICITATION;
  body.set(binding.address, 8);
  const destination = solicitedNodeGroup(binding.address);
  return icmpv6Frame(body, { mac: binding.mac, source: UNSPECIFIED, destination });
}

/** A neighbour that is told directly. `mac` absent: not known. */
export interface Addressee {
  /** 6 bytes. */
  readonly mac?: Uint8Array;
  readonly address: Uint8Array;
}

/**
 * Tells one neighbour where the address is: by a question from the address about the neighbour's own, which whoever is asked takes
 * note of (RFC 826; with IPv6 RFC 4861, 7.2.3). To its link address alone where that is known, and there the reply form too.
 */
export function directedUpdates(binding: Binding, to: Addressee): readonly Buffer[] {
  if (binding.address.length === 16) return [directedNeighbourUpdate(binding, to)];
  const fields = [binding.mac, binding.address];
  const ends = { mac: binding.mac, to: to.mac };
  const question = arpFrame(1, ends, [...fields, NO_MAC, to.address]);
  if (to.mac === undefined) return [question];
  return [arpFrame(2, ends, [...fields, to.mac, to.address]), question];
}

/** An advertisement to the neighbour, or, where its link address is not known, a solicitation that carries ours. */
function directedNeighbourUpdate(binding: Binding, { mac, address }: Addressee): Buffer {
  const body = Buffer.alloc(32);
  body[0] = mac === undefined ? NEIGHBOUR_SOLICITATION : NEIGHBOUR_ADVERTISEMENT;
  body[4] = mac === undefined ? 0 : OVERRIDE;
  body.set(mac === undefined ? address : binding.address, 8);
  body[24] = mac === undefined ? SOURCE_LINK_ADDRESS : TARGET_LINK_ADDRESS;
  body[25] = 1;
  body.set(binding.mac, 26);
  const destination = mac === undefined ? solicitedNodeGroup(address) : address;
  const ends = { mac: binding.mac, source: binding.address, destination };
  return icmpv6Frame(body, mac === undefined ? ends : { ...ends, to: mac });
}

/** ICMP echo request from the address to a neighbour (RFC 792, RFC 4443): its answer needs our link address. */
export function directedEcho(binding: Binding, to: Required<Addressee>): Buffer {
  const body = Buffer.alloc(16);
  body.write('wackamol', 8, 'latin1');
  if (binding.address.length === 16) {
    body[0] = 128;
    const ends = { mac: binding.mac, source: binding.address, destination: to.address, to: to.mac };
    return icmpv6Frame(body, ends);
  }
  body[0] = 8;
  body.writeUInt16BE(foldedSum([body]), 2);
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + body.length, 2);
  header[8] = 64;
  header[9] = 1;
  header.set(binding.address, 12);
  header.set(to.address, 16);
  header.writeUInt16BE(foldedSum([header]), 10);
  return Buffer.concat([ethernet(to.mac, binding.mac, ETHERTYPE_IPV4), header, body]);
}

/** Where questions about an IPv6 address go (RFC 4291, 2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  const group = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
  group.set(address.subarray(13, 16), 13);
  return group;
}

function isArp(frame: Buffer): boolean {
  if (frame.length < ARP_FRAME_BYTES || frame.readUInt16BE(12) !== ETHERTYPE_ARP) return false;
  // Ethernet, IPv4, lengths 6 and 4.
  return frame.readUInt32BE(14) === 0x00010800 && frame.readUInt16BE(18) === 0x0604;
}

/** Who asks by an ARP probe whether the address is free, and so means to have it (RFC 5227, 2.1.1). */
export function arpQuestion(frame: Buffer): Binding | undefined {
  if (!isArp(frame) || frame.readUInt16BE(20) !== 1 || frame.readUInt32BE(28) !== 0) return undefined;
  return { mac: frame.subarray(22, 28), address: frame.subarray(38, 42) };
}

/** Who says in an ARP frame that it has the address; `undefined` for a probe, or anything that is no ARP over Ethernet. */
export function arpClaim(frame: Buffer): Binding | undefined {
  if (!isArp(frame)) return undefined;
  const address = frame.subarray(28, 32);
  return address.readUInt32BE(0) === 0 ? undefined : { mac: frame.subarray(22, 28), address };
}

/** `announcement`: to everybody, unasked (sender is target; RFC 5227, 2.3). `answer`: somebody asked. */
export interface ArpWord {
  readonly kind: 'announcement' | 'answer';
  readonly binding: Binding;
}

/** What an ARP frame says of an address without asking for another; `undefined` for any other frame. */
export function arpWord(frame: Buffer): ArpWord | undefined {
  const binding = arpClaim(frame);
  if (binding === undefined) return undefined;
  if (frame.readUInt32BE(38) === frame.readUInt32BE(28)) return { kind: 'announcement', binding };
  return frame.readUInt16BE(20) === 2 ? { kind: 'answer', binding } : undefined;
}

/** Where a frame that {@link neighbourClaim} or {@link neighbourQuestion} takes has which byte. */
export const NEIGHBOUR_BYTES = [
  { offset: ETHERNET_BYTES + 6, value: NEXT_HEADER_ICMPV6 },
  { offset: ETHERNET_BYTES + IPV6_HEADER_BYTES, value: NEIGHBOUR_ADVERTISEMENT, or: NEIGHBOUR_SOLICITATION },
] as const;

/** The same for {@link neighbourClaim} alone. */
export const ADVERTISEMENT_BYTES = [
  { offset: ETHERNET_BYTES + 6, value: NEXT_HEADER_ICMPV6 },
  { offset: ETHERNET_BYTES + IPV6_HEADER_BYTES, value: NEIGHBOUR_ADVERTISEMENT },
] as const;

/** Who says in a neighbour advertisement that it has the address. */
export function neighbourClaim(frame: Buffer): Binding | undefined {
  return neighbourMessage(frame, NEIGHBOUR_ADVERTISEMENT);
}

/** Who asks from `::` whether the address is free, and so means to have it (RFC 4862, 5.4.3). */
export function neighbourQuestion(frame: Buffer): Binding | undefined {
  const asks = neighbourMessage(frame, NEIGHBOUR_SOLICITATION);
  const source = frame.subarray(ETHERNET_BYTES + 8, ETHERNET_BYTES + 24);
  return asks !== undefined && source.every((byte) => byte === 0) ? asks : undefined;
}

function neighbourMessage(frame: Buffer, type: number): Binding | undefined {
  const body = ETHERNET_BYTES + IPV6_HEADER_BYTES;
  if (frame.length < body + 24 || frame.readUInt16BE(12) !== ETHERTYPE_IPV6) return undefined;
  // Next header, and hop limit 255: it was not routed here.
  if (frame[20] !== NEXT_HEADER_ICMPV6 || frame[21] !== 255) return undefined;
  if (frame[body] !== type || frame[body + 1] !== 0) return undefined;
  return { mac: frame.subarray(6, 12), address: frame.subarray(body + 8, body + 24) };
}

/** `02:00:5e:10:00:01` */
export function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

interface ArpEnds {
  readonly mac: Uint8Array;
  /** Absent: everybody. */
  readonly to?: Uint8Array | undefined;
}

function arpFrame(operation: 1 | 2, { mac, to }: ArpEnds, fields: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x00010800, 0);
  head.writeUInt16BE(0x0604, 4);
  head.writeUInt16BE(operation, 6);
  return Buffer.concat([ethernet(to ?? BROADCAST, mac, ETHERTYPE_ARP), head, ...fields]);
}

function ethernet(to: Uint8Array, from: Uint8Array, ethertype: number): Buffer {
  return Buffer.concat([to, from, Uint8Array.of(ethertype >> 8, ethertype & 0xff)]);
}

interface Icmpv6Ends {
  readonly mac: Uint8Array;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Link address; absent: that of the destination's group. */
  readonly to?: Uint8Array;
}

function icmpv6Frame(body: Buffer, ends: Icmpv6Ends): Buffer {
  const header = Buffer.alloc(IPV6_HEADER_BYTES);
  header[0] = 0x60;
  header.writeUInt16BE(body.length, 4);
  header[6] = NEXT_HEADER_ICMPV6;
  header[7] = 255;
  header.set(ends.source, 8);
  header.set(ends.destination, 24);
  body.writeUInt16BE(icmpv6Checksum(body, ends), 2);
  const group = ends.to ?? Buffer.concat([Uint8Array.of(0x33, 0x33), ends.destination.subarray(12)]);
  return Buffer.concat([ethernet(group, ends.mac, ETHERTYPE_IPV6), header, body]);
}

/** Over the pseudo header and a body of even length whose checksum field is still 0 (RFC 8200 section 8.1). */
function icmpv6Checksum(body: Buffer, ends: Icmpv6Ends): number {
  return foldedSum([ends.source, ends.destination, body], body.length + NEXT_HEADER_ICMPV6);
}

/** The Internet checksum of parts of even length (RFC 1071). */
function foldedSum(parts: readonly Uint8Array[], start = 0): number {
  let sum = start;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** ICMP and ICMPv6 echo (RFC 792, RFC 4443) as bytes: requests to send, replies as a packet socket shows them. Pure. */

const REQUEST_V4 = 8;
const REPLY_V4 = 0;
const REQUEST_V6 = 128;
const REPLY_V6 = 129;
const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;
/** Marks our payload, so that other people's echoes are not taken for ours. */
const MAGIC = 0x7761636b;

export const ECHO_BYTES = 20;

export interface EchoReply {
  /** Position of the target in the list of targets. */
  readonly target: number;
  /** Number of the request. */
  readonly request: number;
  /** Link address of the host that answered. */
  readonly mac: string;
}

/** The unchanging part of a request; complete it by {@link numberRequest} before each sending. */
export function echoRequest(
  family: 4 | 6,
  options: { readonly id: number; readonly target: number },
): Buffer {
  const packet = Buffer.alloc(ECHO_BYTES);
  packet.writeUInt8(family === 4 ? REQUEST_V4 : REQUEST_V6, 0);
  packet.writeUInt16BE(options.id, 4);
  packet.writeUInt32BE(MAGIC, 8);
  packet.writeUInt16BE(options.target, 12);
  return packet;
}

/** Writes the number and, for IPv4, the checksum (the kernel computes that of ICMPv6). */
export function numberRequest(packet: Buffer, request: number): void {
  packet.writeUInt16BE(request & 0xffff, 6);
  packet.writeUInt32BE(request >>> 0, 14);
  if (packet.readUInt8(0) !== REQUEST_V4) return;
  packet.writeUInt16BE(0, 2);
  packet.writeUInt16BE(checksum(packet), 2);
}

/** Reads an Ethernet frame; `undefined` for everything that is not a reply to a request of ours. */
export function readReply(frame: Buffer, id: number): EchoReply | undefined {
  const start = icmpStart(frame);
  if (start === undefined || frame.length < start + ECHO_BYTES) return undefined;
  if (frame.readUInt16BE(start + 4) !== id || frame.readUInt32BE(start + 8) !== MAGIC) return undefined;
  return {
    target: frame.readUInt16BE(start + 12),
    request: frame.readUInt32BE(start + 14),
    mac: frame.toString('hex', 6, 12).replace(/(..)(?=.)/g, '$1:'),
  };
}

function icmpStart(frame: Buffer): number | undefined {
  if (frame.length < ETHERNET_BYTES + ECHO_BYTES) return undefined;
  const version = frame.readUInt8(ETHERNET_BYTES) >> 4;
  if (version === 4) {
    const start = ETHERNET_BYTES + (frame.readUInt8(ETHERNET_BYTES) & 15) * 4;
    const isReply = frame.readUInt8(ETHERNET_BYTES + 9) === PROTOCOL_ICMP && frame[start] === REPLY_V4;
    return isReply ? start : undefined;
  }
  const start = ETHERNET_BYTES + IPV6_BYTES;
  const isReply =
    version === 6 && frame.readUInt8(ETHERNET_BYTES + 6) === PROTOCOL_ICMPV6 && frame[start] === REPLY_V6;
  return isReply ? start : undefined;
}

function checksum(packet: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset + 1 < packet.length; offset += 2) sum += packet.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

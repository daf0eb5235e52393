/**
 * Netlink framing (`man 7 netlink`, linux/netlink.h): headers, attributes, acknowledgements. Pure; little-endian hosts,
 * which are all that Node 24 is brought for. Decoding never throws and never reads past its buffer: what is cut is left out.
 */

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** In an answer: the dump changed under the reader and has to be asked for again. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;

export const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_TYPE_MASK = 0x3fff;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Without the header; a view into the buffer that was decoded. */
  readonly payload: Buffer;
}

/** One message; the sequence number stays 0 until {@link stampSequence}. */
export function encodeMessage(type: number, flags: number, payload: readonly Uint8Array[]): Buffer {
  const message = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...payload]);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  return message;
}

export function stampSequence(message: Buffer, sequence: number): void {
  message.writeUInt32LE(sequence >>> 0, 8);
}

/** One attribute with its padding. */
export function encodeAttribute(type: number, value: Uint8Array): Buffer {
  const length = ATTRIBUTE_HEADER_BYTES + value.length;
  const attribute = Buffer.alloc(aligned(length));
  attribute.writeUInt16LE(length, 0);
  attribute.writeUInt16LE(type, 2);
  attribute.set(value, ATTRIBUTE_HEADER_BYTES);
  return attribute;
}

/** The messages of one datagram, in order. */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The attributes that begin at `offset` of a payload; of equal types the last one counts. */
export function decodeAttributes(payload: Buffer, offset: number): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let at = offset;
  while (at + ATTRIBUTE_HEADER_BYTES <= payload.length) {
    const length = payload.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > payload.length) break;
    const type = payload.readUInt16LE(at + 2) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, payload.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length));
    at += aligned(length);
  }
  return attributes;
}

/** The errno in an acknowledgement (0: done), or `undefined` when the message is none. */
export function acknowledgedErrno(message: NetlinkMessage): number | undefined {
  if (message.type !== NLMSG_ERROR || message.payload.length < 4) return undefined;
  return 0 - message.payload.readInt32LE(0);
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

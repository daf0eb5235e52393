/**
 * One frame of the protocol, in bytes: a header of 48 bytes, group names of 32, data. Both directions use it once the
 * handshake is over. Says nothing about what a frame means.
 *
 * `type` carries the marks of the byte order in which the sender wrote the integers; `hint` carries marks of its own, since
 * daemons pass it on untouched.
 */
import type { ByteQueue } from './byte-queue.ts';
import { HEADER_BYTES, NAME_BYTES, ORDER_MARKS, RECEIVED_BYTES_MAX, REJECT } from './wire.ts';

export interface Frame {
  /** Without marks. */
  readonly type: number;
  /** Whether integers of header and membership body are little-endian. */
  readonly little: boolean;
  /** The sender's private group; in membership messages the group. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Without marks; bits 8 to 23 are the user's message type. */
  readonly hint: number;
  readonly hintLittle: boolean;
  /** Type of a message that was sent back, without marks; present if `type` says REJECT. */
  readonly originalType?: number;
  /** A view on what was read, or what is to be written. */
  readonly data: Uint8Array;
}

export type FrameResult =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** The frame is not all there yet. */
  | { readonly kind: 'more' }
  /** What came is no frame; nothing that follows can be read either. */
  | { readonly kind: 'malformed'; readonly what: string };

const MORE: FrameResult = { kind: 'more' };
const ORIGINAL_TYPE_BYTES = 4;

/** Takes the next frame out of the queue if it is all there. Never throws; looks at lengths before anything is made of them. */
export function readFrame(queue: ByteQueue): FrameResult {
  if (queue.length < HEADER_BYTES) return MORE;
  const header = queue.peek(HEADER_BYTES);
  const shape = shapeOf(header);
  if (typeof shape === 'string') return { kind: 'malformed', what: shape };
  const total = HEADER_BYTES + shape.extra + shape.count * NAME_BYTES + shape.length;
  if (queue.length < total) return MORE;
  return { kind: 'frame', frame: parse(queue.take(total), shape) };
}

interface Shape {
  readonly type: number;
  readonly little: boolean;
  readonly count: number;
  readonly length: number;
  readonly extra: number;
}

/** What the header says of the frame, or what is wrong with it. */
function shapeOf(header: Buffer): Shape | string {
  const little = (header[0]! & 0x80) !== 0;
  if (little !== ((header[3]! & 0x80) !== 0)) return 'the marks of the byte order contradict each other';
  if (((header[40]! & 0x80) !== 0) !== ((header[43]! & 0x80) !== 0)) {
    return "the hint's marks of the byte order contradict each other";
  }
  const count = little ? header.readInt32LE(36) : header.readInt32BE(36);
  const length = little ? header.readInt32LE(44) : header.readInt32BE(44);
  if (count < 0 || count * NAME_BYTES > RECEIVED_BYTES_MAX) return `${count} groups`;
  if (length < 0 || length > RECEIVED_BYTES_MAX) return `${length} bytes of data`;
  const type = readMarked(header, 0, little);
  return { type, little, count, length, extra: (type & REJECT) === 0 ? 0 : ORIGINAL_TYPE_BYTES };
}

function parse(bytes: Buffer, { type, little, count, extra }: Shape): Frame {
  const hintLittle = (bytes[40]! & 0x80) !== 0;
  const groups: string[] = [];
  let at = HEADER_BYTES + extra;
  for (let index = 0; index < count; index += 1) {
    groups.push(readName(bytes, at));
    at += NAME_BYTES;
  }
  const frame: Frame = {
    type,
    little,
    name: readName(bytes, 4),
    groups,
    hint: readMarked(bytes, 40, hintLittle),
    hintLittle,
    data: bytes.subarray(at),
  };
  if (extra === 0) return frame;
  return { ...frame, originalType: readMarked(bytes, HEADER_BYTES, little) };
}

function readMarked(bytes: Buffer, at: number, little: boolean): number {
  return ((little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)) & ~ORDER_MARKS) >>> 0;
}

/** Up to the first zero byte; what follows it may be anything. Each byte is one character. */
export function readName(bytes: Buffer, at: number): string {
  let end = at;
  while (end < at + NAME_BYTES && bytes[end] !== 0) end += 1;
  return bytes.toString('latin1', at, end);
}

/** The bytes of a frame. Names must be at most 31 characters, each at most 0xff: who makes frames checks what goes in. */
export function encodeFrame(frame: Frame): Buffer {
  const { groups, data, little } = frame;
  const extra = frame.originalType === undefined ? 0 : ORIGINAL_TYPE_BYTES;
  const start = HEADER_BYTES + extra + groups.length * NAME_BYTES;
  const bytes = Buffer.alloc(start + data.length);
  writeMarked(bytes, 0, { value: frame.type, little });
  bytes.write(frame.name, 4, NAME_BYTES, 'latin1');
  if (little) {
    bytes.writeInt32LE(groups.length, 36);
    bytes.writeInt32LE(data.length, 44);
  } else {
    bytes.writeInt32BE(groups.length, 36);
    bytes.writeInt32BE(data.length, 44);
  }
  writeMarked(bytes, 40, { value: frame.hint, little: frame.hintLittle });
  if (frame.originalType !== undefined) {
    writeMarked(bytes, HEADER_BYTES, { value: frame.originalType, little });
  }
  for (const [index, group] of groups.entries()) {
    bytes.write(group, HEADER_BYTES + extra + index * NAME_BYTES, NAME_BYTES, 'latin1');
  }
  bytes.set(data, start);
  return bytes;
}

function writeMarked(bytes: Buffer, at: number, { value, little }: { value: number; little: boolean }): void {
  if (little) bytes.writeUInt32LE((value | ORDER_MARKS) >>> 0, at);
  else bytes.writeUInt32BE(value, at);
}

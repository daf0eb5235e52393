/**
 * Writes integers, identifiers and byte strings into one growing buffer, big-endian. It trusts its caller: wrong values
 * are our own bugs and throw a RangeError.
 */
import type { MemberId } from '../model/member.ts';
import { incarnationOf, nameOf } from '../model/member.ts';
import type { ViewId } from '../model/view.ts';
import { splitViewId } from './view-id.ts';

/** Of a hexadecimal digit, by its character code; NaN: it is none. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : Number.NaN;
}

export class ByteWriter {
  private bytes: Uint8Array;
  private length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** What was written so far, without a copy. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** An integer of one byte, 0 … 255. */
  u8(value: number): void {
    this.check(value, 0xff);
    this.room(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.check(value, 0xffff);
    this.u8(value >>> 8);
    this.u8(value & 0xff);
  }

  u32(value: number): void {
    this.check(value, 0xffff_ffff);
    this.u16(Math.floor(value / 0x1_0000));
    this.u16(value % 0x1_0000);
  }

  /** A count: any safe integer ≥ 0, in eight bytes. */
  u64(value: number): void {
    this.check(value, Number.MAX_SAFE_INTEGER);
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value % 0x1_0000_0000);
  }

  /** Sixteen hexadecimal digits as eight bytes. */
  incarnation(hex: string): void {
    if (hex.length !== 16) throw new RangeError(`not an incarnation: ${hex}`);
    for (let i = 0; i < 16; i += 2) this.u8(16 * digitOf(hex.charCodeAt(i)) + digitOf(hex.charCodeAt(i + 1)));
  }

  member(id: MemberId): void {
    const name = nameOf(id);
    this.u8(name.length);
    for (let i = 0; i < name.length; i++) this.u8(name.charCodeAt(i));
    this.incarnation(incarnationOf(id));
  }

  view(id: ViewId): void {
    const { epoch, representative } = splitViewId(id);
    this.u64(epoch);
    this.member(representative);
  }

  /** A byte string with its length before it. */
  block(value: Uint8Array): void {
    this.u32(value.length);
    this.room(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  private check(value: number, max: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) {
      throw new RangeError(`${value} is not an integer from 0 to ${max}`);
    }
  }

  private room(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/**
 * Reads what `byte-writer.ts` wrote from bytes nobody vouches for. Every read checks that it stays inside; the first
 * thing that is wrong throws {@link MalformedBytes}, which the codec turns into an error value at its edge.
 */
import type { MemberId } from '../model/member.ts';
import { isMemberId } from '../model/member.ts';
import type { ViewId } from '../model/view.ts';
import { viewId } from '../model/view.ts';

export class MalformedBytes extends Error {}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export class ByteReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  u8(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new MalformedBytes(`ends after ${this.at} bytes, more was expected`);
    this.at++;
    return value;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  u64(): number {
    const value = this.u32() * 0x1_0000_0000 + this.u32();
    if (!Number.isSafeInteger(value)) throw new MalformedBytes(`a count of ${value} is too large`);
    return value;
  }

  /** A boolean: 0 or 1 and nothing else. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new MalformedBytes(`${value} is neither 0 nor 1`);
    return value === 1;
  }

  incarnation(): string {
    let hex = '';
    for (let i = 0; i < 8; i++) hex += HEX[this.u8()];
    return hex;
  }

  member(): MemberId {
    const length = this.u8();
    if (length > 63) throw new MalformedBytes(`a member name of ${length} characters is too long`);
    let name = '';
    for (let i = 0; i < length; i++) name += String.fromCharCode(this.u8());
    const id = `${name}#${this.incarnation()}`;
    if (!isMemberId(id)) throw new MalformedBytes(`not a member name: ${JSON.stringify(name)}`);
    return id;
  }

  view(): ViewId {
    const epoch = this.u64();
    return viewId(epoch, this.member());
  }

  /** A byte string of at most `max` bytes: a view on the input, not a copy. */
  block(max: number): Uint8Array {
    const length = this.u32();
    if (length > max) throw new MalformedBytes(`${length} bytes where at most ${max} are allowed`);
    if (length > this.bytes.length - this.at)
      throw new MalformedBytes(`claims ${length} bytes that are not there`);
    const start = this.at;
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }

  /** A list whose length (16 bits) is checked before anything is read. */
  list<T>(max: number, item: () => T): T[] {
    const length = this.u16();
    if (length > max) throw new MalformedBytes(`a list of ${length} where at most ${max} are allowed`);
    const items: T[] = [];
    for (let i = 0; i < length; i++) items.push(item());
    return items;
  }

  end(): void {
    const rest = this.bytes.length - this.at;
    if (rest > 0) throw new MalformedBytes(`${rest} bytes too many at the end`);
  }
}

/** Cuts messages into parts that a daemon bears, and puts those of each sender together again. Pure. */
import { MULTICAST_BYTES_MAX } from '../group.ts';
import { PART_BYTES_MAX } from './envelope.ts';

export interface Part {
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

interface Unfinished {
  readonly parts: Uint8Array[];
  length: number;
}

export class Parts {
  readonly #unfinished = new Map<string, Unfinished>();

  /** At least one; views on the bytes. */
  static of(bytes: Uint8Array): Part[] {
    const parts: Part[] = [];
    let at = 0;
    do {
      const end = Math.min(bytes.length, at + PART_BYTES_MAX);
      parts.push({ last: end === bytes.length, bytes: bytes.subarray(at, end) });
      at = end;
    } while (at < bytes.length);
    return parts;
  }

  /** The whole message behind its last part. What grows longer than any message may be is dropped. */
  add(sender: string, { last, bytes }: Part): Uint8Array | undefined {
    const unfinished = this.#unfinished.get(sender);
    // Of its own, not a view on what a socket read: agents keep messages.
    if (unfinished === undefined && last) return new Uint8Array(bytes);
    const { parts, length } = unfinished ?? { parts: [], length: 0 };
    if (length + bytes.length > MULTICAST_BYTES_MAX) {
      this.#unfinished.delete(sender);
      return undefined;
    }
    parts.push(new Uint8Array(bytes));
    this.#unfinished.set(sender, { parts, length: length + bytes.length });
    if (!last) return undefined;
    this.#unfinished.delete(sender);
    return Buffer.concat(parts);
  }

  forget(sender: string): void {
    this.#unfinished.delete(sender);
  }

  clear(): void {
    this.#unfinished.clear();
  }
}

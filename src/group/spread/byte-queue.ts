/**
 * Bytes that came in pieces of any size and are taken out in other pieces. Each byte is copied a bounded number of times,
 * however small the pieces are, and never a byte that came and went in one piece.
 */
export class ByteQueue {
  #store: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** Whether `#store` is ours, with room behind `#end`; otherwise it is a piece somebody handed in. */
  #own = false;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Takes the piece over: the caller must not write to it any more. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    if (this.length === 0) {
      this.#store = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      [this.#start, this.#end, this.#own] = [0, piece.length, false];
      return;
    }
    this.#makeRoom(piece.length);
    this.#store.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** A view on the first `length` bytes, which stay; `length` at most this.length. Valid for ever: nothing writes over it. */
  peek(length: number): Buffer {
    return this.#store.subarray(this.#start, this.#start + length);
  }

  /** The byte at this place; `at` less than this.length. */
  at(at: number): number {
    return this.#store[this.#start + at] ?? 0;
  }

  /** Removes the first `length` bytes and returns a view on them. */
  take(length: number): Buffer {
    const view = this.peek(length);
    this.#start += length;
    if (this.#start >= this.#end) this.clear();
    return view;
  }

  clear(): void {
    this.#store = EMPTY;
    [this.#start, this.#end, this.#own] = [0, 0, false];
  }

  #makeRoom(more: number): void {
    if (this.#own && this.#store.length - this.#end >= more) return;
    const kept = this.length;
    const store = Buffer.allocUnsafe(Math.max(ROOM_MIN, 2 * (kept + more)));
    this.#store.copy(store, 0, this.#start, this.#end);
    this.#store = store;
    [this.#start, this.#end, this.#own] = [0, kept, true];
  }
}

const EMPTY = Buffer.alloc(0);
const ROOM_MIN = 256;

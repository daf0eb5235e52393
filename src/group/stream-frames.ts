/**
 * How a stream is cut into frames: four bytes of length (big endian, kind and body together), one byte of kind, the body.
 * Reads what strangers send: never allocates by a length it was told, only keeps what has come.
 */

/** What two transports say to each other; everything of the engine travels as `data`. */
export const FRAME_KIND = {
  hello: 1,
  /** From the larger member of the pair: I would use this stream. */
  ready: 2,
  /** From the smaller member, the pair's arbiter: this is the stream of our pair, from here on. */
  go: 3,
  refuse: 4,
  /** Are you still there? */
  check: 5,
  alive: 6,
  /** Last frame before closing, with the reason. */
  bye: 7,
  data: 8,
  /** Which cluster keys the sender has, each proved (`key-ring.ts`); once a stream is open and whenever that changes. */
  keys: 9,
} as const;

export type FrameKindCode = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

/** Longest frame of an authenticated stream. */
export const STREAM_FRAME_BYTES_MAX = 5 * 1024 * 1024;
/** Longest first frame: a stranger cannot make us keep more than this. */
export const FIRST_FRAME_BYTES_MAX = 2048;

const LENGTH_BYTES = 4;

export interface StreamFrame {
  readonly kind: number;
  readonly body: Buffer;
}

/** The bytes of one frame. */
export function frameBytes(kind: FrameKindCode, body: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + 1 + body.length);
  bytes.writeUInt32BE(1 + body.length, 0);
  bytes.writeUInt8(kind, LENGTH_BYTES);
  bytes.set(body, LENGTH_BYTES + 1);
  return bytes;
}

export type ReadResult =
  | { readonly kind: 'frame'; readonly frame: StreamFrame }
  /** More bytes are needed. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'malformed'; readonly error: string };

const WAIT: ReadResult = { kind: 'wait' };

/** Collects bytes and yields frames. After `malformed` it is of no more use. */
export class FrameReader {
  #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** `limit`: longest frame accepted, in bytes of kind and body. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Applies from the next frame on. */
  raiseLimit(limit: number): void {
    this.#limit = limit;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  next(): ReadResult {
    if (this.#length < LENGTH_BYTES) return WAIT;
    const length = this.#front(LENGTH_BYTES).readUInt32BE(0);
    if (length < 1 || length > this.#limit) {
      return { kind: 'malformed', error: `a frame of ${length} bytes (1 to ${this.#limit} are allowed)` };
    }
    if (this.#length < LENGTH_BYTES + length) return WAIT;
    const whole = this.#take(LENGTH_BYTES + length);
    return {
      kind: 'frame',
      frame: { kind: whole.readUInt8(LENGTH_BYTES), body: whole.subarray(LENGTH_BYTES + 1) },
    };
  }

  /** The first bytes in one piece, still kept. Only small counts are asked for unless the frame is complete. */
  #front(count: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= count) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #take(count: number): Buffer {
    const front = this.#front(count);
    if (front.length === count) this.#chunks.shift();
    else this.#chunks[0] = front.subarray(count);
    this.#length -= count;
    return front.subarray(0, count);
  }
}

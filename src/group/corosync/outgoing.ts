/**
 * Messages on their way to the daemon: so many at a time as are sure not to fill what lies between us and it, since its library
 * then waits, and a daemon that stands still never takes them. What was sent comes back to us in the same order. Pure.
 */

/** What may be under way at once, messages and bytes; one message always may. */
const UNDER_WAY_MAX = 64;
const UNDER_WAY_BYTES_MAX = 512 * 1024;
/** What may wait, bytes. */
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;

export class Outgoing {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  readonly #underWay: number[] = [];
  #underWayBytes = 0;

  /** Nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False: too much waits. */
  add(bytes: Uint8Array): boolean {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return this.#waitingBytes <= WAITING_BYTES_MAX;
  }

  /** What may be sent now. */
  next(): Uint8Array | undefined {
    const [bytes] = this.#waiting;
    if (bytes === undefined || this.#underWay.length === 0) return bytes;
    const full =
      this.#underWay.length >= UNDER_WAY_MAX || this.#underWayBytes + bytes.length > UNDER_WAY_BYTES_MAX;
    return full ? undefined : bytes;
  }

  /** What {@link next} said is with the daemon. */
  sent(): void {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return;
    this.#waitingBytes -= bytes.length;
    this.#underWay.push(bytes.length);
    this.#underWayBytes += bytes.length;
  }

  /** The first of those under way came back. */
  returned(): void {
    this.#underWayBytes -= this.#underWay.shift() ?? 0;
  }
}

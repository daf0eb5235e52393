/** Which sequence numbers of one sender have been seen: a window of 64 below the highest (as in RFC 4303, 3.4.3). */

const WINDOW = 64n;

export class ReplayWindow {
  /**
   * A number came with the code of a stream made in this run of ours: whatever carries a higher one is younger than that
   * stream, whatever the sender's clock says.
   */
  paired = false;
  #highest = 0n;
  /** Bit i: `highest - i` was seen. */
  #seen = 0n;

  /** Whether the number is new; notes it. Numbers start at 1; older than the window counts as seen. */
  accept(number: bigint): boolean {
    if (number <= 0n) return false;
    if (number > this.#highest) {
      const ahead = number - this.#highest;
      this.#seen = ahead >= WINDOW ? 1n : BigInt.asUintN(Number(WINDOW), (this.#seen << ahead) | 1n);
      this.#highest = number;
      return true;
    }
    const behind = this.#highest - number;
    if (behind >= WINDOW) return false;
    const bit = 1n << behind;
    if ((this.#seen & bit) !== 0n) return false;
    this.#seen |= bit;
    return true;
  }
}

/**
 * Which addresses share a call. EC2 does a call whole or not at all, so one address that it does not take fails it for all: whom the refusal
 * names goes by itself from then on and the rest goes on together, by the next call; where it names none of them the halves part, so that
 * one among fifty is found by a dozen calls, and all others are had meanwhile. Memory of one takeover. Pure.
 */
import type { Piece } from './sight.ts';

export class Parting {
  /** By key; pieces without one are all together. */
  readonly #groups = new Map<string, number>();
  #number = 0;

  get groups(): ReadonlyMap<string, number> {
    return this.#groups;
  }

  /** One call for these, more than one, was refused in these words. */
  part(pieces: readonly Piece[], said: string): void {
    const named = pieces.filter(({ address }) => names(said, address));
    if (named.length > 0 && named.length < pieces.length) {
      for (const piece of named) this.#apart([piece]);
      this.#apart(pieces.filter((piece) => !named.includes(piece)));
    } else {
      const half = Math.ceil(pieces.length / 2);
      this.#apart(pieces.slice(0, half));
      this.#apart(pieces.slice(half));
    }
  }

  #apart(pieces: readonly Piece[]): void {
    this.#number += 1;
    for (const { key } of pieces) this.#groups.set(key, this.#number);
  }
}

/** As a whole: `10.0.0.1` is not in `10.0.0.11`. */
function names(said: string, address: string): boolean {
  const text = said.toLowerCase();
  for (let at = text.indexOf(address); at >= 0; at = text.indexOf(address, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text.slice(at + address.length, at + address.length + 2)];
    // The end of a sentence is no part of an address.
    if (!/[0-9a-f:.]/.test(before) && !/^(?:[0-9a-f:]|\.[0-9])/.test(after)) return true;
  }
  return false;
}

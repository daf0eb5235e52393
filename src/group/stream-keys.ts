/** Which cluster keys the other end of one open stream has shown, and whether a change of ours would lose it. */
import { type MemberId, nameOf } from '../model/member.ts';
import { KEYS_MAX, type KeyRing, type Prover, sealsWith } from './key-ring.ts';

/** Longest `keys` frame that is kept; a ring of ours makes less. */
const PROOFS_BYTES_MAX = KEYS_MAX * 64;

export interface StreamEnds {
  readonly self: MemberId;
  readonly other: MemberId;
  /** We dialled. */
  readonly dialled: boolean;
  /** Absent on a stream without a key. */
  readonly binding: Buffer | undefined;
}

export class StreamKeys {
  readonly #ends: StreamEnds;
  #proofs: Uint8Array = new Uint8Array(0);

  constructor(ends: StreamEnds) {
    this.#ends = ends;
  }

  /** What to tell the other end of our keys; absent where there are none. */
  ours(ring: KeyRing): Buffer | undefined {
    const { binding, dialled, self } = this.#ends;
    if (binding === undefined || ring.streamKeys === undefined) return undefined;
    return ring.proofs({ binding, dialled, member: self });
  }

  learn(proofs: Uint8Array): void {
    this.#proofs = proofs.slice(0, PROOFS_BYTES_MAX);
  }

  /** Keys of that ring which the other end has not shown. */
  missing(ring: KeyRing): readonly string[] {
    const prover = this.#prover();
    if (prover === undefined) return [];
    const proved = ring.proved(this.#proofs, prover);
    return ring.fingerprints.filter((fingerprint) => !proved.includes(fingerprint));
  }

  /** Why the pair could not talk any more with that ring in our place; absent when it could. For people. */
  obstacle(ring: KeyRing): string | undefined {
    const [first] = ring.fingerprints;
    if (this.#ends.binding === undefined || first === undefined) return undefined;
    const missing = this.missing(ring);
    if (missing.includes(first)) return `has not shown key ${first} yet: add it there and reload`;
    const theirs = sealsWith(this.#proofs);
    if (theirs === undefined || !ring.fingerprints.includes(theirs) || missing.includes(theirs)) {
      return `still uses key ${theirs ?? '(unknown)'}: let it use ${first} and reload there`;
    }
    return undefined;
  }

  #prover(): Prover | undefined {
    const { binding, dialled, other } = this.#ends;
    return binding === undefined ? undefined : { binding, dialled: !dialled, member: other };
  }
}

/** Which of these members would be lost with that ring, and what is to be done about it first; absent: none. For people. */
export function lostBy(
  sessions: readonly { readonly member: MemberId; readonly keys: StreamKeys }[],
  ring: KeyRing,
): string | undefined {
  const found = sessions.flatMap(({ member, keys }) => {
    const obstacle = keys.obstacle(ring);
    return obstacle === undefined ? [] : [`${nameOf(member)} ${obstacle}`];
  });
  return found.length === 0 ? undefined : found.sort().join('; ');
}

/**
 * The cluster keys of this member: the first one seals and dials, all of them open and are accepted. Replaced as a whole
 * while the member runs, so that a key can be rotated. Keeps only what is derived from the keys, never the keys.
 *
 * Two members tell each other which keys they have: a *proof* is a key's fingerprint and a code over the stream's binding,
 * the prover's end of it and its name. It can be made only with the key, is worth nothing on another stream, and cannot
 * be sent back to the one who made it.
 */
import type { MemberId } from '../model/member.ts';
import {
  authenticationCode,
  codesEqual,
  deriveKey,
  keyFingerprint,
  type SealingKey,
  sealingKey,
} from '../platform/keyed-hash.ts';
import type { SharedKey } from '../platform/stream-socket.ts';
import { clusterHash, type DatagramSecret } from './sealed-datagram.ts';

/** Keys at once: a rotation needs two, one that was begun anew needs three. */
export const KEYS_MAX = 4;

const FINGERPRINT_BYTES = 8;
const CODE_BYTES = 16;
const PROOF_BYTES = FINGERPRINT_BYTES + CODE_BYTES;

/** Who proves, on which stream. */
export interface Prover {
  /** Of the stream; nobody else knows it. */
  readonly binding: Uint8Array;
  /** The prover dialled it. */
  readonly dialled: boolean;
  readonly member: MemberId;
}

interface RingKey {
  readonly fingerprint: string;
  readonly stream: SharedKey;
  readonly datagram: SealingKey;
  readonly proofKey: SealingKey;
}

export class KeyRing implements DatagramSecret {
  readonly clusterHash: Buffer;
  readonly #cluster: string;
  /** Empty: this member runs without a key. */
  #keys: readonly RingKey[] = [];
  #key: SealingKey;
  #others: readonly SealingKey[] = [];

  /** `secrets`: 32 bytes each, at most {@link KEYS_MAX}; none: run without a key. */
  constructor(cluster: string, secrets: readonly Uint8Array[]) {
    this.#cluster = cluster;
    this.clusterHash = clusterHash(cluster);
    this.#key = this.#datagramKey(new Uint8Array(32));
    this.replace(secrets);
  }

  replace(secrets: readonly Uint8Array[]): void {
    this.#keys = secrets.slice(0, KEYS_MAX).map((secret) => this.#derive(secret));
    const [first, ...others] = this.#keys;
    if (first !== undefined) this.#key = first.datagram;
    this.#others = others.map(({ datagram }) => datagram);
  }

  get key(): SealingKey {
    return this.#key;
  }

  get others(): readonly SealingKey[] {
    return this.#others;
  }

  /** For streams; absent without a key. */
  get streamKeys(): readonly [SharedKey, ...SharedKey[]] | undefined {
    const [first, ...others] = this.#keys.map(({ stream }) => stream);
    return first === undefined ? undefined : [first, ...others];
  }

  /** The first is the one that seals. */
  get fingerprints(): readonly string[] {
    return this.#keys.map(({ fingerprint }) => fingerprint);
  }

  /** Our keys, proved for that stream; the first is the one that seals. */
  proofs(prover: Prover): Buffer {
    return Buffer.concat(
      this.#keys.flatMap((key) => [Buffer.from(key.fingerprint, 'hex'), codeOf(key.proofKey, prover)]),
    );
  }

  /** Fingerprints of our keys that the other end has proved to have. Bounded work whatever was sent. */
  proved(proofs: Uint8Array, prover: Prover): readonly string[] {
    const proved = new Set<string>();
    for (const { fingerprint, code } of splitProofs(proofs)) {
      const key = this.#keys.find((one) => one.fingerprint === fingerprint);
      if (key !== undefined && codesEqual(code, codeOf(key.proofKey, prover))) proved.add(fingerprint);
    }
    return [...proved];
  }

  #derive(secret: Uint8Array): RingKey {
    const of = (use: string): Buffer => deriveKey(secret, { salt: this.#cluster, use });
    const fingerprint = keyFingerprint(secret);
    const group = `wackamole-2-${this.clusterHash.toString('hex')}`;
    return {
      fingerprint,
      stream: { key: of('wackamole stream 1'), group, name: fingerprint },
      datagram: this.#datagramKey(secret),
      proofKey: sealingKey(of('wackamole proof 1')),
    };
  }

  #datagramKey(secret: Uint8Array): SealingKey {
    return sealingKey(deriveKey(secret, { salt: this.#cluster, use: 'wackamole datagram 1' }));
  }
}

/** Fingerprint of the key that the prover seals with, as it says itself; absent where it proves nothing. */
export function sealsWith(proofs: Uint8Array): string | undefined {
  return splitProofs(proofs)[0]?.fingerprint;
}

interface Proof {
  readonly fingerprint: string;
  readonly code: Uint8Array;
}

/** What is no whole proof, or one too many, is left out. */
function splitProofs(proofs: Uint8Array): readonly Proof[] {
  const count = Math.min(KEYS_MAX, Math.floor(proofs.length / PROOF_BYTES));
  return Array.from({ length: count }, (_, index) => {
    const proof = proofs.subarray(index * PROOF_BYTES, (index + 1) * PROOF_BYTES);
    return {
      fingerprint: Buffer.from(proof.subarray(0, FINGERPRINT_BYTES)).toString('hex'),
      code: proof.subarray(FINGERPRINT_BYTES),
    };
  });
}

function codeOf(key: SealingKey, { binding, dialled, member }: Prover): Buffer {
  const parts = [binding, Buffer.of(dialled ? 1 : 0), Buffer.from(member, 'latin1')];
  return authenticationCode(key, parts, CODE_BYTES);
}

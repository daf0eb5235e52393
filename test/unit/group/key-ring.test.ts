import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyRing, type Prover, sealsWith } from '../../../src/group/key-ring.ts';
import { lostBy, StreamKeys } from '../../../src/group/stream-keys.ts';
import { memberId } from '../../../src/model/member.ts';
import { keyFingerprint } from '../../../src/platform/keyed-hash.ts';

const A = memberId('a', '0000000000000001');
const B = memberId('b', '0000000000000001');
const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const ringOf = (...bytes: number[]) => new KeyRing('prod', bytes.map(keyOf));
const printOf = (byte: number) => keyFingerprint(keyOf(byte));
const BINDING = Buffer.alloc(32, 'one stream');
const prover: Prover = { binding: BINDING, dialled: true, member: A };

describe('a proof of cluster keys', () => {
  test('proves those keys that both have, whatever their order', () => {
    const proofs = ringOf(1, 2).proofs(prover);
    expect(ringOf(2, 3).proved(proofs, prover)).toEqual([printOf(2)]);
    expect(ringOf(2, 1).proved(proofs, prover)).toEqual([printOf(1), printOf(2)]);
    expect(sealsWith(proofs)).toBe(printOf(1));
  });

  test('is worth nothing on another stream, from the other end, for another member, or in another cluster', () => {
    const ring = ringOf(1);
    const proofs = ring.proofs(prover);
    expect(ring.proved(proofs, prover)).toHaveLength(1);
    expect(ring.proved(proofs, { ...prover, binding: Buffer.alloc(32, 'another') })).toEqual([]);
    expect(ring.proved(proofs, { ...prover, dialled: false })).toEqual([]);
    expect(ring.proved(proofs, { ...prover, member: B })).toEqual([]);
    expect(new KeyRing('test', [keyOf(1)]).proved(proofs, prover)).toEqual([]);
  });

  test('cannot be made from a fingerprint, and says nothing of the key', () => {
    const forged = Buffer.concat([Buffer.from(printOf(1), 'hex'), randomBytes(16)]);
    expect(ringOf(1).proved(forged, prover)).toEqual([]);
    expect(
      ringOf(1)
        .proofs(prover)
        .includes(Buffer.from(keyOf(1))),
    ).toBe(false);
  });

  test('that is none proves nothing and breaks nothing', () => {
    const ring = ringOf(1, 2);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
        expect(ring.proved(bytes, prover)).toEqual([]);
      }),
    );
  });
});

describe('a change of keys', () => {
  const stream = (theirs: KeyRing | undefined) => {
    const ends = { self: A, other: B, dialled: false, binding: BINDING };
    const keys = new StreamKeys(ends);
    const other = new StreamKeys({ self: B, other: A, dialled: true, binding: BINDING });
    if (theirs !== undefined) keys.learn(other.ours(theirs)!);
    return [{ member: B, keys }];
  };

  test.each([
    ['the new key is added', [1, 2], [1]],
    ['the new key is used, and the other has it', [2, 1], [1, 2]],
    ['the old key goes, and the other uses the new one', [2], [2, 1]],
  ])('goes through where %s', (_, ours, theirs) => {
    expect(lostBy(stream(ringOf(...theirs)), ringOf(...ours))).toBeUndefined();
  });

  test('is refused where the other end does not have what we would use', () => {
    expect(lostBy(stream(ringOf(1)), ringOf(2, 1))).toBe(
      `b has not shown key ${printOf(2)} yet: add it there and reload`,
    );
    expect(lostBy(stream(undefined), ringOf(1))).toMatch(/^b has not shown key/);
  });

  test('is refused where we would not accept what the other end uses', () => {
    expect(lostBy(stream(ringOf(1, 2)), ringOf(2))).toBe(
      `b still uses key ${printOf(1)}: let it use ${printOf(2)} and reload there`,
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayWindow } from '../../../src/group/replay-window.ts';
import {
  clusterHash,
  DATAGRAM_BYTES_MAX,
  type Datagram,
  openDatagram,
  sealDatagram,
} from '../../../src/group/sealed-datagram.ts';
import { memberId } from '../../../src/model/member.ts';
import { deriveKey, sealingKey } from '../../../src/platform/keyed-hash.ts';

const B = memberId('b', '0000000000000001');
const secretOf = (cluster: string, key: number) => ({
  key: sealingKey(deriveKey(Buffer.alloc(32, key), { salt: cluster, use: 'test' })),
  clusterHash: clusterHash(cluster),
});
const SECRET = secretOf('prod', 1);
const TOKEN = Buffer.alloc(32, 7);
const heartbeat: Datagram = {
  kind: 'heartbeat',
  sender: B,
  number: 9n,
  clock: 1_700_000_000,
  listenPort: 4803,
  body: Buffer.from('well'),
};
const sealed = (): Buffer => Buffer.from(sealDatagram(heartbeat, SECRET, TOKEN)!);
const tokens =
  (...list: Buffer[]) =>
  () =>
    list;

describe('sealed datagrams', () => {
  test('come back as they were', () => {
    expect(openDatagram(sealed(), SECRET, tokens(Buffer.alloc(32, 1), TOKEN))).toEqual({
      ok: true,
      value: { ...heartbeat, body: heartbeat.body },
    });
  });

  test('any changed bit is refused', () => {
    const length = sealed().length;
    fc.assert(
      fc.property(fc.nat(length - 1), fc.nat(7), (at, bit) => {
        const bent = sealed();
        bent[at] = bent[at]! ^ (1 << bit);
        expect(openDatagram(bent, SECRET, tokens(TOKEN)).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  test('any cut is refused', () => {
    for (let length = 0; length < sealed().length; length += 1) {
      expect(openDatagram(sealed().subarray(0, length), SECRET, tokens(TOKEN)).ok).toBe(false);
    }
  });

  test.each([
    ['wrong-cluster', secretOf('test', 1), [TOKEN]],
    ['wrong-key', secretOf('prod', 2), [TOKEN]],
    ['stale-pair', SECRET, []],
    ['stale-pair', SECRET, [Buffer.alloc(32, 8)]],
    // Same mark in clear, another token.
    ['wrong-key', SECRET, [Buffer.concat([TOKEN.subarray(0, 4), Buffer.alloc(28)])]],
  ])('%s is told', (error, secret, known) => {
    expect(openDatagram(sealed(), secret, tokens(...known))).toEqual({ ok: false, error });
  });

  test('a seek needs no token, and no token makes a heartbeat of it', () => {
    const seek = Buffer.from(sealDatagram({ ...heartbeat, kind: 'seek' }, SECRET)!);
    expect(openDatagram(seek, SECRET, tokens())).toMatchObject({ ok: true, value: { kind: 'seek' } });
    seek[3] = 2;
    expect(openDatagram(seek, SECRET, tokens(TOKEN)).ok).toBe(false);
  });

  test('random bytes never throw and never open', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        const framed = Buffer.from(bytes);
        if (framed.length > 4) framed.set([0x57, 0x6d, 1, 2]);
        expect(openDatagram(framed, SECRET, tokens(TOKEN)).ok).toBe(false);
      }),
    );
  });

  test('too long a body is not sealed', () => {
    const long = { ...heartbeat, body: Buffer.alloc(DATAGRAM_BYTES_MAX) };
    expect(sealDatagram(long, SECRET, TOKEN)).toBeUndefined();
    const most = { ...heartbeat, body: Buffer.alloc(DATAGRAM_BYTES_MAX - 27 - B.length - 16) };
    expect(sealDatagram(most, SECRET, TOKEN)).toHaveLength(DATAGRAM_BYTES_MAX);
  });
});

describe('replay window', () => {
  test('accepts each number once, as a plain set does within the window', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 });
    fc.assert(
      fc.property(numbers, (list) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let highest = 0;
        for (const number of list) {
          const fresh = !seen.has(number) && number > highest - 64;
          expect(window.accept(BigInt(number))).toBe(fresh);
          seen.add(number);
          highest = Math.max(highest, number);
        }
      }),
    );
  });

  test('zero and the largest number do no harm', () => {
    const window = new ReplayWindow();
    expect(window.accept(0n)).toBe(false);
    expect(window.accept(2n ** 64n - 1n)).toBe(true);
    expect(window.accept(2n ** 64n - 1n)).toBe(false);
    expect(window.accept(1n)).toBe(false);
  });
});

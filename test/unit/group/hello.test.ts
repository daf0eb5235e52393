import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  commonWireVersion,
  decodeHello,
  decodeReason,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  type Hello,
} from '../../../src/group/hello.ts';
import { judgeHello } from '../../../src/group/judge-hello.ts';
import { memberId } from '../../../src/model/member.ts';

const A = memberId('a', '0000000000000001');
const A_LATER = memberId('a', '0000000000000002');
const B = memberId('b', '0000000000000001');
const WIRE = { oldest: 1, newest: 2 };

function hello(changes: Partial<Hello> = {}): Hello {
  return {
    wireOldest: 1,
    wireNewest: 2,
    cluster: 'prod',
    member: B,
    listen: { host: '10.0.0.2', port: 4803 },
    token: 'ab'.repeat(16),
    age: 10,
    ...changes,
  };
}

describe('hello', () => {
  test('comes back as it was', () => {
    expect(decodeHello(encodeHello(hello()))).toEqual({ ok: true, value: hello() });
  });

  test('fields of a later version are ignored', () => {
    const later = Buffer.from(
      JSON.stringify({ ...JSON.parse(encodeHello(hello()).toString()), colour: 'red' }),
    );
    expect(decodeHello(later)).toMatchObject({ ok: true });
  });

  test.each([
    ['wire', { wire: [1] }],
    ['wire', { wire: [1, 256] }],
    ['cluster', { cluster: '' }],
    ['cluster', { cluster: 'x'.repeat(256) }],
    ['member', { member: 'b' }],
    ['member', { member: 7 }],
    ['listen', { listen: { host: 'h', port: 65_536 } }],
    ['listen', { listen: null }],
    ['token', { token: 'short' }],
    ['age', { age: -1 }],
    ['hello', { magic: 'other' }],
  ])('with a bad %s it is refused in words: %j', (word, changes) => {
    const bytes = Buffer.from(JSON.stringify({ ...JSON.parse(encodeHello(hello()).toString()), ...changes }));
    const result = decodeHello(bytes);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error).toContain(word);
  });

  test('no bytes make it throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(decodeHello(bytes).ok).toBe(false);
        },
      ),
    );
  });

  test.each([
    [{ oldest: 1, newest: 1 }, hello({ wireOldest: 1, wireNewest: 2 }), 1],
    [{ oldest: 2, newest: 3 }, hello({ wireOldest: 1, wireNewest: 2 }), 2],
    [{ oldest: 3, newest: 3 }, hello({ wireOldest: 1, wireNewest: 2 }), undefined],
    [{ oldest: 1, newest: 1 }, hello({ wireOldest: 2, wireNewest: 3 }), undefined],
  ])('the common wire version of %j and a peer', (ours, theirs, version) => {
    expect(commonWireVersion(ours, theirs)).toBe(version);
  });
});

describe('judging a hello', () => {
  const own = { cluster: 'prod', member: A, wire: WIRE };
  const ours = hello({ member: A, age: 10 });

  test('another member of the cluster is welcome', () => {
    expect(judgeHello(own, ours, hello())).toEqual({ kind: 'accept' });
  });

  test.each([
    ['wrong-cluster', hello({ cluster: 'test' })],
    ['wrong-version', hello({ wireOldest: 3, wireNewest: 4 })],
    ['self', hello({ member: A })],
    ['name-in-use', hello({ member: A_LATER, age: 9 })],
  ])('%s is refused', (code, theirs) => {
    expect(judgeHello(own, ours, theirs)).toMatchObject({ kind: 'refuse', refusal: { code } });
  });

  test('of two members with one name exactly one yields, whatever their ages', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.nat(5), (ageOfFirst, ageOfLater) => {
        const first = hello({ member: A, age: ageOfFirst });
        const later = hello({ member: A_LATER, age: ageOfLater });
        const verdicts = [
          judgeHello({ ...own, member: A }, first, later).kind,
          judgeHello({ ...own, member: A_LATER }, later, first).kind,
        ];
        expect(verdicts.sort()).toEqual(['refuse', 'yield']);
      }),
    );
  });
});

describe('reasons from outside', () => {
  test('a refusal comes back as it was', () => {
    const refusal = { code: 'name-in-use', text: 'the name a is in use' } as const;
    expect(decodeRefusal(encodeRefusal(refusal))).toEqual(refusal);
  });

  test('an unknown refusal code is told apart', () => {
    expect(decodeRefusal(Buffer.from([250, 65]))).toBeUndefined();
    expect(decodeRefusal(Buffer.alloc(0))).toBeUndefined();
  });

  test('control characters do not reach a terminal, and length is bounded', () => {
    expect(decodeReason(Buffer.from('red\u001b[31m\nnext'))).toBe('red?[31m?next');
    expect(decodeReason(Buffer.alloc(10_000, 'x')).length).toBe(300);
  });
});

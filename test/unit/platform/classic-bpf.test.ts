import { expect, test } from 'vitest';
import { bpfProgram, LOAD, passShare, passSources } from '../../../src/platform/classic-bpf.ts';

const WHERE_SOURCE = { 4: 0xfff0000c, 6: 0xfff00008 } as const;

test('sources are compared word by word where the IP header has them, and what differs in any goes on after the block', () => {
  for (const [address, family, words] of [
    ['10.77.0.1', 4, [0x0a4d0001]],
    ['2001:db8::5', 6, [0x20010db8, 0, 0, 5]],
  ] as const) {
    const steps = passSources([address]);
    expect(steps).toHaveLength(2 * words.length + 1);
    for (const [index, word] of words.entries()) {
      expect(steps[2 * index]).toEqual([LOAD[4], 0, 0, WHERE_SOURCE[family] + 4 * index]);
      const [, ifTrue, ifFalse, compared] = steps[2 * index + 1]!;
      expect([ifTrue, compared]).toEqual([0, word]);
      expect(2 * index + 2 + ifFalse).toBe(steps.length);
    }
  }
});

test('a share is a threshold on a random number; all of it needs none', () => {
  expect(passShare(1)).toHaveLength(1);
  expect(passShare(0.25)[1]![3]).toBe(2 ** 30);
});

test('a program is eight bytes a step, little endian', () => {
  expect(bpfProgram([[0x15, 1, 2, 0xdeadbeef]]).toString('hex')).toBe('15000102efbeadde');
});

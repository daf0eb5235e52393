import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AllocationInput, allocate, isEligible } from '../../../src/allocation/allocate.ts';
import { proposeMoves } from '../../../src/allocation/rebalance.ts';
import type { MemberId } from '../../../src/model/member.ts';
import type { VipId } from '../../../src/model/vip.ts';
import { vips } from '../agent/config.ts';
import { anyInput, candidate, id, input } from './inputs.ts';

describe('proposeMoves', () => {
  const settle = (given: AllocationInput, allocated: Map<VipId, MemberId>, fixed = new Set<VipId>()) => {
    for (let round = 0; round < 200; round++) {
      const moves = proposeMoves({ ...given, allocated, fixed, resting: new Set(), moves_max: 2 });
      if (moves.length === 0) return round;
      expect(moves.length).toBeLessThanOrEqual(2);
      for (const { vip: v, from, to } of moves) {
        expect(allocated.get(v)).toBe(from);
        allocated.set(v, to);
      }
    }
    throw new Error('never settles');
  };

  it('settles from any allocation within one unit of even, members of equal capacity', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }), (start) => {
        const candidates = ['a', 'b', 'c', 'd'].map((name) => candidate(name));
        const list = vips(start.length);
        const allocated = new Map(list.map((v, i) => [v.id, candidates[start[i] ?? 0]?.member as MemberId]));
        settle(input({ candidates, vips: list }), allocated);
        const loads = candidates.map((c) => [...allocated.values()].filter((m) => m === c.member).length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('settles from any input, and never moves to somebody who is not eligible', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const allocated = new Map<VipId, MemberId>();
        for (const [v, { member }] of allocate(given)) if (member) allocated.set(v, member);
        settle(given, allocated);
        for (const [v, member] of allocated) {
          const holder = given.candidates.find((c) => c.member === member);
          expect(holder !== undefined && isEligible(holder, v)).toBe(true);
        }
        for (const { member, limits = [] } of given.candidates) {
          const count = [...allocated.values()].filter((m) => m === member).length;
          for (const { slots } of limits) expect(count).toBeLessThanOrEqual(slots);
        }
      }),
    );
  });

  it('brings preferred VIPs home and leaves them there', () => {
    const list = vips(6, { prefer: ['a'] });
    const candidates = ['a', 'b'].map((name) => candidate(name));
    const allocated = new Map(list.map((v) => [v.id, id('b')]));
    settle(input({ candidates, vips: list }), allocated);
    expect(new Set(allocated.values())).toEqual(new Set([id('a')]));
  });

  it('levels by moving what is crowded, to where it is not', () => {
    const list = [...vips(2), ...vips(4, { constraints: { spread: 'web' } }).slice(2)];
    const candidates = [
      candidate('a', { zone: 'x' }),
      candidate('b', { zone: 'x' }),
      candidate('c', { zone: 'y' }),
    ];
    const allocated = new Map(list.map((v) => [v.id, id('a')]));
    const moves = proposeMoves({
      ...input({ candidates, vips: list }),
      allocated,
      fixed: new Set(),
      resting: new Set(),
      moves_max: 1,
    });
    expect(moves).toMatchObject([{ vip: 'v3', to: id('c') }]);
  });

  it('respects what is fixed and who rests', () => {
    const list = vips(4);
    const candidates = ['a', 'b'].map((name) => candidate(name));
    const allocated = new Map(list.map((v) => [v.id, id('a')]));
    const base = { ...input({ candidates, vips: list }), allocated, moves_max: 9 };
    expect(proposeMoves({ ...base, fixed: new Set(list.map((v) => v.id)), resting: new Set() })).toEqual([]);
    expect(proposeMoves({ ...base, fixed: new Set(), resting: new Set([id('b')]) })).toEqual([]);
    expect(proposeMoves({ ...base, fixed: new Set(['v1']), resting: new Set() }).map((m) => m.vip)).toEqual([
      'v2',
      'v3',
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Foreign } from '../../../src/membership/clique.ts';
import { cliqueOf, greedyClique, joinable, ranksAbove } from '../../../src/membership/clique.ts';
import type { MemberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { m } from './members.ts';

const [A, B, C, D, E] = ['a', 'b', 'c', 'd', 'e'].map((name) => m(name)) as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];

function allBut(...pairs: readonly (readonly [MemberId, MemberId])[]) {
  return (x: MemberId, y: MemberId) => !pairs.some(([p, q]) => (p === x && q === y) || (p === y && q === x));
}

function foreign(member: MemberId, representative: MemberId, size: number): Foreign {
  return { member, representative, size, epoch: 7, view: viewId(7, representative) };
}

describe('cliqueOf', () => {
  it('leaves out the later one of a broken pair', () => {
    expect(greedyClique([A, B, C], allBut([B, C]))).toEqual([A, B]);
    expect(cliqueOf(C, [A, B, C], allBut([B, C]))).toEqual([C]);
  });

  it('gives those that are left out a clique of their own', () => {
    const linked = allBut([A, C], [A, D]);
    expect(cliqueOf(A, [A, B, C, D], linked)).toEqual([A, B]);
    expect(cliqueOf(D, [A, B, C, D], linked)).toEqual([C, D]);
  });

  it('partitions: everybody is in exactly one clique, and all agree which', () => {
    const members = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => m(name));
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 36, maxLength: 36 }), (bits) => {
        const linked = (x: MemberId, y: MemberId) => {
          const i = members.indexOf(x);
          const j = members.indexOf(y);
          return bits[Math.min(i, j) * 6 + Math.max(i, j)]!;
        };
        for (const self of members) {
          const clique = cliqueOf(self, members, linked);
          expect(clique).toContain(self);
          for (const x of clique) {
            expect(cliqueOf(x, members, linked)).toEqual(clique);
            for (const y of clique) if (x !== y) expect(linked(x, y)).toBe(true);
          }
        }
      }),
    );
  });
});

describe('joinable', () => {
  const options = (linked: (x: MemberId, y: MemberId) => boolean) => ({ linked, sizeMax: 100 });

  it('takes a lone newcomer', () => {
    expect(joinable([A, B], [foreign(C, C, 1)], options(allBut()))).toHaveLength(1);
  });

  it('merges two views of equal size only as a whole', () => {
    const two = [foreign(C, C, 2), foreign(D, C, 2)];
    expect(joinable([A, B], two, options(allBut()))).toHaveLength(2);
    expect(joinable([A], [foreign(C, C, 2)], options(allBut()))).toHaveLength(0);
  });

  it('does not steal from a view that is as large as the result', () => {
    const three = [foreign(C, C, 3), foreign(D, C, 3), foreign(E, C, 3)];
    expect(joinable([A, B], three, options(allBut([A, D], [A, E])))).toHaveLength(0);
  });

  it('stays within the largest size', () => {
    expect(
      joinable([A], [foreign(B, B, 1), foreign(C, C, 1)], { linked: allBut(), sizeMax: 2 }),
    ).toHaveLength(1);
  });
});

describe('ranksAbove', () => {
  const first = { size: 2, epoch: 7, representative: A };
  const second = { size: 2, epoch: 7, representative: B };

  it.each([
    { name: 'the bigger', a: { ...second, size: 3, epoch: 9 }, b: first },
    { name: 'of equal size the older', a: { ...second, epoch: 6 }, b: first },
    { name: 'of equal size and age the one with the smaller representative', a: first, b: second },
  ])('$name', ({ a, b }) => {
    expect([ranksAbove(a, b), ranksAbove(b, a)]).toEqual([true, false]);
  });

  it('is never so for itself', () => {
    expect(ranksAbove(first, { ...first })).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { quorumOf } from '../../../src/allocation/quorum.ts';
import { memberId } from '../../../src/model/member.ts';

const ids = (...names: string[]) => names.map((name) => memberId(name, '00000000000000ff'));

describe('quorumOf', () => {
  it.each([
    { rule: 'two of three', members: ids('a', 'b'), votes: {}, expected: 3, primary: true },
    { rule: 'one of three', members: ids('a'), votes: {}, expected: 3, primary: false },
    {
      rule: 'exactly half is not more than half',
      members: ids('a', 'b'),
      votes: {},
      expected: 4,
      primary: false,
    },
    { rule: 'a heavier vote decides', members: ids('a', 'b'), votes: { a: 2 }, expected: 5, primary: true },
    { rule: 'no votes, no say', members: ids('a', 'b'), votes: { a: 0, b: 0 }, expected: 1, primary: false },
    { rule: 'nothing expected is known', members: ids('a'), votes: {}, expected: undefined, primary: false },
  ])('$rule', ({ members, votes, expected, primary }) => {
    const rule = { votes: new Map(Object.entries(votes)), ...(expected !== undefined && { expected }) };
    expect(quorumOf(members, rule).primary).toBe(primary);
  });
});

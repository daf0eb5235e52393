import { describe, expect, it } from 'vitest';
import { quorumOf } from '../../../src/allocation/quorum.ts';
import { memberId } from '../../../src/model/member.ts';

const ids = (...names: string[]) => names.map((name) => memberId(name, '00000000000000ff'));

describe('quorumOf', () => {
  it.each([
    ['two of three', ids('a', 'b'), {}, 3, true],
    ['one of three', ids('a'), {}, 3, false],
    ['exactly half is not more than half', ids('a', 'b'), {}, 4, false],
    ['a heavier vote decides', ids('a', 'b'), { a: 2 }, 5, true],
    ['no votes, no say', ids('a', 'b'), { a: 0, b: 0 }, 1, false],
    ['nothing expected is known', ids('a'), {}, undefined, false],
  ])('%s', (_, members, votes, expected, primary) => {
    const rule = { votes: new Map(Object.entries(votes)), ...(expected !== undefined && { expected }) };
    expect(quorumOf(members, rule).primary).toBe(primary);
  });
});

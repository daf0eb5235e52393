/** The rule that picks the primary component: more than half of the expected votes are in the view. */
import type { MemberId, MemberName } from '../model/member.ts';
import { nameOf } from '../model/member.ts';

export interface QuorumRule {
  /** By member name; a member not named has 1. */
  readonly votes: ReadonlyMap<MemberName, number>;
  /** Sum over all members that may exist; absent: unknown, and then no component is primary. */
  readonly expected?: number;
  /** Whether the vote of a witness, which is one of the expected, counts for this part; absent: there is no witness. */
  readonly witness?: boolean;
}

export interface Quorum {
  readonly primary: boolean;
  readonly votes: number;
  readonly expected: number | undefined;
  readonly reason: string;
}

export function votesOf(name: MemberName, rule: QuorumRule): number {
  return rule.votes.get(name) ?? 1;
}

export function quorumOf(members: readonly MemberId[], rule: QuorumRule): Quorum {
  const here = members.reduce((sum, member) => sum + votesOf(nameOf(member), rule), 0);
  const votes = here + (rule.witness === true ? 1 : 0);
  const { expected } = rule;
  if (expected === undefined) {
    return {
      primary: false,
      votes,
      expected,
      reason: 'the expected votes are not configured (quorum.expected_votes)',
    };
  }
  const primary = votes * 2 > expected;
  return {
    primary,
    votes,
    expected,
    reason: `${votes} of ${expected} votes ${primary ? 'are' : 'are only'} here${SAYINGS[`${rule.witness}`]}`,
  };
}

const SAYINGS: Readonly<Record<string, string>> = {
  true: ", the witness's among them",
  false: ", the witness's not among them",
  undefined: '',
};

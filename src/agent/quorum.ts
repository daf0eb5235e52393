/** Applies the quorum rule of a configuration to a view. */
import { type Quorum, quorumOf, votesOf } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import { type MemberName, nameOf } from '../model/member.ts';
import { sortedIds } from '../model/order.ts';
import type { View } from '../model/view.ts';

/** What a configuration says of votes, and who may exist. Asked after every event, so worked out once for each. */
interface Electorate {
  readonly members: readonly MemberName[] | undefined;
  readonly votes: ReadonlyMap<MemberName, number>;
  /** Votes that may exist without the witness's; undefined with discovery. */
  readonly expected: number | undefined;
}

const ELECTORATES = new WeakMap<Config, Electorate>();

function electorateOf(config: Config): Electorate {
  const known = ELECTORATES.get(config);
  if (known !== undefined) return known;
  const members = membersOf(config);
  const votes = new Map(Object.entries(config.quorum.votes));
  const summed = members?.reduce((sum, name) => sum + votesOf(name, { votes }), 0);
  const electorate = { members, votes, expected: config.quorum.expected_votes ?? summed };
  ELECTORATES.set(config, electorate);
  return electorate;
}

function membersOf({ group, member }: Config): readonly MemberName[] | undefined {
  if (group.engine !== 'embedded') return group.members && sortedIds(new Set([member, ...group.members]));
  if (group.multicast !== undefined) return undefined;
  return sortedIds(new Set([member, ...group.peers.map((peer) => peer.name)]));
}

/** Names of all members that may exist, if the configuration tells: with discovery it does not. */
export function expectedMembers(config: Config): readonly MemberName[] | undefined {
  return electorateOf(config).members;
}

export function votesOfMember(name: MemberName, config: Config): number {
  return votesOf(name, { votes: electorateOf(config).votes });
}

/** `witness`: whether its vote counts for this view; it is one among those that may exist wherever one is configured. */
export function quorumIn(view: View, config: Config, witness: boolean): Quorum {
  const { votes, expected } = electorateOf(config);
  if (expected === undefined) return quorumOf(view.members, { votes });
  if (config.quorum.witness === undefined) return quorumOf(view.members, { votes, expected });
  return quorumOf(view.members, { votes, expected: expected + 1, witness });
}

/** Whether everybody the configuration expects is in the view; never known with discovery. */
export function isComplete(view: View, config: Config): boolean {
  const expected = expectedMembers(config);
  if (expected === undefined) return false;
  const here = new Set(view.members.map(nameOf));
  return expected.every((name) => here.has(name));
}

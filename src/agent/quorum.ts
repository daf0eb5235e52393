/** Applies the quorum rule of a configuration to a view. */
import { type Quorum, quorumOf, votesOf } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import { type MemberName, nameOf } from '../model/member.ts';
import { sortedIds } from '../model/order.ts';
import type { View } from '../model/view.ts';

/** Names of all members that may exist, if the configuration tells: with discovery it does not. */
export function expectedMembers(config: Config): readonly MemberName[] | undefined {
  const { group, member } = config;
  if (group.engine !== 'embedded') return group.members && sortedIds(new Set([member, ...group.members]));
  if (group.multicast !== undefined) return undefined;
  return sortedIds(new Set([member, ...group.peers.map((peer) => peer.name)]));
}

export function votesOfMember(name: MemberName, config: Config): number {
  return votesOf(name, { votes: new Map(Object.entries(config.quorum.votes)) });
}

/** `witness`: whether its vote counts for this view; it is one among those that may exist wherever one is configured. */
export function quorumIn(view: View, config: Config, witness: boolean): Quorum {
  const votes = new Map(Object.entries(config.quorum.votes));
  const summed = expectedMembers(config)?.reduce((sum, name) => sum + votesOf(name, { votes }), 0);
  const expected = config.quorum.expected_votes ?? summed;
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

/**
 * Who could be in a view together: sets of members that all hear each other, chosen greedily in a fixed order, so that
 * everybody with the same knowledge finds the same sets. Pure; at most n² questions.
 */
import type { MemberId } from '../model/member.ts';
import { compareMembers } from '../model/member.ts';
import type { ViewId } from '../model/view.ts';

export type Linked = (a: MemberId, b: MemberId) => boolean;

/** Takes members in order, each that is linked to all taken before it. */
export function greedyClique(order: readonly MemberId[], linked: Linked): MemberId[] {
  const chosen: MemberId[] = [];
  for (const member of order) {
    if (chosen.every((other) => linked(other, member))) chosen.push(member);
  }
  return chosen;
}

/** Splits the members into cliques, the first ones first, and returns the one with `self`, in the given order. */
export function cliqueOf(self: MemberId, order: readonly MemberId[], linked: Linked): MemberId[] {
  let rest = order;
  while (rest.length > 0) {
    const clique = greedyClique(rest, linked);
    if (clique.includes(self)) return clique;
    rest = rest.filter((member) => !clique.includes(member));
  }
  return [self];
}

/**
 * A view as others see it: the bigger ranks above, then the older, then the one with the smaller representative. The older,
 * because who served alone shall not yield to who comes back alone: first epochs are taken from the clock.
 */
export interface Rank {
  readonly size: number;
  readonly epoch: number;
  readonly representative: MemberId;
}

export function ranksAbove(a: Rank, b: Rank): boolean {
  if (a.size !== b.size) return a.size > b.size;
  if (a.epoch !== b.epoch) return a.epoch < b.epoch;
  return compareMembers(a.representative, b.representative) < 0;
}

export interface Foreign extends Rank {
  readonly member: MemberId;
  readonly view: ViewId;
}

/**
 * Those foreigners that can join `mine` so that all are linked and every view that loses members to the result is
 * smaller than the result. Sorted by MemberId. Without the second condition one broken pair would make two overlapping
 * views steal each other's members forever.
 */
export function joinable(
  mine: readonly MemberId[],
  foreigners: readonly Foreign[],
  { linked, sizeMax }: { readonly linked: Linked; readonly sizeMax: number },
): Foreign[] {
  const sorted = [...foreigners].sort((a, b) => compareMembers(a.member, b.member));
  const clique = new Set(greedyClique([...mine, ...sorted.map((f) => f.member)], linked).slice(0, sizeMax));
  let chosen = sorted.filter((f) => clique.has(f.member));
  for (;;) {
    const size = mine.length + chosen.length;
    const kept = chosen.filter((f) => size > f.size);
    if (kept.length === chosen.length) return chosen;
    chosen = kept;
  }
}

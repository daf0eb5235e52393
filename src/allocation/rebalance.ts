/**
 * What the representative proposes to even things out: preferred VIPs go home first, then load is levelled.
 * Pure; never moves a pinned VIP, one in hold-down, or a preferred one away from where it is preferred.
 */
import type { MemberId } from '../model/member.ts';
import { compareMembers, nameOf } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { type Candidate, isEligible, preferenceOf } from './allocate.ts';

export interface Move {
  readonly vip: VipId;
  readonly from: MemberId;
  readonly to: MemberId;
  readonly reason: string;
}

export interface RebalanceInput {
  readonly candidates: readonly Candidate[];
  readonly vips: readonly Vip[];
  /** Present allocation: VIP → member. */
  readonly allocated: ReadonlyMap<VipId, MemberId>;
  /** VIPs that must stay (pinned, moved lately, in a handoff). */
  readonly fixed: ReadonlySet<VipId>;
  /** Members that joined too lately to be given anything by rebalancing. */
  readonly resting: ReadonlySet<MemberId>;
  readonly moves_max: number;
}

interface Seat {
  readonly candidate: Candidate;
  load: number;
  readonly movable: Vip[];
}

/** At most `moves_max` moves, each an improvement; an empty list when nothing can be improved. */
export function proposeMoves(input: RebalanceInput): Move[] {
  const seats = seatsOf(input);
  const moves = homeMoves(input, seats);
  while (moves.length < input.moves_max) {
    const move = levellingMove(input, seats);
    if (move === undefined) break;
    moves.push(move);
  }
  return moves;
}

function seatsOf(input: RebalanceInput): Map<MemberId, Seat> {
  const seats = new Map<MemberId, Seat>();
  const ordered = [...input.candidates].sort((a, b) => compareMembers(a.member, b.member));
  for (const candidate of ordered) seats.set(candidate.member, { candidate, load: 0, movable: [] });
  for (const vip of [...input.vips].sort((a, b) => compareIds(a.id, b.id))) {
    const member = input.allocated.get(vip.id);
    const seat = member === undefined ? undefined : seats.get(member);
    if (seat === undefined) continue;
    seat.load += vip.weight;
    const preferred = vip.prefer.includes(nameOf(seat.candidate.member));
    if (!input.fixed.has(vip.id) && !preferred) seat.movable.push(vip);
  }
  return seats;
}

function homeMoves(input: RebalanceInput, seats: Map<MemberId, Seat>): Move[] {
  const moves: Move[] = [];
  for (const vip of input.vips) {
    if (moves.length >= input.moves_max) break;
    const from = input.allocated.get(vip.id);
    const seat = from === undefined ? undefined : seats.get(from);
    if (from === undefined || seat === undefined || vip.prefer.length === 0 || input.fixed.has(vip.id))
      continue;
    const home = homeOf(vip, input, seats);
    if (home === undefined || preferenceOf(vip, nameOf(home)) >= preferenceOf(vip, nameOf(from))) continue;
    transfer(vip, seat, seats.get(home));
    moves.push({ vip: vip.id, from, to: home, reason: `${nameOf(home)} is preferred` });
  }
  return moves;
}

function homeOf(vip: Vip, input: RebalanceInput, seats: ReadonlyMap<MemberId, Seat>): MemberId | undefined {
  for (const name of vip.prefer) {
    for (const [member, seat] of seats) {
      if (nameOf(member) === name && isEligible(seat.candidate, vip.id) && !input.resting.has(member))
        return member;
    }
  }
  return undefined;
}

function levellingMove(input: RebalanceInput, seats: Map<MemberId, Seat>): Move | undefined {
  const loaded = [...seats.entries()]
    .filter(([, seat]) => seat.movable.length > 0)
    .sort(([a, x], [b, y]) => relative(y) - relative(x) || compareMembers(a, b));
  for (const [from, source] of loaded) {
    for (const vip of source.movable) {
      const to = lightest(vip, source, { input, seats });
      if (to === undefined) continue;
      transfer(vip, source, seats.get(to));
      return { vip: vip.id, from, to, reason: `levels the load between ${nameOf(from)} and ${nameOf(to)}` };
    }
  }
  return undefined;
}

function lightest(
  vip: Vip,
  source: Seat,
  { input, seats }: { input: RebalanceInput; seats: ReadonlyMap<MemberId, Seat> },
): MemberId | undefined {
  let best: { member: MemberId; load: number } | undefined;
  for (const [member, seat] of seats) {
    if (seat === source || input.resting.has(member) || !isEligible(seat.candidate, vip.id)) continue;
    const load = (seat.load + vip.weight) / seat.candidate.capacity;
    if (load < relative(source) && (best === undefined || load < best.load)) best = { member, load };
  }
  return best?.member;
}

function relative(seat: Seat): number {
  return seat.candidate.capacity > 0 ? seat.load / seat.candidate.capacity : Number.POSITIVE_INFINITY;
}

function transfer(vip: Vip, from: Seat, to: Seat | undefined): void {
  from.load -= vip.weight;
  if (to) to.load += vip.weight;
  const index = from.movable.indexOf(vip);
  if (index >= 0) from.movable.splice(index, 1);
}

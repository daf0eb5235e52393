/**
 * Who should hold what: a pure function of what all members know alike, so that every member computes the same
 * (DESIGN: eligibility → pin → keep a holder → preference → least relative load → lowest id).
 * It never looks at arrival order, clocks or the machine it runs on.
 */
import type { MemberId, MemberName } from '../model/member.ts';
import { compareMembers, nameOf } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Vip, VipId } from '../model/vip.ts';

/** What the group knows of one member when it allocates. */
export interface Candidate {
  readonly member: MemberId;
  /** Share of the load it should carry, ≥ 0; 0 is never allocated anything. */
  readonly capacity: number;
  /** Why it may hold nothing at all (immature, draining, silent …); absent: it may. */
  readonly barred?: string;
  /** VIPs it cannot hold now, each with why (unfit, failed to acquire, not in its configuration, no quorum). */
  readonly excluded: ReadonlyMap<VipId, string>;
}

export interface AllocationInput {
  /** In view order. */
  readonly candidates: readonly Candidate[];
  readonly vips: readonly Vip[];
  /** Members that hold or may hold the VIP, in view order; missing or empty: nobody. */
  readonly holders: ReadonlyMap<VipId, readonly MemberId[]>;
  /** An operator's moves: the VIP shall be with that member while it is eligible. */
  readonly pins: ReadonlyMap<VipId, MemberName>;
}

export interface Decision {
  /** Absent: no member is eligible. */
  readonly member?: MemberId;
  readonly reason: string;
}

export type Allocation = ReadonlyMap<VipId, Decision>;

/** Mutable bookkeeping of one candidate while allocating. */
interface Seat {
  readonly candidate: Candidate;
  readonly name: MemberName;
  /** Position among all members by {@link compareMembers}: the last tie-break. */
  readonly rank: number;
  load: number;
}

export function isEligible(candidate: Candidate, vip: VipId): boolean {
  return candidate.barred === undefined && candidate.capacity > 0 && !candidate.excluded.has(vip);
}

/**
 * Gives each VIP to at most one eligible member. Equal inputs give equal outputs; the order of `candidates` counts
 * only to settle which of several holders keeps a VIP (the earlier in view order, unless another is preferred).
 * Cost: O(VIPs × members).
 */
export function allocate(input: AllocationInput): Allocation {
  const seats = seatsOf(input.candidates);
  const byMember = new Map(seats.map((seat) => [seat.candidate.member, seat]));
  const decisions = new Map<VipId, Decision>();
  const open: Vip[] = [];
  for (const vip of input.vips) {
    const kept = pinnedSeat(vip, input, seats) ?? keptSeat(vip, input, byMember);
    if (kept === undefined) {
      open.push(vip);
      continue;
    }
    kept.seat.load += vip.weight;
    decisions.set(vip.id, { member: kept.seat.candidate.member, reason: kept.reason });
  }
  open.sort((a, b) => b.weight - a.weight || compareIds(a.id, b.id));
  for (const vip of open) decisions.set(vip.id, place(vip, seats));
  return decisions;
}

function seatsOf(candidates: readonly Candidate[]): Seat[] {
  const ranked = candidates.map((c) => c.member).sort(compareMembers);
  const rank = new Map(ranked.map((member, index) => [member, index]));
  return candidates.map((candidate) => ({
    candidate,
    name: nameOf(candidate.member),
    rank: rank.get(candidate.member) ?? 0,
    load: 0,
  }));
}

interface Kept {
  readonly seat: Seat;
  readonly reason: string;
}

function pinnedSeat(vip: Vip, input: AllocationInput, seats: readonly Seat[]): Kept | undefined {
  const pin = input.pins.get(vip.id);
  if (pin === undefined) return undefined;
  const seat = seats.find((s) => s.name === pin && isEligible(s.candidate, vip.id));
  return seat && { seat, reason: `moved to ${pin} by an operator` };
}

function keptSeat(vip: Vip, input: AllocationInput, byMember: ReadonlyMap<MemberId, Seat>): Kept | undefined {
  const holders = (input.holders.get(vip.id) ?? [])
    .map((member) => byMember.get(member))
    .filter((seat) => seat !== undefined && isEligible(seat.candidate, vip.id)) as Seat[];
  const first = holders[0];
  if (first === undefined) return undefined;
  if (holders.length === 1) return { seat: first, reason: `${first.name} keeps it` };
  const best = holders.reduce((a, b) => (preferenceOf(vip, b.name) < preferenceOf(vip, a.name) ? b : a));
  const why = preferenceOf(vip, best.name) === Number.POSITIVE_INFINITY ? 'first in the view' : 'preferred';
  return { seat: best, reason: `${best.name} keeps it of ${holders.length} holders (${why})` };
}

/** Position in the VIP's preference list; infinity where it is not named. */
export function preferenceOf(vip: Vip, name: MemberName): number {
  const index = vip.prefer.indexOf(name);
  return index < 0 ? Number.POSITIVE_INFINITY : index;
}

function place(vip: Vip, seats: readonly Seat[]): Decision {
  for (const name of vip.prefer) {
    const seat = seats.find((s) => s.name === name && isEligible(s.candidate, vip.id));
    if (seat) return take(vip, seat, `${name} is preferred`);
  }
  let best: Seat | undefined;
  for (const seat of seats) {
    if (isEligible(seat.candidate, vip.id) && (best === undefined || lighter(seat, best, vip.weight)))
      best = seat;
  }
  if (best === undefined) return { reason: whyNobody(vip, seats) };
  return take(vip, best, `${best.name} has the least load`);
}

function take(vip: Vip, seat: Seat, reason: string): Decision {
  seat.load += vip.weight;
  return { member: seat.candidate.member, reason };
}

/** Whether `a` would stand at less relative load than `b` with `weight` more; ties go to the lower id. */
function lighter(a: Seat, b: Seat, weight: number): boolean {
  const left = (a.load + weight) * b.candidate.capacity;
  const right = (b.load + weight) * a.candidate.capacity;
  return left === right ? a.rank < b.rank : left < right;
}

const REASONS_SHOWN_MAX = 4;

function whyNobody(vip: Vip, seats: readonly Seat[]): string {
  if (seats.length === 0) return 'no member in this view';
  const reasons = seats.map((seat) => {
    const { barred, capacity, excluded } = seat.candidate;
    return `${seat.name}: ${barred ?? excluded.get(vip.id) ?? (capacity > 0 ? 'eligible' : 'capacity 0')}`;
  });
  const more = reasons.length > REASONS_SHOWN_MAX ? `; and ${reasons.length - REASONS_SHOWN_MAX} more` : '';
  return `no member is eligible: ${reasons.slice(0, REASONS_SHOWN_MAX).join('; ')}${more}`;
}

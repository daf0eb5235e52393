/** Bookkeeping while VIPs are given out: who has how much load, what room is left, and which zone has what of a spread group. */
import type { MemberId, MemberName } from '../model/member.ts';
import { compareMembers, nameOf } from '../model/member.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Candidate } from './allocate.ts';
import { Room } from './room.ts';

export interface Seat {
  readonly candidate: Candidate;
  readonly name: MemberName;
  /** Position among all members by {@link compareMembers}: the last tie-break. */
  readonly rank: number;
  readonly room: Room;
  readonly capacity: number;
  /** It may be given something at all. */
  readonly open: boolean;
  /** Of the candidate: what it cannot hold. */
  readonly excluded: ReadonlyMap<VipId, string>;
  /** What it has been given so far. */
  readonly vips: Map<VipId, Vip>;
  load: number;
}

export class Seats {
  /** In the order of the candidates. */
  readonly all: readonly Seat[];
  readonly byMember: ReadonlyMap<MemberId, Seat>;
  /** Those that may be given something at all. */
  readonly open: readonly Seat[];
  /** VIPs of a spread group in a zone, by both names. */
  readonly #spread = new Map<string, number>();

  constructor(candidates: readonly Candidate[]) {
    const ranked = candidates.map((candidate) => candidate.member).sort(compareMembers);
    const rank = new Map(ranked.map((member, index) => [member, index]));
    this.all = candidates.map((candidate) => ({
      candidate,
      name: nameOf(candidate.member),
      rank: rank.get(candidate.member) ?? 0,
      room: new Room(candidate.limits),
      capacity: candidate.capacity,
      open: candidate.barred === undefined && candidate.capacity > 0,
      excluded: candidate.excluded,
      vips: new Map(),
      load: 0,
    }));
    this.open = this.all.filter(({ open }) => open);
    this.byMember = new Map(this.all.map((seat) => [seat.candidate.member, seat]));
  }

  give(vip: Vip, seat: Seat): void {
    seat.load += vip.weight;
    seat.vips.set(vip.id, vip);
    seat.room.take(vip.id);
    this.#count(vip, seat, 1);
  }

  takeBack(vip: Vip, seat: Seat): void {
    seat.load -= vip.weight;
    seat.vips.delete(vip.id);
    seat.room.giveBack(vip.id);
    this.#count(vip, seat, -1);
  }

  /** Whether the member could carry the VIP, and has room for it now. */
  static fits(vip: VipId, seat: Seat): boolean {
    return seat.open && !seat.excluded.has(vip) && seat.room.fits(vip);
  }

  /** How many VIPs of its spread group are in the member's zone; 0 where it is in none. Members without a zone count as one zone. */
  companions(vip: Vip, seat: Seat): number {
    const key = spreadKey(vip, seat);
    return key === undefined ? 0 : (this.#spread.get(key) ?? 0);
  }

  #count(vip: Vip, seat: Seat, by: number): void {
    const key = spreadKey(vip, seat);
    if (key !== undefined) this.#spread.set(key, (this.#spread.get(key) ?? 0) + by);
  }
}

function spreadKey({ constraints }: Vip, { candidate }: Seat): string | undefined {
  return constraints?.spread === undefined ? undefined : `${constraints.spread} ${candidate.zone ?? ''}`;
}

/**
 * What the representative proposes to even things out: preferred VIPs go home first, then load is levelled.
 * Pure; never moves a pinned VIP, one in hold-down, or a preferred one away from where it is preferred.
 */
import type { MemberId } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { type Candidate, preferenceOf } from './allocate.ts';
import { type Seat, Seats } from './seats.ts';

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

/** At most `moves_max` moves, each an improvement; an empty list when nothing can be improved. */
export function proposeMoves(input: RebalanceInput): Move[] {
  const balance = new Balance(input);
  const moves = balance.homeMoves();
  while (moves.length < input.moves_max) {
    const move = balance.levellingMove();
    if (move === undefined) break;
    moves.push(move);
  }
  return moves;
}

class Balance {
  readonly #input: RebalanceInput;
  readonly #seats: Seats;
  readonly #ordered: readonly Seat[];
  readonly #moved = new Set<VipId>();

  constructor(input: RebalanceInput) {
    this.#input = input;
    this.#seats = new Seats(input.candidates);
    this.#ordered = [...this.#seats.all].sort((a, b) => a.rank - b.rank);
    for (const vip of [...input.vips].sort((a, b) => compareIds(a.id, b.id))) {
      const seat = this.#seatOf(vip);
      if (seat) this.#seats.give(vip, seat);
    }
  }

  homeMoves(): Move[] {
    const moves: Move[] = [];
    for (const vip of this.#input.vips) {
      if (moves.length >= this.#input.moves_max) break;
      const from = this.#seatOf(vip);
      if (from === undefined || vip.prefer.length === 0 || this.#input.fixed.has(vip.id)) continue;
      const to = this.#homeOf(vip, from);
      if (to === undefined) continue;
      moves.push(this.#move(vip, { from, to, reason: `${to.name} is preferred` }));
    }
    return moves;
  }

  levellingMove(): Move | undefined {
    const loaded = this.#ordered
      .map((seat) => ({ seat, movable: this.#movable(seat) }))
      .filter(({ movable }) => movable.length > 0)
      .sort((a, b) => relative(b.seat) - relative(a.seat) || a.seat.rank - b.seat.rank);
    for (const { seat: from, movable } of loaded) {
      for (const vip of movable) {
        const to = this.#lightest(vip, from);
        if (to === undefined) continue;
        return this.#move(vip, { from, to, reason: `levels the load between ${from.name} and ${to.name}` });
      }
    }
    return undefined;
  }

  #seatOf(vip: Vip): Seat | undefined {
    const member = this.#input.allocated.get(vip.id);
    return member === undefined ? undefined : this.#seats.byMember.get(member);
  }

  /** A better home than where it is. */
  #homeOf(vip: Vip, from: Seat): Seat | undefined {
    for (const name of vip.prefer) {
      if (preferenceOf(vip, name) >= preferenceOf(vip, from.name)) return undefined;
      const home = this.#ordered.find((seat) => seat.name === name && this.#isOpen(vip, seat));
      if (home) return home;
    }
    return undefined;
  }

  /** Those first of whose spread group most are in this zone. */
  #movable(seat: Seat): Vip[] {
    const movable = [...seat.vips.values()].filter(
      (vip) => !this.#moved.has(vip.id) && !this.#input.fixed.has(vip.id) && !vip.prefer.includes(seat.name),
    );
    const crowd = (vip: Vip) => this.#seats.companions(vip, seat);
    return movable.sort((a, b) => crowd(b) - crowd(a) || compareIds(a.id, b.id));
  }

  #lightest(vip: Vip, source: Seat): Seat | undefined {
    let best: { readonly seat: Seat; readonly load: number; readonly crowd: number } | undefined;
    for (const seat of this.#ordered) {
      if (seat === source || !this.#isOpen(vip, seat)) continue;
      const load = (seat.load + vip.weight) / seat.capacity;
      if (load >= relative(source)) continue;
      const crowd = this.#seats.companions(vip, seat);
      if (best === undefined || load < best.load || (load === best.load && crowd < best.crowd))
        best = { seat, load, crowd };
    }
    return best?.seat;
  }

  #isOpen(vip: Vip, seat: Seat): boolean {
    return Seats.fits(vip.id, seat) && !this.#input.resting.has(seat.candidate.member);
  }

  #move(
    vip: Vip,
    { from, to, reason }: { readonly from: Seat; readonly to: Seat; readonly reason: string },
  ): Move {
    this.#seats.takeBack(vip, from);
    this.#seats.give(vip, to);
    // Each is moved once a round.
    this.#moved.add(vip.id);
    return { vip: vip.id, from: from.candidate.member, to: to.candidate.member, reason };
  }
}

function relative(seat: Seat): number {
  return seat.capacity > 0 ? seat.load / seat.capacity : Number.POSITIVE_INFINITY;
}

/**
 * Who should hold what: a pure function of what all members know alike, so that every member computes the same
 * (DESIGN: eligibility → pin → keep a holder → preference → least relative load → spread over zones → lowest id).
 * Nobody is given more than its providers have room for; a VIP that fits nowhere any more is made room for.
 * It never looks at arrival order, clocks or the machine it runs on.
 */
import type { MemberId, MemberName } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Limit } from './room.ts';
import { type Seat, Seats } from './seats.ts';

/** What the group knows of one member when it allocates. */
export interface Candidate {
  readonly member: MemberId;
  /** Share of the load it should carry, ≥ 0; 0 is never allocated anything. */
  readonly capacity: number;
  /** Why it may hold nothing at all (immature, draining, silent …); absent: it may. */
  readonly barred?: string;
  /** VIPs it cannot hold now, each with why (unfit, failed to acquire, not in its configuration, no quorum). */
  readonly excluded: ReadonlyMap<VipId, string>;
  /** Where it is; absent: not said. */
  readonly zone?: string;
  /** What its providers can hold at most; absent: as much as it likes. */
  readonly limits?: readonly Limit[];
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

export function isEligible(candidate: Candidate, vip: VipId): boolean {
  return candidate.barred === undefined && candidate.capacity > 0 && !candidate.excluded.has(vip);
}

/**
 * Gives each VIP to at most one eligible member. Equal inputs give equal outputs; the order of `candidates` counts
 * only to settle which of several holders keeps a VIP (the earlier in view order, unless another is preferred).
 * Cost: O(VIPs × members).
 */
export function allocate(input: AllocationInput): Allocation {
  return new Round(input).decide();
}

interface Choice {
  readonly seat: Seat;
  readonly reason: string;
  /** An operator wants it there. */
  readonly pinned?: boolean;
}

class Round {
  readonly #input: AllocationInput;
  readonly #seats: Seats;
  readonly #decisions = new Map<VipId, Decision>();
  /** Where an operator wants them: they make room for nobody. */
  readonly #pinned = new Set<VipId>();
  /** Members from which no chain of moves leads to free room, by what a VIP takes. */
  readonly #full = new Map<string, Set<Seat>>();

  constructor(input: AllocationInput) {
    this.#input = input;
    this.#seats = new Seats(input.candidates);
  }

  decide(): Allocation {
    // What stays where it is has its room before anything moves there.
    const moved = this.#input.vips.filter((vip) => !this.#stays(vip));
    const open = moved.filter((vip) => !this.#isSettled(vip));
    open.sort((a, b) => b.weight - a.weight || compareIds(a.id, b.id));
    for (const vip of open) this.#place(vip);
    return this.#decisions;
  }

  /** Kept by its holder, and no pin calls it away. */
  #stays(vip: Vip): boolean {
    const pinned = this.#pinnedSeat(vip);
    const holders = this.#input.holders.get(vip.id) ?? [];
    if (pinned !== undefined && !holders.includes(pinned.seat.candidate.member)) return false;
    return this.#take(vip, pinned ?? this.#keptSeat(vip));
  }

  /** Goes where an operator wants it, or stays after all because there is no room. */
  #isSettled(vip: Vip): boolean {
    return this.#take(vip, this.#pinnedSeat(vip)) || this.#take(vip, this.#keptSeat(vip));
  }

  #pinnedSeat(vip: Vip): Choice | undefined {
    const pin = this.#input.pins.get(vip.id);
    if (pin === undefined) return undefined;
    const seat = this.#named(pin, vip);
    if (seat === undefined) return undefined;
    return { seat, reason: `moved to ${pin} by an operator`, pinned: true };
  }

  #keptSeat(vip: Vip): Choice | undefined {
    const holders = (this.#input.holders.get(vip.id) ?? [])
      .map((member) => this.#seats.byMember.get(member))
      .filter((seat) => seat !== undefined && this.#isAble(vip, seat)) as Seat[];
    const first = holders[0];
    if (first === undefined) return undefined;
    if (holders.length === 1) return { seat: first, reason: `${first.name} keeps it` };
    const best = holders.reduce((a, b) => (preferenceOf(vip, b.name) < preferenceOf(vip, a.name) ? b : a));
    const why = preferenceOf(vip, best.name) === Number.POSITIVE_INFINITY ? 'first in the view' : 'preferred';
    return { seat: best, reason: `${best.name} keeps it of ${holders.length} holders (${why})` };
  }

  #place(vip: Vip): void {
    for (const name of vip.prefer) {
      const seat = this.#named(name, vip);
      if (seat) return void this.#take(vip, { seat, reason: `${name} is preferred` });
    }
    const best = this.#best(vip);
    if (best) return void this.#take(vip, { seat: best, reason: `${best.name} has the least load` });
    const freed = this.#freed(vip);
    if (freed) return void this.#take(vip, { seat: freed, reason: `${freed.name} made room for it` });
    this.#decisions.set(vip.id, { reason: whyNobody(vip, this.#seats.all) });
  }

  #best(vip: Vip, except?: Seat): Seat | undefined {
    let best: Seat | undefined;
    for (const seat of this.#seats.open) {
      if (seat === except || !this.#isAble(vip, seat)) continue;
      if (best === undefined || this.#isBetter(vip, seat, best)) best = seat;
    }
    return best;
  }

  /** Whether `a` would stand at less relative load than `b` with the VIP; ties go to the emptier zone, then to the lower id. */
  #isBetter(vip: Vip, a: Seat, b: Seat): boolean {
    const left = (a.load + vip.weight) * b.capacity;
    const right = (b.load + vip.weight) * a.capacity;
    if (left !== right) return left < right;
    if (vip.constraints?.spread === undefined) return a.rank < b.rank;
    const crowd = this.#seats.companions(vip, a) - this.#seats.companions(vip, b);
    return crowd === 0 ? a.rank < b.rank : crowd < 0;
  }

  /** The member that has room now because others have moved on; undefined: nobody can have. */
  #freed(vip: Vip): Seat | undefined {
    const key = takeOf(vip);
    const full = this.#full.get(key) ?? new Set();
    const searched = new Set(full);
    const freed = this.#free(vip, searched);
    if (freed === undefined) this.#full.set(key, searched);
    return freed;
  }

  /**
   * Has a member that could carry the VIP if it had room hand one of its own to another, that one a further one to a third,
   * and so on (an augmenting path): so nobody stays unserved while there is room for all.
   */
  #free(vip: Vip, searched: Set<Seat>): Seat | undefined {
    const full = this.#seats.all.filter((seat) => isEligible(seat.candidate, vip.id));
    for (const seat of full.sort((a, b) => a.rank - b.rank)) {
      if (searched.has(seat)) continue;
      searched.add(seat);
      for (const other of [...seat.vips.values()]) {
        if (this.#pinned.has(other.id) || !seat.room.fitsInstead(vip.id, other.id)) continue;
        const to = this.#best(other, seat) ?? this.#free(other, searched);
        if (to === undefined) continue;
        this.#seats.takeBack(other, seat);
        this.#take(other, { seat: to, reason: `${seat.name} makes room for ${vip.id}` });
        return seat;
      }
    }
    return undefined;
  }

  #take(vip: Vip, choice: Choice | undefined): boolean {
    if (choice === undefined) return false;
    const { seat, reason, pinned } = choice;
    if (pinned) this.#pinned.add(vip.id);
    this.#seats.give(vip, seat);
    this.#decisions.set(vip.id, { member: seat.candidate.member, reason });
    return true;
  }

  #named(name: MemberName, vip: Vip): Seat | undefined {
    return this.#seats.all.find((seat) => seat.name === name && this.#isAble(vip, seat));
  }

  #isAble(vip: Vip, seat: Seat): boolean {
    return Seats.fits(vip.id, seat);
  }
}

/** Position in the VIP's preference list; infinity where it is not named. */
export function preferenceOf(vip: Vip, name: MemberName): number {
  const index = vip.prefer.indexOf(name);
  return index < 0 ? Number.POSITIVE_INFINITY : index;
}

/** Equal for VIPs that take equally of every limit there can be. */
function takeOf({ addresses }: Vip): string {
  const ofFour = addresses.filter(({ family }) => family === 4).length;
  return `${ofFour} ${addresses.length - ofFour}`;
}

const REASONS_SHOWN_MAX = 4;

function whyNobody(vip: Vip, seats: readonly Seat[]): string {
  if (seats.length === 0) return 'no member in this view';
  const reasons = seats.map((seat) => {
    const { barred, capacity, excluded } = seat.candidate;
    const unable =
      barred ?? excluded.get(vip.id) ?? (capacity > 0 ? seat.room.lacking(vip.id) : 'capacity 0');
    return `${seat.name}: ${unable ?? 'eligible'}`;
  });
  const more = reasons.length > REASONS_SHOWN_MAX ? `; and ${reasons.length - REASONS_SHOWN_MAX} more` : '';
  return `no member is eligible: ${reasons.slice(0, REASONS_SHOWN_MAX).join('; ')}${more}`;
}

/**
 * What all members of a view agree on: who may hold which VIP, and who shall. A replicated state: it changes by ordered
 * messages alone, so it is equal on every member at the same message. It knows nothing of this host.
 *
 * `holders` of a row are the members that hold the VIP *or may hold it*. The target acquires only when there is no
 * other holder; it counts as a holder itself from that moment. That is the whole of promise 1 inside a view.
 */
import {
  type Allocation,
  allocate,
  type Candidate,
  type Decision,
  isEligible,
} from '../allocation/allocate.ts';
import { passOverImpaired } from '../allocation/impairment.ts';
import { impairmentFor } from '../model/health.ts';
import type { MemberId, MemberName } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Barrier } from './barrier.ts';
import { type Agreement, agree } from './definitions.ts';
import type { AgentMessage, Moves, Standing } from './messages.ts';

export interface Seat {
  readonly member: MemberId;
  /** False: its report never came; it is given nothing. */
  readonly reported: boolean;
  readonly digest: string;
  readonly votes: number;
  standing: Standing;
  readonly passed: Map<VipId, string>;
  readonly disagreed: ReadonlyMap<VipId, string>;
}

export interface Row {
  readonly vip: Vip;
  /** Who shall hold it; absent: nobody can. */
  target: MemberId | undefined;
  /** Who holds it or may hold it, in view order. */
  holders: readonly MemberId[];
  /** Of the holders, those that said for certain that they have it. */
  proven: readonly MemberId[];
  /** The target, once its provider confirmed it. */
  confirmed: MemberId | undefined;
  reason: string;
  /** The last acquire that failed since it was last held, for people. */
  failure: { readonly member: MemberId; readonly reason: string } | undefined;
  /** Local instant of the last change of target, holders or confirmed. */
  changed: Instant;
}

export interface TableSettings {
  readonly view: View;
  /** The VIPs of this member's configuration; where configurations differ the agreed definitions count instead. */
  readonly vips: readonly Vip[];
  /** Why the target of the last table was chosen, by VIP: what stays keeps its story. */
  readonly stories: ReadonlyMap<VipId, { readonly target: MemberId; readonly reason: string }>;
  /** What became of the holder of the last table, for the reason of a takeover. */
  gone(vip: VipId): string | undefined;
}

const UNHEARD: Standing = {
  mature: false,
  draining: false,
  barred: '',
  leaving: false,
  capacity: 0,
  unfit: [],
  impaired: [],
};

export class Table {
  readonly view: View;
  readonly seats: ReadonlyMap<MemberId, Seat>;
  readonly rows: ReadonlyMap<VipId, Row>;
  readonly pins = new Map<VipId, MemberName>();
  /** Whether VIPs of policy `primary` may be served in this view, and why (not). */
  readonly primary: boolean;
  readonly quorum: string;
  /** VIPs whose last holder may still answer, as far as any member knows. */
  readonly doubts: ReadonlySet<VipId>;
  /** Whether all members know of health checks; else nobody's failing ones count in this view. */
  readonly heedsHealth: boolean;
  readonly #complete: boolean;

  constructor(barrier: Barrier, settings: TableSettings, now: Instant) {
    const reports = barrier.counted();
    this.view = settings.view;
    this.primary = reports.length > 0 && reports.every((report) => report.primary);
    this.quorum = (reports.find((report) => !report.primary) ?? reports[0])?.quorum ?? 'nobody reported';
    this.#complete = reports.length > 0 && reports.every((report) => report.complete);
    this.heedsHealth = reports.every((report) => report.impaired !== undefined);
    const agreement = barrier.disagrees ? agree(barrier.definitions, settings.view.members) : undefined;
    this.seats = seatsOf(barrier, settings.view.members, agreement);
    this.rows = this.#rowsOf(barrier, { ...settings, vips: agreement?.vips ?? settings.vips }, now);
    const contested = agreement?.contested ?? [];
    this.doubts = new Set([...reports.flatMap((report) => report.doubts), ...contested, ...this.#unclear()]);
    for (const member of settings.view.members) {
      for (const vip of barrier.reports.get(member)?.pinned ?? []) {
        if (!this.pins.has(vip)) this.pins.set(vip, nameOf(member));
      }
    }
    this.#mature();
    this.#reallocate(now);
    for (const row of this.rows.values()) this.#begin(row, settings);
    for (const { sender, message } of barrier.early) this.apply(sender, message, now);
  }

  /** Members, as the allocator sees them. */
  candidates(): readonly Candidate[] {
    const candidates = [...this.seats.values()].map((seat): Candidate => {
      const barred = barredBecause(seat);
      const excluded = new Map<VipId, string>([...seat.standing.unfit, ...seat.passed, ...seat.disagreed]);
      const candidate = { member: seat.member, capacity: seat.standing.capacity, excluded };
      return barred === undefined ? candidate : { ...candidate, barred };
    });
    if (!this.heedsHealth) return candidates;
    const impaired = new Map(
      [...this.seats.values()].map((seat) => [seat.member, seat.standing.impaired ?? []]),
    );
    return passOverImpaired(candidates, { vips: [...this.rows.keys()], impaired });
  }

  /** Why the member is not a good holder of the VIP, though it may be one; undefined: it is. */
  impairment(member: MemberId, vip: VipId): string | undefined {
    return impairmentFor(this.seats.get(member)?.standing.impaired ?? [], vip)?.reason;
  }

  /** Whether a handoff or takeover is still under way. */
  get busy(): boolean {
    for (const row of this.rows.values()) if (row.target !== row.confirmed) return true;
    return false;
  }

  isPinned(vip: VipId): boolean {
    return this.pins.has(vip);
  }

  /** Applies one message in agreed order; messages that do not concern the table change nothing. */
  apply(sender: MemberId, message: AgentMessage, now: Instant): void {
    const seat = this.seats.get(sender);
    if (seat === undefined) return;
    switch (message.kind) {
      case 'standing':
        seat.standing = message;
        this.#mature();
        return this.#reallocate(now);
      case 'released':
        return this.#released(sender, message.vips, now);
      case 'acquired':
        return this.#acquired(sender, message.vips, now);
      case 'failed':
        // Allocate first: otherwise the failed target would count as a holder again at once.
        for (const [vip, reason] of message.vips) this.#failed(seat, vip, reason);
        this.#reallocate(now);
        return this.#released(
          sender,
          message.vips.map(([vip]) => vip),
          now,
        );
      case 'retry':
        for (const vip of message.vips) seat.passed.delete(vip);
        return this.#reallocate(now);
      case 'moves':
        return this.#moves(message, now);
      case 'operator':
        return this.#operator(message.command, now);
      default:
        return;
    }
  }

  /** Why the member cannot hold the VIP now; undefined: it can. */
  objection(member: MemberName, vip: VipId): string | undefined {
    const row = this.rows.get(vip);
    if (row === undefined) return 'no such VIP';
    if (!this.#allowed(row.vip)) return this.quorum;
    const candidate = this.candidates().find((c) => nameOf(c.member) === member);
    if (candidate === undefined) return 'not a member of the present view';
    if (isEligible(candidate, vip)) return undefined;
    return candidate.barred ?? candidate.excluded.get(vip) ?? 'its capacity is 0';
  }

  #rowsOf(barrier: Barrier, settings: TableSettings, now: Instant): Map<VipId, Row> {
    const held = new Map<VipId, MemberId[]>();
    const claims = new Map<VipId, MemberId[]>();
    for (const member of this.view.members) {
      const report = barrier.reports.get(member);
      for (const vip of report?.held ?? []) held.set(vip, [...(held.get(vip) ?? []), member]);
      for (const vip of report?.claims ?? []) claims.set(vip, [...(claims.get(vip) ?? []), member]);
    }
    const rows = new Map<VipId, Row>();
    for (const vip of settings.vips) {
      const proven = held.get(vip.id) ?? [];
      const holders = inViewOrder(this.view, [...proven, ...(claims.get(vip.id) ?? [])]);
      rows.set(vip.id, {
        vip,
        target: undefined,
        holders,
        proven,
        confirmed: undefined,
        reason: '',
        failure: undefined,
        changed: now,
      });
    }
    return rows;
  }

  /**
   * A member whose report is missing may hold any VIP that nobody else proves to hold. What others remember of it is not
   * known to all alike, so it is no holder in the table; the link is asked instead.
   */
  #unclear(): VipId[] {
    if ([...this.seats.values()].every((seat) => seat.reported)) return [];
    return [...this.rows.values()].filter((row) => row.proven.length === 0).map((row) => row.vip.id);
  }

  /** Whoever reported that it holds what it shall hold needs no further word; the reason tells the story from before. */
  #begin(row: Row, settings: TableSettings): void {
    const { target, vip } = row;
    if (target === undefined) return;
    if (row.proven.includes(target)) row.confirmed = target;
    const story = settings.stories.get(vip.id);
    const gone = settings.gone(vip.id);
    if (story?.target === target) row.reason = story.reason;
    else if (gone !== undefined) row.reason = `${gone}; ${row.reason}`;
  }

  #mature(): void {
    const seats = [...this.seats.values()].filter((seat) => seat.reported);
    if (!this.#complete && !seats.some((seat) => seat.standing.mature)) return;
    for (const seat of seats) seat.standing = { ...seat.standing, mature: true };
  }

  #allowed(vip: Vip): boolean {
    return vip.policy === 'component' || this.primary;
  }

  #reallocate(now: Instant): void {
    const allowed: Vip[] = [];
    for (const row of this.rows.values()) {
      if (this.#allowed(row.vip)) allowed.push(row.vip);
      else this.#retarget(row, { reason: `not in the primary component: ${this.quorum}` }, now);
    }
    const candidates = new Map(this.candidates().map((c) => [c.member, c]));
    const allocation = this.#decide(allowed, candidates);
    for (const vip of allowed) {
      const row = this.rows.get(vip.id);
      const decision = allocation.get(vip.id);
      if (row && decision) this.#retarget(row, withCause(row, decision, candidates), now);
    }
  }

  #decide(vips: readonly Vip[], byMember: ReadonlyMap<MemberId, Candidate>): Allocation {
    const candidates = [...byMember.values()];
    const able = (vip: VipId, members: readonly MemberId[]) =>
      members.filter((member) => {
        const candidate = byMember.get(member);
        return candidate !== undefined && isEligible(candidate, vip);
      });
    const holders = new Map<VipId, readonly MemberId[]>();
    for (const { id } of vips) {
      const row = this.rows.get(id);
      if (row === undefined) continue;
      // A present target counts as the only holder: a handoff under way is not taken back. Else who certainly has it.
      const target = row.target === undefined ? [] : able(id, [row.target]);
      const proven = able(id, row.proven);
      holders.set(id, target.length > 0 ? target : proven.length > 0 ? proven : row.holders);
    }
    return allocate({ candidates, vips, holders, pins: this.pins });
  }

  #retarget(row: Row, decision: { readonly member?: MemberId; readonly reason: string }, now: Instant): void {
    if (row.target !== decision.member || row.reason === '' || decision.member === undefined) {
      if (row.target !== decision.member) row.changed = now;
      row.target = decision.member;
      row.reason = decision.reason;
    }
    this.#claimIfFree(row);
  }

  /** From here on the target may acquire, so it counts as a holder. */
  #claimIfFree(row: Row): void {
    if (row.target !== undefined && row.holders.every((member) => member === row.target))
      row.holders = [row.target];
  }

  #released(sender: MemberId, vips: readonly VipId[], now: Instant): void {
    for (const id of vips) {
      const row = this.rows.get(id);
      if (row === undefined || !row.holders.includes(sender)) continue;
      row.holders = row.holders.filter((member) => member !== sender);
      row.proven = row.proven.filter((member) => member !== sender);
      if (row.confirmed === sender) row.confirmed = undefined;
      row.changed = now;
      this.#claimIfFree(row);
    }
  }

  #failed(seat: Seat, vip: VipId, reason: string): void {
    seat.passed.set(vip, reason);
    const row = this.rows.get(vip);
    if (row) row.failure = { member: seat.member, reason };
  }

  #acquired(sender: MemberId, vips: readonly VipId[], now: Instant): void {
    for (const id of vips) {
      const row = this.rows.get(id);
      if (row === undefined || row.confirmed === sender || !row.holders.includes(sender)) continue;
      if (row.target !== sender) continue;
      row.confirmed = sender;
      row.proven = [sender];
      row.failure = undefined;
      row.changed = now;
    }
  }

  #moves(message: Moves, now: Instant): void {
    const candidates = new Map(this.candidates().map((c) => [c.member, c]));
    for (const move of message.moves) {
      const row = this.rows.get(move.vip);
      const to = candidates.get(move.to);
      if (row === undefined || row.target !== move.from || to === undefined || !isEligible(to, move.vip))
        continue;
      if (!this.#allowed(row.vip)) continue;
      this.#retarget(row, { member: move.to, reason: `rebalanced: ${move.reason}` }, now);
    }
  }

  #operator(command: Extract<AgentMessage, { kind: 'operator' }>['command'], now: Instant): void {
    if (command.kind === 'rebalance') this.pins.clear();
    if (command.kind === 'drain' || command.kind === 'undrain') {
      // Here and not only by the member's own word, so that the next command already finds it so.
      for (const seat of this.seats.values()) {
        if (nameOf(seat.member) === command.member)
          seat.standing = { ...seat.standing, draining: command.kind === 'drain' };
      }
      return this.#reallocate(now);
    }
    if (command.kind !== 'move' || this.objection(command.to, command.vip) !== undefined) return;
    this.pins.set(command.vip, command.to);
    this.#reallocate(now);
  }
}

function seatsOf(
  barrier: Barrier,
  members: readonly MemberId[],
  agreement: Agreement | undefined,
): Map<MemberId, Seat> {
  return new Map(
    members.map((member) => {
      const report = barrier.without.has(member) ? undefined : barrier.reports.get(member);
      const seat: Seat = {
        member,
        reported: report !== undefined,
        digest: report?.digest ?? '',
        votes: report?.votes ?? 0,
        standing: report ?? UNHEARD,
        passed: new Map(report?.passed),
        disagreed: agreement?.against.get(member) ?? new Map(),
      };
      return [member, seat];
    }),
  );
}

/** Where it goes elsewhere because its holder may not have it any more, the reason begins with that. */
function withCause(row: Row, decision: Decision, candidates: ReadonlyMap<MemberId, Candidate>): Decision {
  const before = row.target ?? row.proven[0];
  if (decision.member === undefined || before === undefined || before === decision.member) return decision;
  const { barred, excluded } = candidates.get(before) ?? { barred: undefined, excluded: undefined };
  const why = barred ?? excluded?.get(row.vip.id);
  return why === undefined
    ? decision
    : { ...decision, reason: `${nameOf(before)}: ${why}; ${decision.reason}` };
}

/** Why a member may hold nothing at all; undefined: it may. */
export function barredBecause(seat: Seat): string | undefined {
  if (!seat.reported) return 'silent: its report is missing';
  if (seat.standing.leaving) return 'leaving';
  if (seat.standing.draining) return 'draining';
  if (seat.standing.barred !== '') return seat.standing.barred;
  if (!seat.standing.mature) return 'not mature yet';
  return undefined;
}

function inViewOrder(view: View, members: readonly MemberId[]): MemberId[] {
  return view.members.filter((member) => members.includes(member));
}

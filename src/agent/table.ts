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
import { Room } from '../allocation/room.ts';
import { impairmentFor } from '../model/health.ts';
import type { MemberId, MemberName } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Barrier } from './barrier.ts';
import { Aside } from './bystanders.ts';
import { areMixed, type Carrier, carrierOf, type Lasting, wayOf } from './carriers.ts';
import { agree, type Sharers } from './definitions.ts';
import { type AgentMessage, type Moves, type Report, RULES } from './messages.ts';
import type { Row } from './row.ts';
import { barredBecause, limitsOf, type Seat, seatsOf } from './seat.ts';

export interface TableSettings {
  readonly view: View;
  /** The VIPs of this member's configuration; where configurations differ the agreed definitions count instead. */
  readonly vips: readonly Vip[];
  /** Whom the last table had the VIP go to, and why: what stays keeps its story. */
  story(vip: VipId): Pick<Row, 'target' | 'reason'> | undefined;
  /** What became of the holder of the last table, for the reason of a takeover. */
  gone(vip: VipId): string | undefined;
  /** By which way a member carries VIPs, as it once reported here; empty: not known. What it says now counts instead. */
  carriersOf?(member: MemberId): readonly Carrier[];
}

const NOBODY: readonly MemberId[] = [];

export class Table {
  readonly view: View;
  readonly seats: ReadonlyMap<MemberId, Seat>;
  readonly rows: ReadonlyMap<VipId, Row>;
  readonly pins = new Map<VipId, MemberName>();
  /** Whether VIPs of policy `primary` may be served in this view, and why (not). */
  readonly primary: boolean;
  readonly quorum: string;
  /** What is acquired by this table is acquired under this fence: the epoch, where no witness has spoken. */
  readonly fence: number;
  /** VIPs whose last holder may still answer, as far as any member knows. */
  readonly doubts: ReadonlySet<VipId>;
  /** Who is missing and may serve in another part, as far as any member knows. */
  readonly astray: ReadonlySet<MemberName>;
  /** Who is outside the view and there all the same. */
  readonly aside: Aside;
  /** Whether all members know of health checks; else nobody's failing ones count in this view. */
  readonly heedsHealth: boolean;
  /** VIPs that may still be with somebody who went, and for how long after this table was made, as far as any member knows. */
  readonly #lasting = new Map<VipId, Map<string, Lasting>>();
  /** Under which names they had an address: a definition may have come since under which it is another VIP. */
  readonly #lastingNames = new Map<string, Set<VipId>>();
  /** By VIP, those that some member has one of its addresses in. */
  readonly #sharers: ReadonlyMap<VipId, Sharers>;
  /** Whether it is known how a member means a VIP now. Who holds one that it does not know any more means it as it did. */
  readonly #defines: (member: MemberId, vip: VipId) => boolean;
  readonly #complete: boolean;
  /** Zones and slots count only where everybody knows of them. */
  readonly #rules: number;

  constructor(barrier: Barrier, settings: TableSettings, now: Instant) {
    const reports = barrier.counted();
    this.view = settings.view;
    const witnessed = reports.some((report) => report.witness !== undefined);
    const isFor = (report: Report) => report.primary || (witnessed && report.near === true);
    this.primary = reports.length > 0 && reports.every(isFor);
    const fence = Math.max(0, ...reports.map((report) => report.fence ?? 0));
    this.fence = Math.max(this.view.epoch, fence + 1);
    this.quorum = (reports.find((report) => !isFor(report)) ?? reports[0])?.quorum ?? 'nobody reported';
    this.#complete = reports.length > 0 && reports.every((report) => report.complete);
    const present = new Set(this.view.members.map(nameOf));
    this.astray = new Set(reports.flatMap(({ astray = [] }) => astray.filter((name) => !present.has(name))));
    this.heedsHealth = reports.every((report) => report.impaired !== undefined);
    this.#rules = Math.min(RULES, ...reports.map((report) => report.rules ?? 1));
    const agreement = barrier.disagrees ? agree(barrier.definitions, settings.view.members) : undefined;
    const known = (member: MemberId) => settings.carriersOf?.(member) ?? [];
    this.seats = seatsOf(barrier, settings.view.members, { agreement, known });
    this.rows = this.#rowsOf(barrier, { ...settings, vips: agreement?.vips ?? settings.vips }, now);
    const proven = [...this.rows.values()].filter((row) => row.proven.length > 0).map(({ vip }) => vip.id);
    this.aside = new Aside(this.#rules >= 3 ? this.seats.values() : [], present, proven);
    this.#sharers = agreement?.sharers ?? new Map();
    this.#defines = (member, vip) =>
      barrier.definitions.get(member)?.vips.some(({ id }) => id === vip) === true;
    const contested = this.#sharers.keys();
    this.doubts = new Set([...reports.flatMap((report) => report.doubts), ...contested, ...this.#unclear()]);
    for (const vip of this.#unclear()) this.#noteSilent(vip);
    for (const sharers of this.#sharers.values()) this.#noteFormer(sharers);
    for (const lasting of reports.flatMap((report) => report.lasting ?? [])) this.#note(lasting);
    for (const [vip, { proven }] of this.rows) if (proven.length > 0) this.#forgetLasting(vip);
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

  /**
   * Members, as the allocator sees them. `squeezed`: VIPs for which those better off have no room, so that also who is impaired
   * may have them.
   */
  candidates(squeezed: ReadonlySet<VipId> = new Set()): readonly Candidate[] {
    const candidates = [...this.seats.values()].map((seat): Candidate => {
      const barred = barredBecause(seat);
      const excluded = new Map<VipId, string>([
        ...this.aside.closedTo(seat.member),
        ...seat.standing.unfit,
        ...seat.passed,
        ...seat.disagreed,
      ]);
      const candidate = { member: seat.member, capacity: seat.standing.capacity, excluded };
      return { ...candidate, ...this.#place(seat), ...(barred !== undefined && { barred }) };
    });
    if (!this.heedsHealth) return candidates;
    const impaired = new Map(
      [...this.seats.values()].map((seat) => [seat.member, seat.standing.impaired ?? []]),
    );
    const vips = [...this.rows.keys()].filter((vip) => !squeezed.has(vip));
    return passOverImpaired(candidates, { vips, impaired });
  }

  /** Why the member is not a good holder of the VIP, though it may be one; undefined: it is. */
  impairment(member: MemberId, vip: VipId): string | undefined {
    return impairmentFor(this.seats.get(member)?.standing.impaired ?? [], vip)?.reason;
  }

  /** Members carry VIPs in more than one way. */
  get isHybrid(): boolean {
    return areMixed(this.seats.values());
  }

  /** What is to be assumed of a member that did not say how it carries VIPs. */
  get worstWay(): Pick<Lasting, 'provider' | 'askable' | 'rest'> {
    const all = [...this.seats.values()].flatMap(({ carriers }) => carriers.map(({ lasts }) => lasts));
    return { provider: '?', askable: false, rest: Math.max(0, ...all) };
  }

  /** In which ways somebody who went may still have the VIP, and for how long after this table was made. */
  lasting(vip: VipId): readonly Lasting[] {
    if (this.#lasting.size === 0) return [];
    const addresses = addressesOf(this.rows.get(vip)?.vip);
    const others = addresses.flatMap((address) => [...(this.#lastingNames.get(address) ?? [])]);
    const names = new Set([vip, ...this.sharersOf(vip), ...others]);
    return [...names].flatMap((id) => [...(this.#lasting.get(id)?.values() ?? [])]);
  }

  /** Whether another member may have an address of the VIP under another name: it lets go of that first. */
  isHeldOtherwise(vip: VipId, self: MemberId): boolean {
    const others = this.#sharers.get(vip) ?? [];
    return [...others].some(([id, meantBy]) =>
      this.rows
        .get(id)
        ?.holders.some((member) => member !== self && (meantBy.has(member) || !this.#defines(member, id))),
    );
  }

  /** VIPs that have an address of this one, as some member defines them. */
  sharersOf(vip: VipId): readonly VipId[] {
    return [...(this.#sharers.get(vip)?.keys() ?? [])];
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
    if (isEligible(candidate, vip)) return this.#lacking(candidate, vip);
    return candidate.barred ?? candidate.excluded.get(vip) ?? 'its capacity is 0';
  }

  #place(seat: Seat): Pick<Candidate, 'zone' | 'limits'> {
    if (this.#rules < 2) return {};
    const limits = seat.standing.slots === undefined ? [] : limitsOf(seat, this.#vips());
    return { ...(seat.zone !== undefined && { zone: seat.zone }), ...(limits.length > 0 && { limits }) };
  }

  #vips(): Vip[] {
    return [...this.rows.values()].map(({ vip }) => vip);
  }

  /** Why the member has no room for the VIP beside what it shall hold; undefined: it has. */
  #lacking({ member, limits }: Candidate, vip: VipId): string | undefined {
    if (limits === undefined) return undefined;
    const room = new Room(limits);
    for (const { vip: other, target } of this.rows.values())
      if (target === member && other.id !== vip) room.take(other.id);
    return room.lacking(vip);
  }

  /** Whoever did not report may have it, in the way in which it carried it before. */
  #noteSilent(vip: VipId): void {
    for (const { reported, carriers } of this.seats.values()) {
      if (reported) continue;
      const carrier = carrierOf(carriers, vip);
      if (carrier !== undefined)
        this.#note({ vip, provider: carrier.provider, askable: carrier.askable, rest: carrier.lasts });
      else if (carriers.length === 0 && this.isHybrid) this.#note({ vip, ...this.worstWay });
    }
  }

  /** Who lets go of what it does not mean so any more says nothing of the addresses that it had, if it shall hold it again. */
  #noteFormer(sharers: Sharers): void {
    for (const [vip, meantBy] of sharers) {
      const row = this.rows.get(vip);
      for (const member of row?.holders ?? []) {
        if (meantBy.has(member) || row!.proven.includes(member)) continue;
        const carrier = carrierOf(this.seats.get(member)?.carriers ?? [], vip);
        if (carrier === undefined) continue;
        this.#note({ vip, provider: carrier.provider, askable: carrier.askable, rest: carrier.lasts });
      }
    }
  }

  #note(lasting: Lasting): void {
    if ((this.rows.get(lasting.vip)?.proven.length ?? 0) > 0) return;
    const ways = this.#lasting.get(lasting.vip) ?? new Map<string, Lasting>();
    const known = ways.get(wayOf(lasting));
    if (known === undefined || known.rest < lasting.rest) ways.set(wayOf(lasting), lasting);
    this.#lasting.set(lasting.vip, ways);
    for (const address of lasting.addresses ?? []) {
      const names = this.#lastingNames.get(address) ?? new Set();
      this.#lastingNames.set(address, names.add(lasting.vip));
    }
  }

  /** Somebody has the VIP for certain, so nobody before it does. */
  #forgetLasting(vip: VipId): void {
    this.#lasting.delete(vip);
    for (const address of addressesOf(this.rows.get(vip)?.vip)) this.#lastingNames.delete(address);
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
    const story = settings.story(vip.id);
    const gone = settings.gone(vip.id);
    if (story?.target === target) row.reason = story.reason;
    else if (gone !== undefined) row.reason = `${gone}; ${row.reason}`;
  }

  #mature(): void {
    const seats = [...this.seats.values()].filter((seat) => seat.reported);
    if (!this.#complete && !seats.some((seat) => seat.standing.mature)) return;
    for (const seat of seats) if (!seat.standing.mature) seat.standing = { ...seat.standing, mature: true };
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
    let candidates = byMember(this.candidates());
    let allocation = this.#decide(allowed, candidates);
    const unserved = new Set(allowed.map(({ id }) => id).filter((id) => !allocation.get(id)?.member));
    if (unserved.size > 0 && this.heedsHealth && this.#isLimited) {
      candidates = byMember(this.candidates(unserved));
      allocation = this.#decide(allowed, candidates);
    }
    for (const vip of allowed) {
      const row = this.rows.get(vip.id);
      const decision = allocation.get(vip.id);
      if (row && decision) this.#retarget(row, withCause(row, decision, candidates), now);
    }
  }

  get #isLimited(): boolean {
    return this.#rules >= 2 && [...this.seats.values()].some(({ standing }) => standing.slots !== undefined);
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
      const target = row.target === undefined ? NOBODY : able(id, [row.target]);
      const proven = target.length > 0 || row.proven.length === 0 ? NOBODY : able(id, row.proven);
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
      this.aside.taken(id);
      this.#forgetLasting(id);
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
      if (!this.#allowed(row.vip) || this.#lacking(to, move.vip) !== undefined) continue;
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

function byMember(candidates: readonly Candidate[]): Map<MemberId, Candidate> {
  return new Map(candidates.map((candidate) => [candidate.member, candidate]));
}

function inViewOrder(view: View, members: readonly MemberId[]): MemberId[] {
  return view.members.filter((member) => members.includes(member));
}

function addressesOf(vip: Vip | undefined): readonly string[] {
  return vip?.addresses.map(({ address }) => address) ?? [];
}

/**
 * From a view to a table: everybody reports, then everybody computes. A round starts with a view, and again within a view
 * when a configuration changed, a late report came, or a member resumed after a stall.
 */
import type { Config } from '../config/config.ts';
import { type MemberId, nameOf } from '../model/member.ts';
import { earliest, type Instant } from '../model/time.ts';
import { representativeOf, type View } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { Barrier } from './barrier.ts';
import type { Bystanders } from './bystanders.ts';
import { carrierOf, concerns, isForeign, type Lasting } from './carriers.ts';
import { definitionOf } from './definitions.ts';
import { Departures } from './departures.ts';
import { accessOf, type DoubtSettings, type Doubts } from './doubts.ts';
import type { History } from './history.ts';
import type { Holdings } from './holdings.ts';
import type { AgentMessage } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { expectedMembers } from './quorum.ts';
import type { SelfPortrait } from './self-portrait.ts';
import { Table } from './table.ts';
import type { Tiebreak } from './tiebreak.ts';

export interface RoundsComponents {
  readonly outbox: Outbox;
  readonly holdings: Holdings;
  readonly doubts: Doubts;
  readonly portrait: SelfPortrait;
  readonly history: History;
  readonly tiebreak: Tiebreak;
  readonly bystanders: Bystanders;
}

type ViewMessage = Exclude<AgentMessage, { kind: 'operator' | 'neighbours' }>;
type OperatorMessage = Extract<AgentMessage, { kind: 'operator' }>;

export class Rounds {
  self: MemberId | undefined;
  view: View | undefined;
  viewSince: Instant = 0;
  /** Present while this member acts on an allocation. */
  table: Table | undefined;
  tableSince: Instant = 0;
  /** Present while reports are missing. */
  barrier: Barrier | undefined;
  /** VIPs that this member already told the view it has acquired. */
  readonly told = new Set<VipId>();
  #config: Config;
  #round = 0;
  /** We have begun a new round, and the others still act on the table of this one: until somebody reports again. */
  #ahead: number | undefined;
  /** The same while they still collect: what they collect in, in an earlier round than ours. */
  #givenUp: Barrier | undefined;
  /** Whom the table that stands here, or with the others, was made without. */
  #without: ReadonlySet<MemberId> = new Set();
  #proceedAt: Instant | undefined;
  readonly #departures = new Departures();
  readonly #with: RoundsComponents;

  constructor(config: Config, components: RoundsComponents) {
    this.#config = config;
    this.#with = components;
  }

  get isRepresentative(): boolean {
    return this.view !== undefined && representativeOf(this.view) === this.self;
  }

  /** The others went on without our report, to a table that we cannot compute. */
  get isLeftOut(): boolean {
    return this.view !== undefined && this.table === undefined && this.barrier === undefined;
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.#proceedAt, undefined);
  }

  install(view: View, { now, settings }: { now: Instant; settings: DoubtSettings }): void {
    const { outbox, history, doubts } = this.#with;
    this.#remember();
    this.#departures.judge({ view, previous: this.view, vips: this.#config.vips, settings }, doubts, now);
    this.#with.bystanders.install(view);
    this.view = view;
    this.viewSince = now;
    this.#with.tiebreak.install(view, now);
    const members = view.members.map(nameOf).join(', ');
    const gone = view.departed.map((d) => `${nameOf(d.member)} (${d.how})`).join(', ');
    const reason = gone ? `${view.cause}; departed: ${gone}` : view.cause;
    outbox.note('info', 'view installed', { reason: `${view.id}: ${members}; ${reason}` });
    history.note({ at: now, what: `view ${view.epoch}: ${members}`, reason });
    this.#collect(0, now);
  }

  /** Not connected any more. */
  dissolve(): void {
    this.#with.tiebreak.dissolve();
    this.view = undefined;
    this.table = undefined;
    this.barrier = undefined;
    this.#proceedAt = undefined;
    this.#departures.forget();
    this.#with.bystanders.forget();
  }

  #remember(): void {
    this.#departures.remember(this.table);
    this.#with.bystanders.remember(this.table);
  }

  /** Everybody shall report again. */
  again(now: Instant): void {
    if (this.view === undefined) return;
    // The others may have come to a table where we, left out of it, have none.
    const ahead = this.barrier === undefined ? this.#round : this.#ahead;
    const given = this.#givenUp ?? (ahead === undefined ? this.barrier : undefined);
    this.#collect(this.#round + 1, now);
    this.#ahead = ahead;
    this.#givenUp = given;
  }

  configure(config: Config, now: Instant): void {
    this.#config = config;
    this.again(now);
  }

  deliver(sender: MemberId, message: ViewMessage, now: Instant): void {
    this.#follow(sender, message);
    if (message.kind === 'report') this.#reported(sender, message, now);
    else if (this.barrier) this.#toBarrier(sender, message, now);
    else if (message.kind === 'definitions') this.#lateDefinitions(sender, message.round, now);
    else if (this.table) this.#toTable(sender, message, now);
  }

  /** Whether it took effect at once; else it does with the table that is being made. */
  order(sender: MemberId, message: OperatorMessage, now: Instant): boolean {
    if (this.barrier) {
      // What the others apply to the table we gave up is over with it: it counts by what members then say of themselves.
      if (this.#ahead === undefined) this.barrier.add(sender, message);
      return false;
    }
    this.table?.apply(sender, message, now);
    this.#learn();
    return true;
  }

  /** The representative names the silent when the wait is over. */
  timeout(now: Instant): void {
    const { view, barrier } = this;
    if (this.#proceedAt === undefined || now < this.#proceedAt) return;
    this.#proceedAt = now + this.#config.agent.report_timeout_ms;
    if (!this.isRepresentative || view === undefined || barrier === undefined) return;
    const without = barrier.missing();
    if (without.length > 0)
      this.#with.outbox.say({ kind: 'proceed', view: view.id, round: this.#round, without });
  }

  #collect(round: number, now: Instant): void {
    const { view } = this;
    if (view === undefined) return;
    this.#remember();
    this.#round = round;
    this.#ahead = undefined;
    this.#givenUp = undefined;
    this.table = undefined;
    // Within a view every member replaces its barrier at the same message; a new view starts empty.
    this.barrier = new Barrier(view.members, round, round === 0 ? undefined : this.barrier);
    this.#proceedAt = now + this.#config.agent.report_timeout_ms;
    this.#report(view, now);
  }

  #report(view: View, now: Instant): void {
    const { outbox, portrait, holdings, doubts, tiebreak } = this.#with;
    const report = portrait.report({
      view,
      round: this.#round,
      quorum: tiebreak.quorum(view, now),
      witness: tiebreak.isConfigured ? { said: tiebreak.said(now), near: tiebreak.isNear(view) } : undefined,
      holdings,
      pinned: this.#departures.pinnedTo(this.#config.member),
      doubts: doubts.open(now),
      lasting: this.#lasting(view, now),
      astray: this.#departures.astray(view, expectedMembers(this.#config)),
      suspect: this.#with.bystanders.suspect(now),
      beside: this.#with.bystanders.beside({
        view,
        vips: this.#config.vips,
        isAskable: (vip) => accessOf(portrait.traitsOf(vip)) === 'link',
      }),
    });
    outbox.say(report);
  }

  /** Keeps track of what the others do in a round that we have given up: where they come to a table, they act on it. */
  #follow(sender: MemberId, message: ViewMessage): void {
    if (!('round' in message)) return;
    const late = message.kind === 'definitions' && message.round === this.#ahead && this.#without.has(sender);
    if (message.kind === 'report' || late) this.#begun(message.round);
    const barrier = this.#givenUp;
    if (barrier === undefined || message.round !== barrier.round) return;
    barrier.add(sender, message);
    if (!barrier.complete) return;
    this.#givenUp = undefined;
    this.#ahead = barrier.round;
    this.#without = barrier.without;
    this.barrier?.voidOrders();
  }

  /** Whoever reports in a later round, or to a table that stands, makes the others collect again: that may be less late than ours yet. */
  #begun(round: number): void {
    const { view } = this;
    const ahead = this.#ahead;
    const given = this.#givenUp?.round;
    if (view === undefined || (ahead === undefined && given === undefined)) return;
    if (ahead !== undefined ? round < ahead : round <= given!) return;
    const next = ahead === undefined ? round : Math.max(round, ahead + 1);
    this.#ahead = undefined;
    this.#givenUp = next < this.#round ? new Barrier(view.members, next) : undefined;
  }

  /** What may still be with who went: where all carry alike, nobody needs it. */
  #lasting(view: View, now: Instant): readonly Lasting[] {
    const { doubts, portrait } = this.#with;
    const all = doubts.lasting(now);
    if (this.#departures.isHybrid || view.joined.length > 0) return all;
    const foreign = (lasting: Lasting, vip: Vip) => {
      const means = portrait.meansOf(vip);
      return means !== undefined && isForeign(means, lasting);
    };
    return all.filter((lasting) =>
      this.#config.vips.some((vip) => concerns(lasting, vip) && foreign(lasting, vip)),
    );
  }

  #reported(sender: MemberId, message: Extract<AgentMessage, { kind: 'report' }>, now: Instant): void {
    if (message.round < this.#round) return;
    if (message.round > this.#round) this.#collect(message.round, now);
    else if (this.barrier === undefined) return this.#collect(this.#round + 1, now);
    this.#toBarrier(sender, message, now);
  }

  /** It had reported, but what it means by its VIPs was not waited for: now it is known. */
  #lateDefinitions(sender: MemberId, round: number, now: Instant): void {
    if (round === this.#round && this.#without.has(sender)) this.#collect(this.#round + 1, now);
  }

  #toBarrier(sender: MemberId, message: ViewMessage, now: Instant): void {
    const { barrier, view } = this;
    if (barrier === undefined || view === undefined) return;
    if ((message.kind === 'proceed' || message.kind === 'definitions') && message.round !== this.#round)
      return;
    const agreed = !barrier.disagrees;
    barrier.add(sender, message);
    if (agreed && barrier.disagrees) {
      const vips = this.#config.vips.map(definitionOf);
      this.#with.outbox.say({ kind: 'definitions', view: view.id, round: this.#round, vips });
    }
    if (barrier.complete) this.#settle(barrier, view, now);
  }

  #settle(barrier: Barrier, view: View, now: Instant): void {
    const { outbox, holdings, portrait } = this.#with;
    if (barrier.without.size > 0) {
      const reason = `silent: ${[...barrier.without].map(nameOf).join(', ')}`;
      outbox.note('warn', 'going on without reports', { reason });
    }
    this.barrier = undefined;
    this.#without = barrier.without;
    this.#proceedAt = undefined;
    if (this.#leftOut(barrier)) return;
    const story = (vip: VipId) => this.#departures.story(vip);
    const gone = (vip: VipId) => this.#departures.gone(vip, view);
    const carriersOf = (member: MemberId) => this.#departures.carriersOf(member);
    this.tableSince = now;
    this.table = new Table(barrier, { view, vips: this.#config.vips, story, gone, carriersOf }, now);
    this.#with.tiebreak.learn(this.table, this.self);
    this.#departures.learn(this.table.astray);
    this.#with.bystanders.learn(this.table.aside);
    portrait.fence = Math.max(portrait.fence, this.table.fence);
    this.told.clear();
    for (const holding of holdings.all()) holding.disowned = false;
    // Who has it by now need not have told this view so: what we saw released before is void.
    for (const row of this.table.rows.values()) if (row.proven.length > 0) this.#with.doubts.held(row.vip.id);
    if (this.table.isHybrid) this.#meetForeigners(this.table);
    portrait.settled();
    this.#learn();
    this.#announceAfterMerge(view);
  }

  #meetForeigners(table: Table): void {
    const { doubts, portrait } = this.#with;
    for (const vip of this.#config.vips) {
      const means = portrait.meansOf(vip);
      for (const { carriers } of table.seats.values()) {
        const carrier = carrierOf(carriers, vip.id);
        if (means && carrier && isForeign(means, carrier)) doubts.met(vip.id, carrier);
      }
    }
  }

  /**
   * The others went on without our report and mean other VIPs than we do, which they need not tell each other: what they have
   * agreed on we cannot compute. Our report is under way, or what we mean, and makes everybody report again.
   */
  #leftOut(barrier: Barrier): boolean {
    if (this.self === undefined || !barrier.without.has(this.self)) return false;
    return barrier.counted().some((report) => report.digest !== this.#config.digest);
  }

  #toTable(sender: MemberId, message: ViewMessage, now: Instant): void {
    const { table } = this;
    const { doubts, portrait } = this.#with;
    if (table === undefined) return;
    if (sender === this.self && message.kind === 'standing') portrait.delivered();
    if (message.kind === 'released') this.#noteRelease(sender, message.vips, { table, now });
    // It was cut off, or stood still: others may have been given by now what it releases next.
    if (message.kind === 'standing' && message.barred !== '') doubts.parted(now);
    if (message.kind === 'failed')
      this.#noteFailure(
        sender,
        message.vips.map(([vip]) => vip),
      );
    table.apply(sender, message, now);
    if (message.kind === 'acquired') for (const vip of message.vips) doubts.held(vip);
    this.#learn();
  }

  /**
   * Clients may still look for what we keep on the other part's hosts, even where those let go before we met. Who went in the same moment
   * names the cause of the view; only that all who came are new, or we, says that no part was met.
   */
  #announceAfterMerge(view: View): void {
    if (view.cause === 'join' || view.joined.length === 0) return;
    const kept = this.#with.holdings
      .held()
      .filter((vip) => this.table?.rows.get(vip.id)?.target === this.self);
    if (kept.length === 0) return;
    this.#with.outbox.push({ kind: 'announce', vips: kept, reason: 'two parts of the group met again' });
  }

  #learn(): void {
    if (this.self !== undefined) this.#with.portrait.learn(this.table?.seats.get(this.self));
  }

  #noteFailure(sender: MemberId, vips: readonly VipId[]): void {
    const { holdings, doubts } = this.#with;
    for (const id of vips) {
      doubts.taken(id);
      const holding = holdings.get(id);
      if (sender === this.self && holding) holding.disowned = false;
    }
  }

  #noteRelease(
    sender: MemberId,
    vips: readonly VipId[],
    { table, now }: { table: Table; now: Instant },
  ): void {
    const { holdings, doubts, outbox } = this.#with;
    const announce: Vip[] = [];
    for (const id of vips) {
      const row = table.rows.get(id);
      const holding = holdings.get(id);
      if (sender === this.self && holding) holding.disowned = false;
      if (row === undefined || !row.holders.includes(sender)) continue;
      // The last other holder let go: the VIP is cleared, and a keeper tells the neighbours once more that it is the one.
      const others = row.holders.filter((member) => member !== sender && member !== row.target);
      // Only who certainly had it can clear it: who was still asking for it leaves earlier doubts as they are.
      if (others.length === 0 && row.proven.includes(sender)) doubts.cleared(id, now);
      if (sender !== this.self && row.target === this.self && holding?.state === 'held')
        announce.push(holding.vip);
    }
    if (announce.length > 0) {
      outbox.push({
        kind: 'announce',
        vips: announce,
        reason: `${nameOf(sender)} released it after a merge`,
      });
    }
  }
}

/**
 * What this host does next: a function of (state, event, now). It owns no socket, clock or timer.
 *
 * Call protocol: `handle(event, now)` returns actions to perform in order; then ask `nextTimeout()` and call
 * `handle({kind:'timeout'}, now)` at or after that instant. `now` never decreases. A spurious call is harmless.
 *
 * The path: view → everybody reports what it really holds → (all reports in) table → reconcile. A newer view starts it
 * again. Cut off from the group or after a stall: release first, ask later.
 */
import type { Quorum } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import type { GroupEvent } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import type { AgentPhase, Status } from '../model/status.ts';
import { earliest, type Instant } from '../model/time.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';
import type { ProviderEvent, ProviderTraits, VipOutcome } from '../provider/provider.ts';
import { Approach } from './approach.ts';
import { Balancer } from './balancer.ts';
import { Bystanders } from './bystanders.ts';
import { Commands, objectionTo } from './commands.ts';
import { Doubts } from './doubts.ts';
import type { AgentAction, AgentEvent } from './events.ts';
import { History } from './history.ts';
import { Holdings, sameForProviders } from './holdings.ts';
import { heard, KnownNeighbours } from './known-neighbours.ts';
import { Lifecycle } from './lifecycle.ts';
import { decodeMessage } from './messages.ts';
import { News } from './news.ts';
import { once } from './once.ts';
import { Outbox } from './outbox.ts';
import { type OutcomeContext, takeAcquired, takeLost, takeReleased } from './outcomes.ts';
import { reconcile } from './reconcile.ts';
import { Rounds } from './rounds.ts';
import { SelfPortrait } from './self-portrait.ts';
import { buildStatus } from './status.ts';
import type { Table } from './table.ts';
import { Tiebreak } from './tiebreak.ts';
import { Turns } from './turns.ts';
import { Unreadable } from './unreadable.ts';

export interface AgentSettings {
  readonly config: Config;
  /** Traits of each configured provider. */
  readonly traits: ReadonlyMap<ProviderName, ProviderTraits>;
  readonly version: string;
  /** How what others say is read; {@link decodeMessage} unless given. */
  readonly read?: typeof decodeMessage;
}

export class Agent {
  readonly #settings: AgentSettings;
  #config: Config;
  #vips: ReadonlyMap<VipId, Vip>;
  readonly #outbox = new Outbox();
  readonly #holdings = new Holdings();
  readonly #doubts = new Doubts();
  readonly #bystanders = new Bystanders();
  readonly #history = new History();
  readonly #turns = new Turns();
  readonly #portrait: SelfPortrait;
  readonly #balancer = new Balancer();
  readonly #commands = new Commands();
  readonly #lifecycle = new Lifecycle();
  readonly #tiebreak: Tiebreak;
  readonly #rounds: Rounds;
  readonly #approach: Approach;
  readonly #news: News;
  #transitional = false;
  readonly #waits = new Map<VipId, Instant>();
  readonly #neighbours = new KnownNeighbours();
  readonly #unreadable = new Unreadable();
  #messagesOfOtherViews = 0;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    this.#config = settings.config;
    this.#vips = new Map(settings.config.vips.map((vip) => [vip.id, vip]));
    this.#portrait = new SelfPortrait(settings.config, settings.traits);
    this.#tiebreak = new Tiebreak(settings.config);
    const parts = {
      outbox: this.#outbox,
      holdings: this.#holdings,
      doubts: this.#doubts,
      portrait: this.#portrait,
      history: this.#history,
      tiebreak: this.#tiebreak,
      bystanders: this.#bystanders,
    };
    this.#rounds = new Rounds(settings.config, parts);
    this.#approach = new Approach({ ...parts, rounds: this.#rounds });
    this.#news = new News(parts);
  }

  handle(event: AgentEvent, now: Instant): readonly AgentAction[] {
    this.#dispatch(event, now);
    this.#settle(now);
    return this.#outbox.take();
  }

  nextTimeout(): Instant | undefined {
    const rounds = this.#rounds;
    let next = earliest(this.#holdings.nextTimeout(rounds.table !== undefined), this.#lifecycle.deadline);
    next = earliest(next, earliest(rounds.nextTimeout(), this.#tiebreak.nextTimeout()));
    if (rounds.view) next = earliest(next, this.#portrait.matureAt);
    if (rounds.isRepresentative && rounds.table) next = earliest(next, this.#balancer.nextAt);
    for (const at of this.#waits.values()) next = earliest(next, at);
    return next;
  }

  get phase(): AgentPhase {
    const lifecycle = this.#lifecycle;
    if (lifecycle.leaving !== undefined) return 'leaving';
    if (lifecycle.detached !== undefined) return this.#rounds.self === undefined ? 'joining' : 'detached';
    if (this.#portrait.outrankedBecause !== undefined) return 'outranked';
    if (this.#rounds.view === undefined) return 'joining';
    return this.#rounds.table === undefined ? 'collecting' : 'settled';
  }

  /** Whether the providers have, or may have, anything. */
  get holdsAnything(): boolean {
    return !this.#holdings.empty;
  }

  /** What is wrong with providers as a whole, for people. */
  get providerTroubles(): ReadonlyMap<ProviderName, string> {
    return this.#news.troubles;
  }

  /** What this member and its view agreed on; absent while reports are being collected. */
  get table(): Table | undefined {
    return this.#rounds.table;
  }

  /** VIPs to renew now. */
  held(): Vip[] {
    return this.#holdings.held();
  }

  /** @param wall wall-clock time of `now`, in milliseconds since 1970 */
  status(now: Instant, wall: number): Status {
    const { view, viewSince, self, table, barrier } = this.#rounds;
    return buildStatus(
      {
        config: this.#config,
        version: this.#settings.version,
        phase: this.phase,
        self,
        view,
        quorum: view && this.#tiebreak.quorum(view, now),
        viewSince,
        table,
        missing: barrier?.missing() ?? [],
        holdings: this.#holdings,
        history: this.#history,
        unfit: this.#portrait.crippled,
        checks: (at) => this.#portrait.checks(at),
        trouble: this.#trouble,
        lesser: this.#bystanders.lesser,
        providerTroubles: this.#news.troubles,
        witnessTrouble: this.#tiebreak.trouble,
        counters: {
          messages_malformed: this.#unreadable.count,
          messages_of_other_views: this.#messagesOfOtherViews,
        },
      },
      { now, wall },
    );
  }

  #dispatch(event: AgentEvent, now: Instant): void {
    switch (event.kind) {
      case 'joining':
        return this.#joining(event.self, now);
      case 'group':
        return this.#group(event.event, now);
      case 'acquired':
        // Should it vanish, others may have it: it was ours, so what we saw released before is void.
        for (const { vip, held } of event.outcomes) if (held) this.#took(vip, now);
        return this.#outbox.push(...takeAcquired(event.outcomes, this.#outcomeContext(now)));
      case 'released':
        return this.#outbox.push(...takeReleased(event.outcomes, this.#outcomeContext(now)));
      case 'renewed':
        return this.#renewed(event.outcomes, now);
      case 'provider':
        return this.#provider(event.provider, event.event, now);
      case 'health':
        return this.#news.health(event.verdict, now);
      case 'witness':
        return this.#news.witness(event, now);
      case 'witness-trouble':
        return this.#news.witnessTrouble(event);
      case 'command':
        return this.#outbox.push(...this.#commands.begin(event, this.#commandContext));
      case 'config':
        return this.#configure(event.config, now);
      case 'stop':
        return this.#stop(event.reason, now);
      case 'stalled':
        // What is read now was sent while it stood still: others may have been given since then what it tells as released.
        if (event.lateness < this.#config.agent.stall_bound_ms) return this.#doubts.parted(now);
        return this.#suspend(`this process did not run for ${Math.round(event.lateness)} ms`, now);
      case 'timeout':
        return this.#timeout(now);
    }
  }

  // --- the group ---

  #joining(self: MemberId, now: Instant): void {
    this.#rounds.self = self;
    this.#lifecycle.joining();
    this.#portrait.born(now);
    this.#outbox.note('info', 'joining the group', { reason: `as ${self}` });
  }

  #group(event: GroupEvent, now: Instant): void {
    if (this.#lifecycle.detached !== undefined) return;
    switch (event.kind) {
      case 'transitional':
        this.#transitional = true;
        return;
      case 'view':
        this.#transitional = false;
        this.#lifecycle.connected(now);
        this.#waits.clear();
        this.#neighbours.install(event.view);
        this.#unreadable.install(event.view);
        this.#rounds.install(event.view, {
          now,
          settings: this.#approach.doubtSettings(undefined, this.#config),
        });
        this.#balancer.settled(now, this.#config.balance);
        for (const message of this.#commands.again()) this.#outbox.say(message);
        return;
      case 'message':
        return this.#deliver(event.sender, event.bytes, now);
      case 'outranked':
        return this.#news.outranked(event, now);
      case 'bystanders':
        return this.#news.bystanders(event, now);
      case 'quorum':
        return this.#news.quorum(event, now);
      case 'detached':
        return this.#detach(event.reason, now);
    }
  }

  #deliver(sender: MemberId, bytes: Uint8Array, now: Instant): void {
    const decoded = (this.#settings.read ?? decodeMessage)(bytes);
    if (!decoded.ok) return this.#outbox.push(...this.#unreadable.from(sender, decoded.error));
    const { message } = decoded;
    if (message.kind === 'operator') return this.#operator(sender, message, now);
    if (message.kind === 'neighbours') return this.#outbox.push(...heard(message, sender, this.#rounds));
    if (message.view !== this.#rounds.view?.id) {
      this.#messagesOfOtherViews += 1;
      return;
    }
    const before = this.#rounds.table;
    this.#rounds.deliver(sender, message, now);
    const { table } = this.#rounds;
    if (table && table !== before) this.#outbox.push(...this.#commands.settled(table));
  }

  #operator(sender: MemberId, message: Parameters<Rounds['order']>[1], now: Instant): void {
    const own = sender === this.#rounds.self;
    if (this.#transitional) return this.#commands.postpone(message, own);
    const { command, via } = message;
    if ((command.kind === 'drain' || command.kind === 'undrain') && command.member === this.#config.member) {
      this.#portrait.draining = command.kind === 'drain';
    }
    if (command.kind === 'rebalance') this.#balancer.force(now);
    this.#history.note({ at: now, what: `operator: ${command.kind}`, reason: `via ${via}` });
    this.#outbox.note('info', `operator: ${command.kind}`, { reason: `via ${via}` });
    const objection = objectionTo(command, this.#rounds.table);
    if (!this.#rounds.order(sender, message, now)) return this.#commands.wait(message, own);
    if (own) this.#outbox.push(...this.#commands.delivered(message, objection));
  }

  // --- the providers ---

  #outcomeContext(now: Instant): OutcomeContext {
    return { holdings: this.#holdings, settings: this.#config.agent, turns: this.#turns, now };
  }

  #took(vip: VipId, now: Instant): void {
    this.#doubts.taken(vip);
    if (this.#approach.isAskable(vip)) this.#bystanders.took(vip, now);
  }

  #renewed(outcomes: readonly VipOutcome[], now: Instant): void {
    const expired = outcomes.find((outcome) => outcome.code === 'lease-expired');
    if (expired) return this.#suspend(expired.reason, now);
    const lost = outcomes.filter((outcome) => !outcome.held);
    this.#outbox.push(...takeLost(lost, this.#outcomeContext(now)));
  }

  #provider(name: ProviderName, event: ProviderEvent, now: Instant): void {
    if (event.kind === 'trouble') return this.#news.trouble(name, event.reason);
    if (event.kind === 'lost') {
      if (event.fenced) return this.#suspend(event.reason, now);
      return this.#outbox.push(...takeLost([event], this.#outcomeContext(now)));
    }
    if (event.kind === 'neighbours')
      return this.#outbox.push(...this.#neighbours.told(event, this.#rounds.view, now));
    if (event.kind === 'slots') return this.#news.slots(name, event);
    this.#news.fitness(event, now);
  }

  // --- trouble, stop, reload ---

  /** The process was not well: whatever we held, others may hold by now. Release first, ask later. */
  #suspend(reason: string, now: Instant): void {
    if (!this.#lifecycle.suspend(reason)) return;
    this.#outbox.note('error', 'releasing everything', { reason });
    this.#history.note({ at: now, what: 'released everything', reason });
    this.#portrait.suspendedBecause = reason;
    this.#doubts.reset(now);
  }

  #detach(reason: string, now: Instant): void {
    this.#outbox.note('error', 'detached', { reason });
    this.#history.note({ at: now, what: 'detached: released everything', reason });
    this.#lifecycle.detach(reason, now);
    this.#portrait.outrankedBecause = undefined;
    this.#portrait.suspendedBecause = undefined;
    this.#doubts.contested = false;
    this.#rounds.dissolve();
    this.#doubts.reset(now);
    this.#outbox.push(...this.#commands.fail('detached', `not connected to the group: ${reason}`));
  }

  #stop(reason: string, now: Instant): void {
    if (!this.#lifecycle.stop(reason, now + this.#config.agent.stop_timeout_ms)) return;
    this.#outbox.note('info', 'stopping', { reason });
    this.#portrait.leaving = true;
  }

  /** VIPs that stay are not touched; those that vanished or changed are released first, then everybody reports again. */
  #configure(config: Config, now: Instant): void {
    const next = new Map(config.vips.map((vip) => [vip.id, vip]));
    for (const holding of [...this.#holdings.all()]) {
      const vip = next.get(holding.vip.id);
      if (vip !== undefined && sameForProviders(vip, holding.vip)) holding.vip = vip;
      else if (holding.state === 'idle') this.#holdings.forget(holding.vip.id);
      else holding.retired = true;
    }
    for (const id of this.#vips.keys()) if (!next.has(id)) this.#history.forget(id);
    this.#config = config;
    this.#vips = next;
    this.#portrait.configure(config);
    this.#tiebreak.configure(config);
    this.#outbox.note('info', 'configuration changed', { reason: `digest ${config.digest}` });
    this.#rounds.configure(config, now);
  }

  // --- time ---

  #timeout(now: Instant): void {
    const rounds = this.#rounds;
    if (rounds.view) this.#portrait.growUp(now);
    rounds.timeout(now);
    this.#retry(now);
    for (const [vip, at] of this.#waits) if (at <= now) this.#waits.delete(vip);
    const { table, viewSince } = rounds;
    if (!table || !rounds.isRepresentative) return;
    const { balance: settings } = this.#config;
    const moves = this.#balancer.due(table, { now, settings, history: this.#history, viewSince });
    if (moves.length > 0) this.#outbox.say({ kind: 'moves', view: table.view.id, moves });
  }

  #retry(now: Instant): void {
    const { view, table } = this.#rounds;
    const { acquires: again, releases } = this.#holdings.dueAgain(now, table !== undefined);
    const reason = 'the last attempt to release it failed';
    for (const vip of releases) this.#outbox.push({ kind: 'release', vips: [vip], reason });
    if (again.length > 0 && view) this.#outbox.say({ kind: 'retry', view: view.id, vips: again });
  }

  // --- after every event ---

  #settle(now: Instant): void {
    // Everybody has to report again what it makes of the votes.
    if (this.#tiebreak.changed(now) || this.#bystanders.changed(this.#rounds, now)) this.#rounds.again(now);
    const { table: agreed, view, self, told, isLeftOut } = this.#rounds;
    // After the transitional signal others may have delivered less, or what an operator said before it: nothing is begun on that table.
    const table = this.#transitional ? undefined : agreed;
    if (self !== undefined) {
      const quorum = once(() => (view === undefined ? undefined : this.#tiebreak.quorum(view, now)));
      const barred = (vip: Vip) => this.#barred(vip, { now, quorum });
      const clearance = (vip: Vip) => this.#approach.clearance(vip, this.#config, now);
      const hasRoom = (vip: Vip) => this.#approach.hasRoom(vip);
      const local = { isLeftOut, vips: this.#vips, holdings: this.#holdings, told, waits: this.#waits };
      const { lettingGo, rest } = reconcile({ self, now, table, ...local, barred, clearance, hasRoom });
      const standing = table && view ? this.#portrait.changed(view) : undefined;
      // Let go first, then say why, then say what was released: so nobody makes us a target again in between.
      this.#outbox.push(...lettingGo);
      if (standing) this.#outbox.say(standing);
      this.#outbox.push(...rest);
      const holds = !this.#holdings.empty;
      const demand = this.#tiebreak.demand(self, { able: this.#isAble, holds, table: agreed });
      if (demand) this.#outbox.push(demand);
    }
    for (const row of table?.rows.values() ?? []) {
      const change = this.#history.observe(row, now);
      if (change) this.#outbox.note('info', change.what, { reason: change.reason, vip: row.vip.id });
    }
    const occasions = this.#turns.take(this.#holdings, this.#rounds);
    if (this.#config.hooks !== undefined) this.#outbox.push(...occasions);
    this.#resume(now);
    this.#finish(now);
  }

  #barred(
    vip: Vip,
    { now, quorum }: { readonly now: Instant; readonly quorum: () => Quorum | undefined },
  ): string | undefined {
    const trouble = this.#trouble ?? this.#lifecycle.over(now) ?? this.#approach.objection(vip, now);
    if (trouble !== undefined) return trouble;
    if (this.#holdings.get(vip.id)?.retired) return 'its configuration changed';
    const unfit = this.#portrait.unfit.get(vip.id);
    if (unfit !== undefined) return unfit;
    const { leaving } = this.#lifecycle;
    if (leaving !== undefined && this.#rounds.view?.members.length === 1) return leaving;
    const lacking = vip.policy === 'primary' ? quorum() : undefined;
    return lacking?.primary === false ? `not in the primary component: ${lacking.reason}` : undefined;
  }

  /** Why this member may hold nothing at all. */
  get #trouble(): string | undefined {
    return this.#lifecycle.detached ?? this.#lifecycle.suspended ?? this.#portrait.outrankedBecause;
  }

  /** Whether it could serve anything. */
  get #isAble(): boolean {
    const { mature, draining, leaving } = this.#portrait;
    return this.#trouble === undefined && mature && !draining && !leaving && this.#config.capacity > 0;
  }

  get #commandContext() {
    const { view, table } = this.#rounds;
    return { trouble: this.#trouble, view, table, self: this.#config.member };
  }

  /** Everything is released after a stall: now ask what the group thinks. */
  #resume(now: Instant): void {
    const reason = this.#holdings.empty ? this.#lifecycle.resume() : undefined;
    if (reason === undefined) return;
    this.#outbox.note('info', 'resuming', { reason: `everything is released after: ${reason}` });
    this.#portrait.suspendedBecause = undefined;
    this.#rounds.again(now);
  }

  #finish(now: Instant): void {
    const nothingToHandOver = this.#nothingToHandOver;
    const ending = this.#lifecycle.finish({ now, empty: this.#holdings.empty, nothingToHandOver });
    if (ending !== undefined) this.#outbox.push(ending);
  }

  /** Whether the group has heard that we hold nothing and are leaving. */
  get #nothingToHandOver(): boolean {
    const { self, view, table } = this.#rounds;
    if (!this.#holdings.empty) return false;
    if (this.#lifecycle.detached !== undefined || self === undefined || view === undefined) return true;
    if (view.members.length === 1) return true;
    if (table === undefined || table.seats.get(self)?.standing.leaving !== true) return false;
    for (const row of table.rows.values()) if (row.holders.includes(self)) return false;
    return true;
  }
}

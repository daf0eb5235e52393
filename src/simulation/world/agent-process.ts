/**
 * One run of one agent: the production core on a main thread driven as `agent/loop.ts` drives it, its group thread, its
 * provider and its guardian. The two threads stand still separately or together.
 */
import { Agent } from '../../agent/agent.ts';
import type { AgentAction, AgentEvent } from '../../agent/events.ts';
import { noteworthyLateness } from '../../agent/lateness.ts';
import type { AgentMessage, Standing } from '../../agent/messages.ts';
import type { Config } from '../../config/config.ts';
import type { GroupEvent } from '../../group/group.ts';
import { type MemberName, nameOf } from '../../model/member.ts';
import type { CommandResult, OperatorCommand } from '../../model/operator.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { View } from '../../model/view.ts';
import type { VipId } from '../../model/vip.ts';
import { Calls } from './calls.ts';
import { CLOUD_TRAITS, CloudProvider } from './cloud-provider.ts';
import { EngineThread } from './engine-thread.ts';
import { Guardian } from './guardian.ts';
import type { Host } from './host.ts';
import { LocalProvider, localTraits } from './local-provider.ts';
import type { SimulatedProvider } from './simulated-provider.ts';
import { Channel, Thread } from './thread.ts';
import { WitnessLease } from './witness-lease.ts';
import type { World } from './world.ts';

const TICK: Millis = 200;
const LEAVE_MAX: Millis = 1000;
const TICKS_UNANSWERED_MAX = 10;

export class AgentProcess {
  readonly host: Host;
  readonly main: Thread;
  readonly core: Agent;
  readonly provider: SimulatedProvider;
  readonly startedAt: Instant;
  alive = true;
  /** Present while there is a connection to the group, and while one is being made or ended. */
  group: EngineThread | undefined;
  /** Facts for the checkers, as of what the main thread has been told. */
  readonly facts = {
    view: undefined as View | undefined,
    viewAt: 0,
    outranked: false,
    connected: false,
    /** Since when `connected` and `outranked` are as they are. */
    changedAt: 0,
    stalledAt: -1e9,
    /** Identifies the messages of the view delivered so far. */
    prefix: 0,
  };
  readonly answers: CommandResult[] = [];
  /** Events its core has taken: while none comes, nothing that the core tells can change. */
  taken = 0;
  readonly #world: World;
  readonly #calls: Calls;
  #toEngine: Channel | undefined;
  #lastAlive: Instant = 0;
  #timers = 0;
  #renewing = false;
  #ticksUnanswered = 0;
  #stopping = false;
  /** The connection that is lost, or being left: it has nothing to say any more. */
  #givenUp: EngineThread | undefined;
  #commands = 0;
  /** Events of the witness so far. */
  #votes = 0;
  /** Of the last release, which knows of no health checks. */
  readonly #older: boolean;
  /** Absent: no witness is configured. */
  readonly witness: WitnessLease | undefined;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.host = host;
    this.main = new Thread(world.agenda, world.random);
    this.startedAt = world.now;
    host.startedAt = world.now;
    this.#older = host.config.checks.length > 0 && world.random.chance(world.options.older);
    this.provider = host.isCloud ? new CloudProvider(world, this) : new LocalProvider(world, this);
    const { witness } = host.config.quorum;
    this.witness = witness && new WitnessLease(world, this, witness);
    this.#calls = new Calls(this);
    this.core = new Agent({
      config: this.#config,
      traits: new Map([host.isCloud ? ['cloud', CLOUD_TRAITS] : ['local', localTraits(host)]]),
      version: 'simulated',
      read: world.read,
    });
  }

  start(): void {
    if (!this.host.isCloud) this.host.guardian = new Guardian(this.#world, this.host);
    this.provider.start(this.host.config.vips);
    this.#lastAlive = this.host.clocks.boot();
    for (const { name } of this.#config.checks) if (this.#world.random.chance(0.9)) this.#lookAt(name);
    this.healthChanged();
    this.#tickOn();
    this.#renewOn();
    this.witness?.start();
    this.#join();
  }

  /** Whether its view heeds health checks. */
  get heedsHealth(): boolean {
    return this.core.table?.heedsHealth === true;
  }

  /** Work of the main thread, later. */
  after(delay: Millis, work: () => void): void {
    this.host.after(delay, () => this.alive && this.main.post(work));
  }

  handle(event: AgentEvent): void {
    if (!this.alive) return;
    if (event.kind !== 'witness') this.witness?.judge();
    else this.#votes += 1;
    const votes = this.#votes;
    const lateness = this.#aliveAgain();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    if (event.kind !== 'witness' || votes === this.#votes) this.#pass(event);
  }

  command(command: OperatorCommand): void {
    const number = ++this.#commands;
    this.main.post(() => this.handle({ kind: 'command', number, command }));
  }

  get #config(): Config {
    return this.#older ? { ...this.host.config, checks: [] } : this.host.config;
  }

  /** The checks look at the host, each in its own time. */
  healthChanged(): void {
    for (const { name } of this.#config.checks) {
      this.after(this.#world.random.between(1, 300), () => {
        this.#lookAt(name);
      });
    }
  }

  #lookAt(name: string): void {
    const failing = this.host.failing.has(name) ? 'out of order' : undefined;
    this.handle({ kind: 'health', verdict: { check: name, failing } });
  }

  stop(reason: string): void {
    this.main.post(() => {
      this.#stopping = true;
      this.handle({ kind: 'stop', reason });
    });
  }

  reconfigure(): void {
    const config = this.#config;
    this.main.post(() => {
      this.handle({ kind: 'config', config });
      this.provider.configure(config.vips);
    });
  }

  stall(): void {
    this.main.stall();
    this.group?.thread.stall();
  }

  resume(): void {
    const { group } = this;
    const first = this.#world.random.chance(0.5);
    if (first) group?.thread.resume();
    this.main.resume();
    if (!first) group?.thread.resume();
  }

  /** The process ends without a word; the guardian hears its pipe close unless it is gone too. */
  die({ kernelTells }: { readonly kernelTells: boolean }): void {
    if (!this.alive) return;
    this.alive = false;
    this.main.alive = false;
    this.host.diedAt = this.main.stalledSince ?? this.#world.now;
    // It may have been told long ago.
    this.#world.touch([this.host]);
    this.group?.stop(kernelTells);
    this.group = undefined;
    if (this.host.agent === this) this.host.agent = undefined;
    this.host.guardedAtDeath = this.host.guardian?.alive === true;
    this.host.guardian?.pipeClosed();
    this.host.guardian = undefined;
    this.#world.note(this.host, 'the agent is gone');
  }

  vanished(address: string): void {
    this.after(this.#world.random.between(0.1, 0.5), () => this.provider.vanished(address));
  }

  fenced(): void {
    if (this.alive) this.main.post(() => this.provider.fenced());
  }

  // --- what the group thread says, on the main thread ---

  groupEvent(from: EngineThread, event: GroupEvent, number: number): void {
    if (this.group !== from || this.#givenUp === from) return;
    if (!this.facts.connected && event.kind !== 'view' && event.kind !== 'detached') return;
    if (event.kind === 'detached') return this.#lost(from, event.reason);
    const { facts } = this;
    if (event.kind === 'view') {
      this.host.lastEpoch = Math.max(this.host.lastEpoch, event.view.epoch);
      Object.assign(facts, { view: event.view, viewAt: this.#world.now, prefix: 0 });
      this.#setConnected(true);
    } else if (event.kind === 'message') facts.prefix = chain(facts.prefix, event.sender, number);
    else if (event.kind === 'transitional') facts.prefix = -1;
    else if (event.kind === 'outranked' && facts.outranked !== (event.by !== undefined)) {
      facts.outranked = event.by !== undefined;
      facts.changedAt = this.#world.now;
    }
    if (event.kind === 'view') this.#world.viewInstalled(this, event.view);
    this.handle({ kind: 'group', event });
    if (event.kind === 'message') this.#world.delivered(this);
  }

  groupEnded(from: EngineThread, reason: string): void {
    if (!from.left) this.#lost(from, `the engine's thread is gone: ${reason}`);
  }

  #lost(from: EngineThread, reason: string): void {
    if (this.group !== from || this.#givenUp === from) return;
    this.#givenUp = from;
    this.#setConnected(false);
    // A thread that hangs is ended from outside.
    this.after(LEAVE_MAX, () => from.stop(true));
    this.handle({ kind: 'group', event: { kind: 'detached', reason } });
  }

  #setConnected(connected: boolean): void {
    const { facts } = this;
    if (facts.connected === connected) return;
    Object.assign(facts, { connected, changedAt: this.#world.now });
    if (!connected) Object.assign(facts, { view: undefined, outranked: false, prefix: -1 });
  }

  // --- the loop ---

  #pass(event: AgentEvent): void {
    const { stall_bound_ms } = this.host.config.agent;
    if (event.kind === 'stalled' && event.lateness >= stall_bound_ms) this.facts.stalledAt = this.#world.now;
    this.taken += 1;
    const actions = this.core.handle(event, this.host.clocks.monotonic());
    for (const action of actions) this.#perform(action);
    this.#arm();
  }

  /** By how much this process ran later than it should have; 0 if that is nothing to speak of. */
  #aliveAgain(): Millis {
    const now = this.host.clocks.boot();
    const lateness = now - this.#lastAlive - TICK;
    this.#lastAlive = now;
    return lateness > noteworthyLateness(this.host.config.agent) ? lateness : 0;
  }

  #arm(): void {
    const timer = ++this.#timers;
    const at = this.core.nextTimeout();
    if (at === undefined) return;
    const { clocks } = this.host;
    const delay = Math.ceil(Math.max(1, Math.min(at - clocks.monotonic(), 60_000)));
    this.#world.agenda.at(clocks.trueAt(clocks.monotonic() + delay), () => {
      if (!this.alive || timer !== this.#timers) return;
      this.main.post(() => timer === this.#timers && this.handle({ kind: 'timeout' }));
    });
  }

  #tickOn(): void {
    this.witness?.judge();
    const lateness = this.#aliveAgain();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    this.#tickGroup();
    this.provider.tick();
    this.after(TICK, () => this.#tickOn());
  }

  #tickGroup(): void {
    const { group } = this;
    if (!group || !this.facts.connected) return;
    this.#ticksUnanswered = group.thread.stalled ? this.#ticksUnanswered + 1 : 0;
    if (this.#ticksUnanswered > TICKS_UNANSWERED_MAX) return this.#lost(group, 'the engine’s thread hangs');
    this.#toEngine?.post(() => group.post({ kind: 'tick' }));
  }

  #renewOn(): void {
    this.after(Math.min(1_000, this.host.local.renew_interval_ms), () => this.#renewOn());
    const lateness = this.#aliveAgain();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    const vips = this.core.held();
    if (this.#renewing || vips.length === 0) return;
    this.#renewing = true;
    this.provider.renew(vips, (outcomes) => {
      this.#renewing = false;
      const trouble = outcomes.filter(({ code }) => code !== 'ok');
      if (trouble.length > 0) this.handle({ kind: 'renewed', outcomes: trouble });
    });
  }

  #perform(action: AgentAction): void {
    const { group } = this;
    switch (action.kind) {
      case 'multicast': {
        if (!group || !this.facts.connected) return;
        const bytes = group.encode(this.#older ? withoutHealth(action.message) : action.message);
        return this.#toEngine?.post(() => group.multicast(bytes));
      }
      case 'acquire': {
        const vips = action.requests.map(({ vip }) => vip);
        // A clock would be past it by the next start: a fence is but a few acts ahead of its epoch.
        this.host.lastEpoch = Math.max(this.host.lastEpoch, action.fence);
        return this.#calls.acquire(vips, (call, done) =>
          this.provider.acquire(action.requests, { fence: action.fence, call, done }),
        );
      }
      case 'cancel':
        return this.#calls.cancel(action.vips);
      case 'release':
        return void this.#calls.run(
          (call, done) => this.provider.release(action.vips, call, done),
          (outcomes) => this.handle({ kind: 'released', outcomes }),
        );
      case 'answer':
        this.answers.push(action.result);
        return;
      case 'leave':
        // A goodbye would say that everything is released.
        return this.#calls.settled(() =>
          this.core.holdsAnything ? this.#end() : this.#leave(() => this.#end()),
        );
      case 'rejoin':
        return this.#leave(() => this.after(action.after, () => this.#stopping || this.#join()));
      case 'hook':
        return this.#world.hookTold(this, action);
      case 'note':
        if (this.#world.timeline === undefined) return;
        return this.#world.note(this.host, `${action.what}: ${action.reason} ${action.vip ?? ''}`);
      case 'announce':
      case 'neighbours':
        return;
      case 'witness':
        return this.witness?.want(action.wanted, action.fence);
    }
  }

  #join(): void {
    if (this.group?.alive) throw new Error(`${this.host.name} joins while it is joined`);
    const group = new EngineThread(this.#world, this);
    this.group = group;
    this.#ticksUnanswered = 0;
    this.#toEngine = new Channel(group.thread, this.#world.agenda, this.#world.random);
    Object.assign(this.facts, { connected: false, outranked: false, changedAt: this.#world.now });
    this.handle({ kind: 'joining', self: group.member });
    this.after(this.#world.random.between(5, 40), () => {
      if (this.group === group) group.start();
    });
  }

  /** Ends the group thread: with a goodbye while it is well, from outside when it takes too long. */
  #leave(then: () => void): void {
    const { group } = this;
    if (!group) return then();
    this.#world.touch([this.host]);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      group.stop(true);
      this.group = undefined;
      this.#setConnected(false);
      then();
    };
    if (!group.alive) return end();
    if (this.facts.connected) this.#toEngine?.post(() => group.post({ kind: 'leave' }));
    this.#givenUp = group;
    this.facts.connected = false;
    const poll = () => (group.alive ? this.after(1, poll) : end());
    poll();
    this.after(LEAVE_MAX, end);
  }

  #end(): void {
    this.witness?.stop(!this.core.holdsAnything);
    this.die({ kernelTells: true });
  }

  /** What it knows of the member with this name; undefined: it is not in its view, or nothing is agreed. */
  standingOf(name: MemberName): Standing | undefined {
    for (const { member, standing } of this.core.table?.seats.values() ?? [])
      if (nameOf(member) === name) return standing;
    return undefined;
  }

  /** The holder of a VIP as this agent tells it; undefined: nobody, or none is agreed. */
  told(vip: VipId): string | undefined {
    const holder = this.core.table?.rows.get(vip)?.confirmed;
    return holder === undefined ? undefined : nameOf(holder);
  }
}

function withoutHealth(message: AgentMessage): AgentMessage {
  if (message.kind !== 'report' && message.kind !== 'standing') return message;
  const { impaired: _, ...rest } = message;
  return rest;
}

function chain(prefix: number, sender: string, number: number): number {
  if (prefix < 0) return prefix;
  let hash = (prefix ^ number) >>> 0;
  for (let i = sender.length - 6; i < sender.length; i++) {
    hash = Math.imul(hash ^ sender.charCodeAt(i), 0x01000193) >>> 0;
  }
  return Math.imul(hash ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
}

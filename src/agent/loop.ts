/**
 * Gives the pure agent core its hands: performs actions, brings back results, keeps the time. It decides nothing, with one
 * exception that must come before everything else: after a stall it tells the core so before it passes on any event.
 */
import type { Config } from '../config/config.ts';
import type { GroupCommunication, GroupStatus } from '../group/group.ts';
import type { CommandResult, OperatorCommand } from '../model/operator.ts';
import type { Status } from '../model/status.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { ProviderName } from '../model/vip.ts';
import { Agent } from './agent.ts';
import type { AgentAction, AgentEvent } from './events.ts';
import { noteworthyLateness } from './lateness.ts';
import type { LoopComponents, LoopPractice, LoopSettings } from './loop-components.ts';
import { encodeMessage } from './messages.ts';
import { Operations } from './operations.ts';
import { readEvent } from './provider-answers.ts';

/** How often the loop shows that it is alive. */
const TICK: Millis = 200;
/** Ticks that did not come for so long say that the loop is not well. */
const UNWELL_AFTER: Millis = 1_000;
/** An operator command that takes longer than this is answered as unfinished. */
const COMMAND_BOUND: Millis = 10_000;

export class AgentLoop {
  readonly #core: Agent;
  #config: Config;
  readonly #with: LoopComponents;
  readonly #operations: Operations;
  #group: GroupCommunication | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #renewer: NodeJS.Timeout | undefined;
  #lastAlive: Instant = 0;
  #tickedAt: Instant = 0;
  #commandNumber = 0;
  /** Events of the witness so far. */
  #votes = 0;
  readonly #complaints = new Map<ProviderName, string>();
  /** Providers whose trouble, if they have any, is no reason to call the agent unwell. */
  readonly #confined = new Set<ProviderName>();
  readonly #answers = new Map<number, (result: CommandResult) => void>();
  readonly #listeners = new Set<() => void>();
  #starting: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #left: (() => void) | undefined;
  #closed = false;
  #practice: LoopPractice | undefined;
  /** Something happened since the last tick. */
  #stirred = false;

  constructor(settings: LoopSettings, components: LoopComponents) {
    this.#config = settings.config;
    this.#with = components;
    const traits = new Map([...components.providers].map(([name, provider]) => [name, provider.traits]));
    this.#core = new Agent({ config: settings.config, version: settings.version, traits });
    this.#operations = new Operations(components.providers, {
      emit: (event) => this.#handle(event),
      complain: (provider, problem) => this.#complain(provider, problem),
    });
  }

  /**
   * Starts the providers (which sweep leftovers), then joins. Rejects with an Error for a person when that is impossible; all
   * that was started is stopped again then. Resolves when joining, or when a stop came in between.
   */
  async start(): Promise<void> {
    this.#starting = this.#begin();
    try {
      await this.#starting;
    } catch (error) {
      await this.#close();
      // A stop in the middle of it is no failure.
      if (this.#ended === undefined) throw error;
    }
  }

  async #begin(): Promise<void> {
    for (const [name, provider] of this.#with.providers) {
      const vips = this.#operations.carriedBy(name, this.#config.vips);
      await provider.start(vips, (event) => this.#providerEvent(name, event));
      if (this.#ended !== undefined) return;
    }
    this.#lastAlive = this.#with.clock.boot();
    this.#tick();
    this.#ticker = setInterval(() => this.#tick(), TICK);
    this.#renewer = setInterval(() => this.#renew(), this.#renewInterval());
    this.#with.witness?.start({
      vote: (vote) => this.#handle({ kind: 'witness', ...vote }),
      trouble: (reason) => this.#handle({ kind: 'witness-trouble', reason }),
    });
    // Who joins knows how it is: else it would be given VIPs, or passed over, for nothing.
    await this.#watchHealth();
    if (this.#ended === undefined) await this.#join({ first: true });
  }

  /** Resolves when everything is handed over, the group is left and all is closed. A second call waits for the first. */
  stop(reason: string): Promise<void> {
    this.#ended ??= this.#end(reason);
    return this.#ended;
  }

  async #end(reason: string): Promise<void> {
    // A start half done is brought to its own end first; it looks at `#ended` and does no more than it must.
    await Promise.resolve();
    // Whatever goes wrong with it is told by `start`.
    await this.#starting.catch(() => undefined);
    if (this.#closed) return;
    const left = new Promise<void>((resolve) => {
      this.#left = resolve;
    });
    this.#handle({ kind: 'stop', reason });
    await left;
  }

  status(): Status {
    const { clock } = this.#with;
    const status = this.#core.status(clock.monotonic(), clock.wall());
    const group = this.#group?.status();
    return group === undefined ? status : withGroup(status, group);
  }

  /**
   * Why this agent should not be trusted to go on, for people; undefined: it is well. Looks at the loop's own pulse, at the
   * engine's and at the providers, so that whoever watches us is not kept calm by a process that merely runs.
   */
  unwell(): string | undefined {
    const late = this.#with.clock.boot() - this.#tickedAt;
    if (late > UNWELL_AFTER) return `the loop has not ticked for ${Math.round(late)} ms`;
    const trouble = [...this.#core.providerTroubles].find(([name]) => !this.#confined.has(name));
    if (trouble !== undefined) return `provider ${trouble[0]}: ${trouble[1]}`;
    return this.#group?.unwell?.();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  command(command: OperatorCommand): Promise<CommandResult> {
    this.#commandNumber += 1;
    const number = this.#commandNumber;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(number, unfinished()), COMMAND_BOUND);
      this.#answers.set(number, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.#handle({ kind: 'command', number, command });
    });
  }

  /** From here on, at ticks at which all is quiet. */
  practise(practice: LoopPractice): void {
    this.#practice = practice;
  }

  /** A checked configuration of the same cluster and member; what needs a restart is refused by the caller. */
  reconfigure(config: Config): void {
    this.#config = config;
    this.#handle({ kind: 'config', config });
    this.#operations.configure(config.vips);
    void this.#watchHealth();
  }

  async #watchHealth(): Promise<void> {
    await this.#with.health?.configure(this.#config.checks, (verdict) => {
      if (!this.#closed) this.#handle({ kind: 'health', verdict });
    });
  }

  #providerEvent(provider: ProviderName, told: unknown): void {
    // What a reload dropped may still be held, and lost, for a moment.
    const known = new Set([...this.#config.vips, ...this.#core.held()].map(({ id }) => id));
    const event = readEvent(known, told);
    if (typeof event === 'string') return this.#complain(provider, event);
    if (event.kind === 'trouble') this.#confined[event.confined === true ? 'add' : 'delete'](provider);
    this.#handle({ kind: 'provider', provider, event });
  }

  /** The same complaint again and again (a renewal comes twice a second) is told once. */
  #complain(provider: ProviderName, problem: string): void {
    if (this.#complaints.get(provider) === problem) return;
    this.#complaints.set(provider, problem);
    this.#with.logger.error({ provider, reason: problem }, 'provider breaks its contract');
  }

  /**
   * Takes over the cluster keys of a group section that is otherwise in force. Resolves with nothing, or with why not, for a
   * person, where a member would be lost by it: then nothing has changed. `keys`: those of the section.
   */
  async rekey(section: Config['group'], keys: readonly Uint8Array[]): Promise<string | undefined> {
    const refusal = await this.#group?.rekey?.(keys);
    if (refusal === undefined) this.#config = { ...this.#config, group: section };
    return refusal;
  }

  #renewInterval(): Millis {
    const intervals = Object.values(this.#config.providers).map((p) =>
      p.kind === 'local' ? p.renew_interval_ms : 1_000,
    );
    const guests = Object.values(this.#config.guests ?? {}).map(({ local }) => local.renew_interval_ms);
    return Math.min(1_000, ...intervals, ...guests);
  }

  #handle(event: AgentEvent): void {
    if (event.kind !== 'witness') this.#with.witness?.judge();
    else this.#votes += 1;
    const votes = this.#votes;
    const lateness = this.#alive();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    // What is wanted after a standstill may have changed the vote already: then this one is over.
    if (event.kind !== 'witness' || votes === this.#votes) this.#pass(event);
  }

  /** By how much this process ran later than it should have; 0 if that is nothing to speak of. */
  #alive(): Millis {
    const now = this.#with.clock.boot();
    const lateness = now - this.#lastAlive - TICK;
    this.#lastAlive = now;
    return lateness > noteworthyLateness(this.#config.agent) ? lateness : 0;
  }

  /** What others wait for comes first; what is told to people, and to their programs, when it is on its way. */
  #pass(event: AgentEvent): void {
    this.#stirred = true;
    const actions = this.#core.handle(event, this.#with.clock.monotonic());
    for (const action of actions) this.#perform(action);
    this.#arm();
    for (const action of actions) this.#tell(action);
    if (actions.length > 0) for (const listener of this.#listeners) listener();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const at = this.#core.nextTimeout();
    if (at === undefined) return;
    const delay = Math.max(0, Math.min(at - this.#with.clock.monotonic(), 60_000));
    this.#timer = setTimeout(() => this.#handle({ kind: 'timeout' }), Math.ceil(delay));
  }

  #tick(): void {
    this.#with.witness?.judge();
    const lateness = this.#alive();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    this.#tickedAt = this.#lastAlive;
    this.#group?.tick();
    this.#operations.tick();
    this.#practiseNow();
  }

  /** Not within an interval in which anything happened: what is under way comes first. */
  #practiseNow(): void {
    const quiet = !this.#stirred && this.#core.phase === 'settled' && this.#core.table?.busy === false;
    this.#stirred = false;
    // Kept when it is over: what the runtime compiled in it lasts as long.
    if (quiet && this.#operations.isIdle) this.#practice?.turn();
  }

  #renew(): void {
    const lateness = this.#alive();
    if (lateness > 0) this.#pass({ kind: 'stalled', lateness });
    // After a standstill that was too long nothing is held any more; after a shorter one the lease has waited long enough.
    this.#operations.renew(this.#core.held());
  }

  #perform(action: AgentAction): void {
    switch (action.kind) {
      case 'multicast':
        return this.#group?.multicast(encodeMessage(action.message));
      case 'acquire':
        return this.#operations.acquire(action);
      case 'cancel':
        return this.#operations.cancel(action.vips);
      case 'release':
        return this.#operations.release(action.vips, action.reason);
      case 'announce':
        return this.#operations.announce(action.vips);
      case 'witness':
        return this.#with.witness?.want(action.wanted, action.fence);
      case 'answer':
        return this.#answer(action.number, action.result);
      case 'leave':
        return void this.#leave();
      case 'rejoin':
        return void this.#rejoin(action.after);
      case 'note':
      case 'neighbours':
      case 'hook':
        return;
    }
  }

  #tell(action: AgentAction): void {
    const { logger, hooks } = this.#with;
    if (action.kind === 'note') {
      const { kind: _, level, what, ...fields } = action;
      logger[level](fields, what);
    } else if (action.kind === 'announce') {
      const vips = action.vips.map((vip) => vip.id);
      logger.info({ vips, reason: action.reason }, 'announcing again');
    } else if (action.kind === 'neighbours') this.#operations.neighbours(action.neighbours);
    else if (action.kind === 'hook') hooks?.(action);
  }

  #answer(number: number, result: CommandResult): void {
    const answer = this.#answers.get(number);
    this.#answers.delete(number);
    answer?.(result);
  }

  /** Joins under a fresh identity. A first attempt that cannot start at all is the caller's to tell; later ones are tried again. */
  async #join({ first }: { first: boolean }): Promise<void> {
    const group = this.#with.createGroup(this.#config);
    this.#group = group;
    this.#handle({ kind: 'joining', self: group.self });
    try {
      await group.join((event) => {
        // A connection that was given up may still have something to say.
        if (this.#group === group) this.#handle({ kind: 'group', event });
      });
    } catch (error) {
      if (first) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      this.#handle({ kind: 'group', event: { kind: 'detached', reason } });
    }
  }

  async #rejoin(after: Millis): Promise<void> {
    const old = this.#group;
    this.#group = undefined;
    await old?.leave();
    if (after > 0) await new Promise((resolve) => setTimeout(resolve, after));
    if (this.#ended === undefined) await this.#join({ first: false });
  }

  async #leave(): Promise<void> {
    clearInterval(this.#renewer);
    await this.#operations.settled();
    await this.#close();
    this.#left?.();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#with.witness?.stop(!this.#core.holdsAnything);
    const healthStopped = this.#with.health?.stop();
    clearInterval(this.#renewer);
    const group = this.#group;
    if (this.#core.holdsAnything) {
      // A goodbye would say that everything is released. The process ends without one, and the others ask the link first.
      this.#with.logger.error({}, 'not everything could be released: leaving without a goodbye');
    } else await group?.leave();
    this.#group = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    for (const provider of this.#with.providers.values()) await provider.stop();
    await healthStopped;
  }
}

function unfinished(): CommandResult {
  const message = `not finished after ${COMMAND_BOUND / 1000} s; look at the status to see whether it took effect`;
  return { ok: false, code: 'internal', message };
}

function withGroup(status: Status, group: GroupStatus): Status {
  const peers = group.peers.map(({ name, address, stream, host, agent, problem }) => ({
    name,
    address,
    stream,
    host,
    agent,
    ...(problem !== undefined && { problem }),
  }));
  const problems = peers
    .filter((peer) => peer.problem !== undefined)
    .map((peer) => `${peer.name}: ${peer.problem}`);
  return {
    ...status,
    peers,
    ...(group.keys !== undefined && { keys: group.keys }),
    counters: { ...status.counters, ...group.counters },
    warnings: [...status.warnings, ...problems],
  };
}

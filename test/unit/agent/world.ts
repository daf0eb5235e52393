/**
 * A world for agents: an ideal group (views and total order as the contract says, each member at its own pace), one link
 * on which addresses really are or are not, and faults. Deterministic from a seed. The agents in it are the production core.
 */
import { Agent } from '../../../src/agent/agent.ts';
import type { AgentAction, AgentEvent } from '../../../src/agent/events.ts';
import { type AgentMessage, encodeMessage } from '../../../src/agent/messages.ts';
import type { Config } from '../../../src/config/config.ts';
import type { GroupEvent } from '../../../src/group/group.ts';
import { type MemberId, memberId, nameOf } from '../../../src/model/member.ts';
import type { CommandResult } from '../../../src/model/operator.ts';
import { type Departure, type View, viewId } from '../../../src/model/view.ts';
import type { Vip, VipId } from '../../../src/model/vip.ts';
import type { AcquireRequest, ProviderTraits, VipOutcome } from '../../../src/provider/provider.ts';

export const LEASE_BOUND = 4100;
/** How long after an agent's death its guardian has removed the addresses. */
export const GUARDIAN = 4;
const PROBE_TIME = 10;

/** A small seeded generator (mulberry32). */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Component {
  members: MemberId[];
  epoch: number;
}

export interface Host {
  readonly name: string;
  id: MemberId;
  agent: Agent;
  config: Config;
  alive: boolean;
  component: Component;
  /** Members of the last view the group gave it. */
  seen: readonly MemberId[];
  /** Addresses that are really up here, whoever put them there. */
  readonly up: Set<VipId>;
  queueUntil: number;
  timer: number;
  /** The next acquires of these fail. */
  readonly failing: Map<VipId, number>;
  incarnation: number;
  stopped: boolean;
  /** Its group connection is lost and it has not joined again yet. */
  detached: boolean;
  /** Acquires under way. */
  readonly asking: Map<VipId, number>;
}

type Task = { at: number; order: number; run: () => void };

export interface WorldOptions {
  readonly seed: number;
  readonly hosts: readonly string[];
  readonly configOf: (name: string) => Config;
  readonly linkScope?: boolean;
  /** What carries the VIPs of a host; absent: `memory`, alike on all. */
  readonly traitsOf?: (name: string) => ReadonlyMap<string, ProviderTraits>;
}

export class World {
  now = 0;
  readonly hosts = new Map<string, Host>();
  readonly answers: CommandResult[] = [];
  readonly actions: { at: number; host: string; action: AgentAction }[] = [];
  readonly #options: WorldOptions;
  readonly #random: () => number;
  readonly #tasks: Task[] = [];
  #order = 0;
  #epoch = 0;
  /** Called after every step. */
  check: () => void = () => {};

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = random(options.seed);
    for (const name of options.hosts) this.boot(name);
  }

  /** So long at least. */
  releaseTakes = 0;

  /** Hosts of the release before this one: they say nothing of what it did not know. */
  older: ReadonlySet<string> = new Set();

  traits(name: string): ReadonlyMap<string, ProviderTraits> {
    const { traitsOf } = this.#options;
    if (traitsOf) return traitsOf(name);
    const scope = this.#options.linkScope === false ? 'any' : 'link';
    return new Map([['memory', { families: [4, 6], scope, atomicTakeover: false, leaseBound: LEASE_BOUND }]]);
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`no host ${name}`);
    return host;
  }

  boot(name: string): Host {
    const before = this.hosts.get(name);
    const incarnation = (before?.incarnation ?? 0) + 1;
    const id = memberId(name, incarnation.toString(16).padStart(16, '0'));
    const config = this.#options.configOf(name);
    const agent = new Agent({ config, traits: this.traits(name), version: 'test' });
    const host: Host = {
      name,
      id,
      agent,
      config,
      alive: true,
      component: { members: [id], epoch: 0 },
      seen: [],
      up: new Set(),
      queueUntil: 0,
      timer: Number.POSITIVE_INFINITY,
      failing: before?.failing ?? new Map(),
      incarnation,
      stopped: false,
      detached: false,
      asking: new Map(),
    };
    this.hosts.set(name, host);
    this.give(host, { kind: 'joining', self: id });
    this.form([id], 'process');
    return host;
  }

  /** Members of the component are told, each at its own pace, in one order. */
  #deliver(host: Host, event: GroupEvent): void {
    const at = Math.max(host.queueUntil, this.now + 0.2 + this.#random() * 2);
    host.queueUntil = at;
    const { agent } = host;
    this.at(at, () => host.agent === agent && this.give(host, { kind: 'group', event }));
  }

  /** A component of exactly these members comes to be. `how`: what became of those that are left out. */
  form(members: readonly MemberId[], how: Departure | ((member: MemberId) => Departure)): void {
    const howOf = typeof how === 'string' ? () => how : how;
    const hosts = members
      .map((id) => this.host(nameOf(id)))
      .filter((h) => h.alive && !h.detached && members.includes(h.id));
    if (hosts.length === 0) return;
    this.#epoch += 1;
    const ordered = hosts.map((h) => h.id);
    const component: Component = { members: ordered, epoch: this.#epoch };
    for (const host of hosts) {
      const departed = host.seen
        .filter((m) => !ordered.includes(m))
        .map((member) => ({ member, how: howOf(member) }));
      const joined = ordered.filter((m) => !host.seen.includes(m));
      const view: View = {
        id: viewId(this.#epoch, ordered[0] as MemberId),
        epoch: this.#epoch,
        members: ordered,
        cause:
          departed.length === 0 ? 'join' : departed.every((d) => d.how === 'leave') ? 'leave' : 'network',
        joined,
        departed,
      };
      host.component = component;
      host.seen = ordered;
      this.#deliver(host, { kind: 'transitional' });
      this.#deliver(host, { kind: 'view', view });
    }
  }

  /** Gives the event to the agent now and performs what it answers. */
  give(host: Host, event: AgentEvent): void {
    if (!host.alive) return;
    for (const action of host.agent.handle(event, this.now)) this.#perform(host, action);
    host.timer = host.agent.nextTimeout() ?? Number.POSITIVE_INFINITY;
    this.check();
  }

  at(at: number, run: () => void): void {
    this.#tasks.push({ at, order: this.#order++, run });
  }

  /** Runs until the instant; tasks and timers in order of time. */
  runUntil(end: number): void {
    for (;;) {
      this.#tasks.sort((a, b) => a.at - b.at || a.order - b.order);
      const timers = [...this.hosts.values()].filter((h) => h.alive).sort((a, b) => a.timer - b.timer);
      const [task] = this.#tasks;
      const [timed] = timers;
      const at = Math.min(task?.at ?? Number.POSITIVE_INFINITY, timed?.timer ?? Number.POSITIVE_INFINITY);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (task && task.at <= at) {
        this.#tasks.shift();
        task.run();
      } else if (timed) this.give(timed, { kind: 'timeout' });
      this.check();
    }
    this.now = end;
  }

  run(duration: number): void {
    this.runUntil(this.now + duration);
  }

  #perform(host: Host, action: AgentAction): void {
    this.actions.push({ at: this.now, host: host.name, action });
    const { agent } = host;
    const later = (delay: number, run: () => void) =>
      this.at(this.now + delay, () => host.agent === agent && host.alive && run());
    switch (action.kind) {
      case 'multicast': {
        const bytes = encodeMessage(this.older.has(host.name) ? olderForm(action.message) : action.message);
        for (const id of host.component.members) {
          const to = this.host(nameOf(id));
          if (to.id === id && to.alive) this.#deliver(to, { kind: 'message', sender: host.id, bytes });
        }
        return;
      }
      case 'acquire':
        return this.#acquire(host, action.requests, later);
      case 'cancel':
        return later(1, () => {
          for (const { id } of action.vips) host.asking.delete(id);
          this.give(host, {
            kind: 'acquired',
            outcomes: action.vips.map((v) =>
              outcome(v.id, host.up.has(v.id), { reason: 'told to stop', code: 'aborted' }),
            ),
          });
        });
      case 'release':
        return later(this.releaseTakes + 0.1 + this.#random(), () => {
          for (const vip of action.vips) host.up.delete(vip.id);
          this.give(host, {
            kind: 'released',
            outcomes: action.vips.map((v) => outcome(v.id, false, { reason: 'released' })),
          });
        });
      case 'witness':
        return this.witnessed(host, action);
      case 'answer':
        this.answers.push(action.result);
        return;
      case 'leave':
        return this.#leave(host);
      case 'rejoin':
        return this.at(
          this.now + action.after + 1,
          () => host.agent === agent && host.alive && this.#rejoin(host),
        );
      default:
        return;
    }
  }

  #acquire(
    host: Host,
    requests: readonly AcquireRequest[],
    later: (delay: number, run: () => void) => void,
  ): void {
    for (const { vip, guard } of requests) {
      const failing = host.failing.get(vip.id) ?? 0;
      const number = ++this.#order;
      host.asking.set(vip.id, number);
      const probe = (): void => {
        if (host.asking.get(vip.id) !== number) return;
        if (failing > 0) {
          host.failing.set(vip.id, failing - 1);
          return this.give(host, {
            kind: 'acquired',
            outcomes: [outcome(vip.id, false, { reason: 'broken interface', code: 'failed' })],
          });
        }
        const answered = guard.kind === 'when-silent' && this.#answers(host, vip.id);
        if (answered && this.now < guard.until) return later(PROBE_TIME, probe);
        if (answered) {
          return this.give(host, {
            kind: 'acquired',
            outcomes: [outcome(vip.id, false, { reason: 'answered', code: 'address-in-use' })],
          });
        }
        host.up.add(vip.id);
        if (this.#carrierOf(host, vip)?.traits?.atomicTakeover) this.#reassign(host, vip);
        this.give(host, { kind: 'acquired', outcomes: [outcome(vip.id, true, { reason: 'put up' })] });
      };
      later(guard.kind === 'when-silent' ? PROBE_TIME : 0.1 + this.#random(), probe);
    }
  }

  #carrierOf(
    { name }: Host,
    { providers }: Vip,
  ): { name: string; traits: ProviderTraits | undefined } | undefined {
    const all = this.traits(name);
    const first = providers.find((provider) => all.has(provider));
    return first === undefined ? undefined : { name: first, traits: all.get(first) };
  }

  /** One register says whose it is: whoever had it by the same provider has it no more. */
  #reassign(host: Host, vip: Vip): void {
    const own = this.#carrierOf(host, vip)?.name;
    for (const other of this.hosts.values())
      if (other !== host && this.#carrierOf(other, vip)?.name === own) other.up.delete(vip.id);
  }

  /** Whether somebody else on the same part of the link has the address. */
  #answers(host: Host, vip: VipId): boolean {
    return [...this.hosts.values()].some(
      (other) => other !== host && other.up.has(vip) && this.connected(host, other),
    );
  }

  /** What an agent asks of its witness; by default there is none. */
  witnessed: (host: Host, action: Extract<AgentAction, { kind: 'witness' }>) => void = () => undefined;

  /** Set by tests that cut the link; by default everything is one link. */
  connected: (a: Host, b: Host) => boolean = () => true;

  #leave(host: Host): void {
    host.stopped = true;
    this.at(this.now + 2, () => {
      host.alive = false;
      this.departed(host, 'leave');
    });
  }

  #rejoin(host: Host): void {
    host.incarnation += 1;
    this.departed(host, 'leave');
    host.id = memberId(host.name, host.incarnation.toString(16).padStart(16, '0'));
    host.seen = [];
    host.detached = false;
    this.give(host, { kind: 'joining', self: host.id });
    this.joined(host);
  }

  /** A member came (back). Replaced by tests that have several components. */
  joined: (host: Host) => void = (host) =>
    this.form(
      [...this.hosts.values()].filter((h) => h.alive).map((h) => h.id),
      () => (host.alive ? 'leave' : 'host'),
    );

  /** Tells those who are left. Replaced by tests that have several components. */
  departed: (host: Host, how: Departure) => void = (host, how) =>
    this.form(
      host.component.members.filter((m) => m !== host.id),
      how,
    );

  /** kill -9: the guardian takes the addresses a moment later, the others hear of it at once. */
  kill(name: string): void {
    const host = this.host(name);
    host.alive = false;
    this.at(this.now + GUARDIAN, () => host.up.clear());
    this.at(this.now + 1, () => this.departed(host, 'process'));
  }

  holders(vip: VipId): Host[] {
    return [...this.hosts.values()].filter((h) => h.up.has(vip));
  }
}

export function outcome(
  vip: VipId,
  held: boolean,
  { reason, code = 'ok' }: { reason: string; code?: VipOutcome['code'] },
): VipOutcome {
  return { vip, held, reason, code };
}

/** As the release before this one said it. */
function olderForm(message: AgentMessage): AgentMessage {
  if (message.kind !== 'report') return message;
  const news = new Set(['rules', 'zone', 'tags', 'carriers', 'lasting', 'slots', 'beside']);
  return Object.fromEntries(Object.entries(message).filter(([field]) => !news.has(field))) as never;
}

/**
 * Three members in memory that take over from each other: the agent's own core under invented names, on a group that is a queue. Nothing
 * of it reaches a network, a provider or the running agent. Deterministic; its time is its own.
 */
import { Agent, type AgentSettings } from '../agent/agent.ts';
import type { AgentAction, AgentEvent } from '../agent/events.ts';
import { encodeMessage } from '../agent/messages.ts';
import type { Config } from '../config/config.ts';
import type { GroupEvent } from '../group/group.ts';
import { type MemberId, type MemberName, memberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { Departure } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';

/** What carries the members' messages: a stand-in for an engine of group communication. */
export interface PracticeGroup {
  /** These are the members from now on. `how`: what became of who is not among them any more; one at most goes or comes. */
  form(members: readonly MemberId[], how: Departure): void;
  multicast(sender: MemberId, bytes: Uint8Array): void;
}

export interface GroupOutlets {
  /** To be done when what was queued before is done. */
  later(task: () => void): void;
  deliver(to: MemberId, event: GroupEvent): void;
}

export type PracticeEngine = (outlets: GroupOutlets) => PracticeGroup;

/** Enough for every branch, and few, so that one step is short in a cluster of a thousand. */
const VIPS_MAX = 8;
const INVENTED: readonly MemberName[] = ['practice-1', 'practice-2'];
/** In which timers of the agents come due between two changes. */
const REST: Millis = 400;

export class Stage {
  readonly #settings: AgentSettings;
  readonly #group: PracticeGroup;
  readonly #names: readonly MemberName[];
  readonly #agents = new Map<MemberId, Agent>();
  readonly #queue: (() => void)[] = [];
  #members: readonly MemberId[] = [];
  #now: Instant = 0;
  #born = 0;
  /** Acquires that were asked for. */
  acquires = 0;

  /** @param settings of the running agent; nothing of it is changed */
  constructor(settings: AgentSettings, engine: PracticeEngine) {
    this.#settings = settings;
    this.#names = [settings.config.member, ...INVENTED];
    this.#group = engine({
      later: (task) => void this.#queue.push(task),
      deliver: (to, event) => this.#give(to, { kind: 'group', event }),
    });
  }

  /** One member after the other joins; then the eldest goes and comes back, so often. A step a turn. */
  *play(takeovers: number): Generator<void> {
    for (const name of this.#names) yield* this.#enter(name);
    yield* this.#pass(this.#settings.config.agent.maturity_ms);
    for (let round = 0; round < takeovers; round += 1) {
      yield* this.#lose(HOW[round % HOW.length]!);
      yield* this.#enter(this.#names[round % this.#names.length]!);
    }
  }

  *#enter(name: MemberName): Generator<void> {
    this.#born += 1;
    const id = memberId(name, this.#born.toString(16).padStart(16, '0'));
    const config = practiceConfig(this.#settings.config, name);
    this.#agents.set(id, new Agent({ ...this.#settings, config }));
    this.#give(id, { kind: 'joining', self: id });
    this.#members = [...this.#members, id];
    yield* this.#change('leave');
  }

  *#lose(how: Departure): Generator<void> {
    const [eldest, ...others] = this.#members;
    if (eldest === undefined) return;
    this.#agents.delete(eldest);
    this.#members = others;
    yield* this.#change(how);
  }

  *#change(how: Departure): Generator<void> {
    this.#group.form(this.#members, how);
    yield* this.#settle();
    yield* this.#pass(REST);
  }

  *#settle(): Generator<void> {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      task();
      yield;
    }
  }

  *#pass(duration: Millis): Generator<void> {
    const end = this.#now + duration;
    for (const [id, agent] of this.#agents) {
      const at = agent.nextTimeout();
      if (at !== undefined && at <= end) this.#queue.push(() => this.#give(id, { kind: 'timeout' }));
    }
    this.#now = end;
    yield* this.#settle();
  }

  #give(id: MemberId, event: AgentEvent): void {
    for (const action of this.#agents.get(id)?.handle(event, this.#now) ?? []) this.#perform(id, action);
  }

  #perform(id: MemberId, action: AgentAction): void {
    if (action.kind === 'multicast') return this.#group.multicast(id, encodeMessage(action.message));
    if (action.kind === 'acquire') {
      this.acquires += 1;
      const outcomes = action.requests.map(({ vip }) => outcome(vip.id, true));
      this.#queue.push(() => this.#give(id, { kind: 'acquired', outcomes }));
    } else if (action.kind === 'release') {
      const outcomes = action.vips.map((vip) => outcome(vip.id, false));
      this.#queue.push(() => this.#give(id, { kind: 'released', outcomes }));
    }
  }
}

const HOW: readonly Departure[] = ['process', 'host', 'process', 'leave'];

function outcome(vip: VipId, held: boolean) {
  return { vip, held, code: 'ok', reason: 'practice' } as const;
}

/** All that does not decide who takes over is left out, and whoever is left is always enough to serve. */
function practiceConfig(config: Config, member: MemberName): Config {
  const { hooks: _, ...rest } = config;
  return {
    ...rest,
    member,
    vips: servable(config.vips),
    capacity: 1,
    checks: [],
    quorum: { votes: {}, expected_votes: 3 },
  };
}

/** The very objects, in an array of the same kind, where that can be: the runtime tells copies from them. */
function servable(all: readonly Vip[]): readonly Vip[] {
  const vips = all.slice(0, VIPS_MAX);
  for (const [index, { constraints, ...rest }] of vips.entries())
    if (constraints !== undefined) vips[index] = rest;
  return vips;
}

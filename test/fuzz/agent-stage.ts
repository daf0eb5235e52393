/**
 * One agent core among members that the fuzzer plays. What it says comes back to it in order, its providers do as they are told;
 * everything it does is counted, so that a loop or a flood is seen.
 */
import { Agent } from '../../src/agent/agent.ts';
import type { AgentAction, AgentEvent } from '../../src/agent/events.ts';
import { type AgentMessage, encodeMessage } from '../../src/agent/messages.ts';
import type { MemberId } from '../../src/model/member.ts';
import type { Instant } from '../../src/model/time.ts';
import { type Departure, type View, viewId } from '../../src/model/view.ts';
import { config, vips } from '../unit/agent/config.ts';
import { demand } from './target.ts';
import { MEMBERS } from './wire.ts';

const SELF = MEMBERS[0]!;
/** Actions that one event may cause: a few for each VIP, peer and word. */
const ACTIONS_MAX = 200;
/** Times the agent may ask to be called again at one instant. */
const TIMEOUTS_MAX = 20;
const STATUS_BYTES_MAX = 128 * 1024;

const PLAIN = config({ member: 'a', members: ['a', 'b', 'c'], vips: vips(4) });
/** Strict: it also waits for leases to end. */
const CONFIG = { ...PLAIN, agent: { ...PLAIN.agent, takeover: 'strict' as const } };

export class AgentStage {
  readonly config = CONFIG;
  /** What it told the others. */
  readonly said: AgentMessage[] = [];
  readonly #agent: Agent;
  readonly #waiting: AgentEvent[] = [];
  #now: Instant = 0;
  #epoch = 0;
  #members: readonly MemberId[] = [];
  view: View | undefined;

  constructor() {
    const traits = {
      families: [4, 6] as const,
      scope: 'link' as const,
      atomicTakeover: false,
      leaseBound: 3000,
    };
    this.#agent = new Agent({ config: this.config, version: 'fuzz', traits: new Map([['memory', traits]]) });
    this.give({ kind: 'joining', self: SELF });
    this.install([SELF, MEMBERS[1]!], 'host');
  }

  get now(): Instant {
    return this.#now;
  }

  /** The agent gets it; what it does follows when {@link settle} is called. */
  give(event: AgentEvent): void {
    const actions = this.#agent.handle(event, this.#now);
    demand(actions.length <= ACTIONS_MAX, () => `${actions.length} actions for one ${event.kind}`);
    for (const action of actions) this.#perform(action);
  }

  /** A new view of these members (itself always among them). */
  install(members: readonly MemberId[], how: Departure): void {
    const all = [...new Set([SELF, ...members])].sort();
    this.#epoch += 1;
    const departed = this.#members
      .filter((member) => !all.includes(member))
      .map((member) => ({ member, how }));
    const joined = all.filter((member) => !this.#members.includes(member));
    this.view = {
      id: viewId(this.#epoch, all[0]!),
      epoch: this.#epoch,
      members: all,
      cause: 'join',
      joined,
      departed,
    };
    this.#members = all;
    this.give({ kind: 'group', event: { kind: 'transitional' } });
    this.give({ kind: 'group', event: { kind: 'view', view: this.view } });
  }

  deliver(sender: MemberId, bytes: Uint8Array): void {
    this.give({ kind: 'group', event: { kind: 'message', sender, bytes } });
  }

  /** Everything that is under way comes to its end. */
  settle(): void {
    for (let count = 0; this.#waiting.length > 0; count += 1) {
      demand(count < 2000, () => 'it does not come to rest: what it does causes more of it');
      this.give(this.#waiting.shift()!);
    }
  }

  /** Time passes; the agent is called when it asked to be. */
  pass(length: number): void {
    const until = this.#now + length;
    let times = 0;
    for (;;) {
      const next = this.#agent.nextTimeout();
      if (next === undefined || next > until) break;
      times = next > this.#now ? 0 : times + 1;
      demand(times < TIMEOUTS_MAX, () => `it asks to be called at once again and again at ${this.#now}`);
      this.#now = Math.max(this.#now, next);
      this.give({ kind: 'timeout' });
      this.settle();
    }
    this.#now = until;
  }

  checkStatus(): void {
    const length = JSON.stringify(this.#agent.status(this.#now, this.#now)).length;
    demand(length <= STATUS_BYTES_MAX, () => `a status of ${length} bytes`);
  }

  #perform(action: AgentAction): void {
    const outcomes = (held: boolean, list: readonly { readonly id: string }[]) =>
      list.map(({ id }) => ({ vip: id, held, code: 'ok' as const, reason: 'done' }));
    switch (action.kind) {
      case 'multicast': {
        if (this.said.length < 1000) this.said.push(action.message);
        const event = { kind: 'message' as const, sender: SELF, bytes: encodeMessage(action.message) };
        this.#waiting.push({ kind: 'group', event });
        return;
      }
      case 'acquire':
        this.#waiting.push({
          kind: 'acquired',
          outcomes: outcomes(
            true,
            action.requests.map(({ vip }) => vip),
          ),
        });
        return;
      case 'release':
        this.#waiting.push({ kind: 'released', outcomes: outcomes(false, action.vips) });
        return;
      case 'rejoin':
        this.#waiting.push({ kind: 'joining', self: SELF });
        return;
      case 'note':
        return demand(
          action.what.length + action.reason.length < 10_000,
          () => 'a note of over 10,000 characters',
        );
      case 'cancel':
      case 'announce':
      case 'neighbours':
      case 'witness':
      case 'answer':
      case 'hook':
      case 'leave':
    }
  }
}

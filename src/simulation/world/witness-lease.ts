/** One agent's lease on the record of the witness, driven on its main thread as `witness/driver.ts` drives it. */
import type { WitnessConfig } from '../../config/config.ts';
import { type MemberId, memberId } from '../../model/member.ts';
import type { Millis } from '../../model/time.ts';
import { Lease, type LeaseAction, type LeaseEvent } from '../../witness/lease.ts';
import type { AgentProcess } from './agent-process.ts';
import type { WitnessAnswer } from './witness.ts';
import type { World } from './world.ts';

/** Between two looks while it is not needed. */
const LOOK: Millis = 60_000;

export class WitnessLease {
  /** One for all memberships of this run. */
  readonly self: MemberId;
  readonly #world: World;
  readonly #agent: AgentProcess;
  readonly #lease: Lease;
  readonly #callBound: Millis;
  #timers = 0;
  #stopped = false;

  constructor(world: World, agent: AgentProcess, { lease_ms: lease, renew_ms: renew }: WitnessConfig) {
    this.#world = world;
    this.#agent = agent;
    this.self = memberId(agent.host.name, world.random.hex16());
    this.#callBound = renew;
    this.#lease = new Lease({ self: this.self, lease, renew, look: LOOK }, () => world.random.hex16());
  }

  start(): void {
    this.#handle({ kind: 'timeout' });
  }

  want(wanted: boolean, fence: number): void {
    this.#handle({ kind: 'want', wanted, fence });
  }

  judge(): void {
    const at = this.#lease.nextTimeout();
    if (at !== undefined && this.#now() >= at) this.#handle({ kind: 'timeout' });
  }

  stop(giveBack: boolean): void {
    if (giveBack) this.want(false, 0);
    this.#stopped = true;
  }

  #now() {
    return this.#agent.host.clocks.boot();
  }

  #handle(event: LeaseEvent): void {
    if (this.#stopped) return;
    for (const action of this.#lease.handle(event, this.#now())) this.#perform(action);
    const timer = ++this.#timers;
    const at = this.#lease.nextTimeout();
    if (at === undefined) return;
    const within = Math.min(Math.max(1, Math.ceil(at - this.#now())), 60_000);
    this.#agent.after(within, () => timer === this.#timers && this.#handle({ kind: 'timeout' }));
  }

  #perform(action: LeaseAction): void {
    switch (action.kind) {
      case 'vote': {
        const { kind: _, ...vote } = action;
        return this.#agent.handle({ kind: 'witness', ...vote });
      }
      case 'trouble':
        return this.#agent.handle({ kind: 'witness-trouble', reason: action.reason });
      case 'read':
        return this.#call(action.number, { kind: 'read' });
      case 'write':
        return this.#call(action.number, action);
    }
  }

  /** Answered once: by the store, or by the bound. */
  #call(number: number, call: Parameters<World['witness']['call']>[1]): void {
    let open = true;
    const answered = (answer: WitnessAnswer) => {
      if (!open) return;
      open = false;
      this.#handle(eventOf(number, answer));
    };
    this.#world.witness.call(this.#agent.host, call, (answer) =>
      this.#agent.after(0, () => answered(answer)),
    );
    this.#agent.after(this.#callBound, () => answered({ kind: 'failed', reason: 'no answer' }));
  }
}

function eventOf(number: number, answer: WitnessAnswer): LeaseEvent {
  switch (answer.kind) {
    case 'failed':
      return { kind: 'failed', number, reason: answer.reason };
    case 'absent':
    case 'record':
      return { kind: 'read', number, reading: answer };
    case 'written':
    case 'conflict':
      return { kind: 'wrote', number, writing: answer };
  }
}

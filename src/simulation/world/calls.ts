/** Provider calls under way, as `agent/operations.ts` keeps them: by batch, with one abort for all of a batch, bounded in time. */
import type { Millis } from '../../model/time.ts';
import type { Vip, VipId } from '../../model/vip.ts';
import type { VipOutcome } from '../../provider/provider.ts';
import type { AgentProcess } from './agent-process.ts';

const CALL_BOUND: Millis = 30_000;

export class Call {
  aborted = false;
  readonly #listeners: (() => void)[] = [];

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }

  onAbort(listener: () => void): void {
    if (this.aborted) listener();
    else this.#listeners.push(listener);
  }
}

export class Calls {
  readonly #agent: AgentProcess;
  readonly #acquiring = new Map<VipId, Call>();
  #running = 0;
  #waiters: (() => void)[] = [];

  constructor(agent: AgentProcess) {
    this.#agent = agent;
  }

  acquire(
    vips: readonly Vip[],
    start: (call: Call, done: (outcomes: readonly VipOutcome[]) => void) => void,
  ): void {
    const call = this.run(start, (outcomes) => {
      for (const { id } of vips) if (this.#acquiring.get(id) === call) this.#acquiring.delete(id);
      this.#agent.handle({ kind: 'acquired', outcomes });
    });
    for (const { id } of vips) this.#acquiring.set(id, call);
  }

  cancel(vips: readonly Vip[]): void {
    for (const { id } of vips) this.#acquiring.get(id)?.abort();
  }

  run(
    start: (call: Call, done: (outcomes: readonly VipOutcome[]) => void) => void,
    done: (outcomes: readonly VipOutcome[]) => void,
  ): Call {
    const call = new Call();
    let over = false;
    this.#running += 1;
    // Outcomes come as a task of their own, never from inside the call.
    start(call, (outcomes) =>
      this.#agent.after(0.01, () => {
        if (over) return;
        over = true;
        this.#running -= 1;
        done(outcomes);
        if (this.#running === 0) for (const waiter of this.#waiters.splice(0)) waiter();
      }),
    );
    this.#agent.after(CALL_BOUND, () => over || call.abort());
    return call;
  }

  settled(then: () => void): void {
    if (this.#running === 0) then();
    else this.#waiters.push(then);
  }
}

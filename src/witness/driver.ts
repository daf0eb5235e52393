/** Gives the lease its hands: a clock that counts on through a suspended machine, timers, calls that are bounded in time. */
import type { Instant, Millis } from '../model/time.ts';
import { Lease, type LeaseAction, type LeaseEvent, type LeaseSettings } from './lease.ts';
import type { Reading, WitnessStore, Writing } from './store.ts';

const CLOSE_AFTER: Millis = 500;

export interface WitnessVote {
  readonly has: boolean;
  readonly fence: number;
  readonly reason: string;
  /** Who has it instead of us; absent: not known, or nobody. */
  readonly owner?: string;
}

export interface WitnessListener {
  vote(vote: WitnessVote): void;
  /** Whether the store can be reached; undefined: it can. */
  trouble(reason: string | undefined): void;
}

export interface DriverCollaborators {
  readonly store: WitnessStore;
  /** CLOCK_BOOTTIME. */
  readonly clock: () => Instant;
  /** A fresh text each time. */
  readonly nonce: () => string;
}

export class WitnessDriver {
  readonly #lease: Lease;
  readonly #with: DriverCollaborators;
  readonly #callBound: Millis;
  #listener: WitnessListener = { vote: () => undefined, trouble: () => undefined };
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(settings: LeaseSettings, collaborators: DriverCollaborators) {
    this.#lease = new Lease(settings, collaborators.nonce);
    this.#with = collaborators;
    this.#callBound = settings.renew;
  }

  /** Begins to look whether it could be had. */
  start(listener: WitnessListener): void {
    this.#listener = listener;
    this.#handle({ kind: 'timeout' });
  }

  want(wanted: boolean, fence: number): void {
    this.#handle({ kind: 'want', wanted, fence });
  }

  /** A vote that is over is told as lost now, however late this process is. Cheap. */
  judge(): void {
    const at = this.#lease.nextTimeout();
    if (at !== undefined && this.#with.clock() >= at) this.#handle({ kind: 'timeout' });
  }

  /** @param giveBack as far as there is time for it; else the lease has to run out */
  stop(giveBack: boolean): void {
    if (giveBack) this.want(false, 0);
    this.#stopped = true;
    clearTimeout(this.#timer);
    // What is under way still goes out; then the thread may end.
    setTimeout(() => this.#with.store.close(), CLOSE_AFTER).unref();
  }

  #handle(event: LeaseEvent): void {
    if (this.#stopped) return;
    for (const action of this.#lease.handle(event, this.#with.clock())) this.#perform(action);
    clearTimeout(this.#timer);
    const at = this.#lease.nextTimeout();
    if (at === undefined) return;
    const within = Math.min(Math.max(0, Math.ceil(at - this.#with.clock())), 60_000);
    this.#timer = setTimeout(() => this.#handle({ kind: 'timeout' }), within);
  }

  #perform(action: LeaseAction): void {
    switch (action.kind) {
      case 'vote': {
        const { kind: _, ...vote } = action;
        return this.#listener.vote(vote);
      }
      case 'trouble':
        return this.#listener.trouble(action.reason);
      case 'read':
      case 'write':
        return void this.#call(action);
    }
  }

  /** Never rejects. */
  async #call(action: Extract<LeaseAction, { kind: 'read' | 'write' }>): Promise<void> {
    const { number } = action;
    const signal = AbortSignal.timeout(this.#callBound);
    const { store } = this.#with;
    try {
      if (action.kind === 'read') {
        const reading: Reading = await store.read(signal);
        return this.#handle({ kind: 'read', number, reading });
      }
      const writing: Writing = await store.write(action.record, action.version, signal);
      this.#handle({ kind: 'wrote', number, writing });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#handle({ kind: 'failed', number, reason: reason.slice(0, 300) });
    }
  }
}

/** Whether this member may hold anything at all, and how it ends: connected, suspended, detached, leaving. */
import type { Instant, Millis } from '../model/time.ts';
import type { AgentAction } from './events.ts';

/** Waits, in milliseconds, between attempts to join the group again; the last one repeats. */
const REJOIN_DELAYS: readonly Millis[] = [0, 200, 500, 1_000, 2_000, 5_000];
/** Longest wait for the providers to let go before the group is left all the same. */
const LET_GO_BOUND: Millis = 2_000;

/** A connection that lasted this long was a good one: the next rejoin is tried without delay. */
const STEADY_AFTER: Millis = 10_000;

export class Lifecycle {
  /** Why there is no group connection; undefined: there is one. */
  detached: string | undefined = 'not joined yet';
  /** Why everything is being released before anything else is done; undefined: all is well. */
  suspended: string | undefined;
  /** Why the agent is stopping; undefined: it is not. */
  leaving: string | undefined;
  deadline: Instant | undefined;
  #left = false;
  #rejoinPending = false;
  #rejoins = 0;
  #connectedAt: Instant | undefined;

  joining(): void {
    this.detached = undefined;
    this.#rejoinPending = false;
    if (this.leaving === undefined) this.deadline = undefined;
  }

  connected(now: Instant): void {
    this.#connectedAt ??= now;
  }

  detach(reason: string, now: Instant): void {
    this.detached = reason;
    this.suspended = undefined;
    if (this.#connectedAt !== undefined && now - this.#connectedAt >= STEADY_AFTER) this.#rejoins = 0;
    this.#connectedAt = undefined;
    if (this.leaving !== undefined) return;
    this.#rejoinPending = true;
    this.deadline = now + LET_GO_BOUND;
  }

  /** False if that is already so, or there is no connection to be suspended from. */
  suspend(reason: string): boolean {
    if (this.suspended !== undefined || this.detached !== undefined) return false;
    this.suspended = reason;
    return true;
  }

  /** Why it had been suspended; undefined if it was not. */
  resume(): string | undefined {
    const reason = this.suspended;
    this.suspended = undefined;
    return reason;
  }

  stop(reason: string, deadline: Instant): boolean {
    if (this.leaving !== undefined) return false;
    this.leaving = reason;
    this.#rejoinPending = false;
    this.deadline = deadline;
    return true;
  }

  /** Why everything is let go at once, whatever the group says: the stop is through, or its time is up. */
  over(now: Instant): string | undefined {
    const expired = this.deadline !== undefined && now >= this.deadline;
    return this.leaving !== undefined && (this.#left || expired) ? this.leaving : undefined;
  }

  /** The last action of a connection or of the process, once everything is let go or the time is up. */
  finish({ now, empty, nothingToHandOver }: FinishInput): Ending | undefined {
    const expired = this.deadline !== undefined && now >= this.deadline;
    if (this.leaving !== undefined) {
      if (this.#left || !(expired || nothingToHandOver)) return undefined;
      this.#left = true;
      this.deadline = undefined;
      return { kind: 'leave', reason: nothingToHandOver ? this.leaving : `${this.leaving}; time is up` };
    }
    if (!this.#rejoinPending || !(expired || empty)) return undefined;
    this.#rejoinPending = false;
    this.deadline = undefined;
    const after = REJOIN_DELAYS[Math.min(this.#rejoins, REJOIN_DELAYS.length - 1)] ?? 0;
    this.#rejoins += 1;
    return { kind: 'rejoin', reason: this.detached ?? '', after };
  }
}

export type Ending = Extract<AgentAction, { kind: 'leave' | 'rejoin' }>;

export interface FinishInput {
  readonly now: Instant;
  /** The providers have nothing (left). */
  readonly empty: boolean;
  /** … and the group knows it. */
  readonly nothingToHandOver: boolean;
}

/** Calls of one round, done side by side, and what became of each piece. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Millis } from '../../src/model/time.ts';
import type { Ec2 } from './ec2.ts';
import { Ec2Failure } from './failures.ts';
import type { Piece, Planned } from './sight.ts';

/** At once; more would only be throttled (EC2 API throttling: buckets by action). */
const PARALLEL_MAX = 8;

export interface Attempted {
  readonly planned: Planned;
  /** Undefined: done. */
  readonly failure: Ec2Failure | undefined;
}

/** Settles when all calls have, each after its own timeout at the latest. Never rejects. */
export async function attempt(
  ec2: Ec2,
  calls: readonly Planned[],
  signal: AbortSignal,
): Promise<readonly Attempted[]> {
  const results: Attempted[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < calls.length; at = next++) {
      const planned = calls[at]!;
      results.push({ planned, failure: await failureOf(() => ec2.change(planned.call, { signal })) });
    }
  };
  const workers: Promise<void>[] = [];
  for (let count = Math.min(PARALLEL_MAX, calls.length); count > 0; count -= 1) {
    // A turn of the loop for each: else the first request would leave when the last one is built.
    if (workers.length > 0) await nextTurn();
    workers.push(worker());
  }
  await Promise.all(workers);
  return results;
}

/** What a call of ours failed with; a bug stays one. */
export async function failureOf(call: () => Promise<unknown>): Promise<Ec2Failure | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (error instanceof Ec2Failure) return error;
    throw error;
  }
}

/** The pieces of these calls. */
export function piecesOf(attempted: readonly Attempted[]): readonly Piece[] {
  return attempted.flatMap(({ planned }) => planned.pieces);
}

/** Waits between tries: doubling, with some chance in it, so that members who were refused together do not come back together. */
export class Backoff {
  readonly #settings: { readonly first: Millis; readonly last: Millis };
  readonly #random: () => number;
  #wait: Millis;

  constructor(settings: { readonly first: Millis; readonly last: Millis }, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#wait = settings.first;
  }

  next(): Millis {
    const wait = this.#wait;
    this.#wait = Math.min(this.#settings.last, wait * 2);
    return wait * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#wait = this.#settings.first;
  }
}

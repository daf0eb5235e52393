/** Chains of steps, done side by side, and what became of each piece; and the waits between tries. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Millis } from '../../src/model/time.ts';
import type { Compute } from './compute.ts';
import { GcpFailure } from './failures.ts';
import type { Ledger } from './ledger.ts';
import type { Piece, Step } from './sight.ts';

export interface Done {
  readonly piece: Piece;
  /** Undefined: the whole chain was done. */
  readonly failure: GcpFailure | undefined;
  /** Something was asked for on its behalf. */
  readonly touched: boolean;
}

export interface ChainParts {
  readonly compute: Compute;
  readonly ledger: Ledger;
  /** Whether anybody still wants this piece, asked right before each change. */
  readonly wanted: (piece: Piece) => boolean;
  readonly signal: AbortSignal;
}

/** Settles when all have, each after its own deadline at the latest. Never rejects but for a bug. */
export async function runChains(
  chains: readonly (readonly Step[])[],
  parts: ChainParts,
): Promise<readonly Done[]> {
  const running: Promise<readonly Done[]>[] = [];
  for (const chain of chains) {
    // A turn of the loop for each: else the first request would leave when the last one is built.
    if (running.length > 0) await nextTurn();
    running.push(runChain(chain, parts));
  }
  return (await Promise.all(running)).flat();
}

async function runChain(chain: readonly Step[], parts: ChainParts): Promise<readonly Done[]> {
  const pieces = [
    ...new Map(chain.flatMap((step) => step.pieces.map((piece) => [piece.key, piece] as const))).values(),
  ];
  let touched = false;
  for (const step of chain) {
    try {
      const changed = await parts.ledger.inTurn(step.on, () => runStep(step, parts));
      touched ||= changed;
    } catch (error) {
      if (!(error instanceof GcpFailure)) throw error;
      const maybe = touched || error.kind === 'unknown';
      return pieces.map((piece) => ({ piece, failure: error, touched: maybe }));
    }
  }
  return pieces.map((piece) => ({ piece, failure: undefined, touched }));
}

/** True if it changed something. A change is never cut off, since nobody would know what it did. */
async function runStep(step: Step, { compute, wanted, signal }: ChainParts): Promise<boolean> {
  const abort = () =>
    new GcpFailure('aborted', { method: 'chain', reason: 'AbortError', said: 'not wanted any more' });
  if (signal.aborted || !step.pieces.every(wanted)) throw abort();
  const change = await step.make(signal);
  if (change === undefined) return false;
  if (signal.aborted || !step.pieces.every(wanted)) throw abort();
  await compute.change(change);
  return true;
}

/** Doubling, with some chance in it, so that members who were refused together do not come back together. */
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

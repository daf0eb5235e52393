/** Gives seeds to processes of their own, a few at a time, and takes the results as they come. A seed that never ends is a failure too. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Wishes } from '../../src/simulation/options.ts';
import type { Result } from './summary.ts';

/** Longest a single seed may take; the slowest known takes half a minute. */
const SEED_MAX_MS = 600_000;
const PROGRESS_MS = 10_000;
/** Room for what is soon forgotten, in MB: with less of it a fifth of the time goes into copying what a running world still needs. */
const YOUNG_MB = 128;

export interface Order {
  readonly from: number;
  readonly count: number;
  /** Processes. */
  readonly jobs: number;
  readonly wishes: Wishes;
}

export interface Collector {
  isDone(seed: number): boolean;
  /** Asked before each seed. */
  goesOn(): boolean;
  done(seed: number, result: Result): void;
  /** Now and then. */
  progress(): void;
}

export interface Answer {
  readonly seed: number;
  readonly result: Result;
}

export async function runPool(order: Order, collector: Collector): Promise<void> {
  const seeds = seedsOf(order, collector);
  const progress = setInterval(() => collector.progress(), PROGRESS_MS);
  try {
    await Promise.all(Array.from({ length: Math.max(1, order.jobs) }, () => work(seeds, order, collector)));
  } finally {
    clearInterval(progress);
  }
}

function* seedsOf({ from, count }: Order, collector: Collector): Generator<number> {
  for (let seed = from; seed < from + count && collector.goesOn(); seed++)
    if (!collector.isDone(seed)) yield seed;
}

/** One process after another, should one end; most live as long as there are seeds. */
async function work(seeds: Generator<number>, { wishes }: Order, collector: Collector): Promise<void> {
  let child: ChildProcess | undefined;
  for (const seed of seeds) {
    child ??= fork(join(import.meta.dirname, 'worker.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [`--min-semi-space-size=${YOUNG_MB}`, `--max-semi-space-size=${YOUNG_MB}`],
    });
    const result = await ask(child, seed, wishes);
    if ('failure' in result && result.failure?.invariant === 'hang') {
      child.kill('SIGKILL');
      child = undefined;
    }
    collector.done(seed, result);
  }
  child?.disconnect();
}

function ask(child: ChildProcess, seed: number, wishes: Wishes): Promise<Result> {
  return new Promise((resolve) => {
    const finish = (result: Result) => {
      clearTimeout(timer);
      child.off('message', take);
      child.off('exit', ended);
      resolve(result);
    };
    const take = (answer: unknown) => finish((answer as Answer).result);
    const ended = (code: number | null) => finish(lost(`its process ended with ${code}`));
    const timer = setTimeout(() => finish(lost(`it takes longer than ${SEED_MAX_MS / 1000} s`)), SEED_MAX_MS);
    child.on('message', take);
    child.on('exit', ended);
    child.send({ seed, wishes });
  });
}

function lost(text: string): Result {
  return {
    failure: { invariant: 'hang', text, at: 0 },
    length: 0,
    recovery: 0,
    views: 0,
    messages: 0,
    longestDuplicate: 0,
    tries: {},
    cpu: 0,
  };
}

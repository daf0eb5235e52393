/**
 * Plays one target: batches of inputs from a seed, each batch under a watch that ends even a loop without end; a failing
 * input is made as small as fast-check can make it. Also looks whether memory stays with somebody.
 * Limits are of this thread's processor time: on a busy machine nothing but the waiting grows.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext, Script } from 'node:vm';
import fc from 'fast-check';
import type { AnyTarget } from './target.ts';

export interface PlaySettings {
  readonly seed: number;
  /** At least so many inputs (a story of several messages counts as several). */
  readonly inputs: number;
  /** Ends earlier when this much processor time was spent, ms. */
  readonly budget?: number;
  /** A batch that takes longer is looked at as one that hangs, ms; 60,000 unless given. */
  readonly hang?: number;
}

export interface Failure {
  readonly input: unknown;
  readonly why: string;
  readonly shrinks: number;
}

export interface Played {
  readonly inputs: number;
  readonly cpu: number;
  /** What is kept after all of it, beyond what was kept after the first batch; bytes. */
  readonly growth: number;
  readonly failure?: Failure;
}

const BATCH_FIRST = 50;
/** A batch is to take about so long, ms. */
const BATCH_CPU = 400;
/** A batch that takes longer may hang, ms. */
const HANG = 60_000;
/** The same for one input of such a batch. */
const HANG_OF_ONE = 2000;
/** What hangs has had at least this part of its time on a processor; otherwise it gets more time. */
const WORKED = 1 / 6;
/** But no more than so many times what it should take: it may also wait without working. */
const EXTENSION_MAX = 16;
const GROWTH_MAX = 24 * 1024 * 1024;
const PATIENCE = 100;

export async function play(target: AnyTarget, settings: PlaySettings): Promise<Played> {
  const began = cpuNow();
  const arbitrary = target.inputs();
  let [done, runs, batch] = [0, target.long === true ? 1 : BATCH_FIRST, 0];
  let heap: number | undefined;
  while (done < settings.inputs) {
    const batchBegan = cpuNow();
    const { hang = HANG } = settings;
    const outcome = playBatch(target, arbitrary, { seed: seedOf(settings.seed, batch), runs, hang });
    done += outcome.counted;
    batch += 1;
    if (outcome.failure !== undefined)
      return { inputs: done, cpu: cpuNow() - began, growth: 0, failure: outcome.failure };
    // What was collected of buffers counts as memory until the event loop has turned.
    await turn();
    heap ??= heapAfterCollection();
    const spent = cpuNow() - batchBegan;
    if (settings.budget !== undefined && cpuNow() - began + spent > settings.budget) break;
    const perRun = Math.max(spent / runs, 0.0005);
    const rest = Math.ceil(((settings.inputs - done) * runs) / Math.max(1, outcome.counted));
    runs = Math.max(1, Math.min(Math.floor(BATCH_CPU / perRun), rest, runs * 10));
  }
  heapAfterCollection();
  await turn();
  const growth = heapAfterCollection() - (heap ?? 0);
  const played = { inputs: done, cpu: cpuNow() - began, growth };
  if (growth <= GROWTH_MAX) return played;
  const why = `${done} inputs left ${(growth / 2 ** 20).toFixed(1)} MiB behind`;
  return { ...played, failure: { input: undefined, why, shrinks: 0 } };
}

interface Batch {
  readonly seed: number;
  readonly runs: number;
  readonly hang: number;
}

interface BatchOutcome {
  readonly counted: number;
  readonly failure?: Failure;
}

function playBatch(target: AnyTarget, arbitrary: fc.Arbitrary<unknown>, batch: Batch): BatchOutcome {
  let counted = 0;
  let latest: unknown;
  const property = fc.property(arbitrary, (input) => {
    latest = input;
    counted += target.countOf?.(input) ?? 1;
    timed(target, input);
  });
  const verdict = withinWork(batch.hang, () => {
    counted = 0;
    return fc.check(property, { seed: batch.seed, numRuns: batch.runs });
  });
  if (verdict === 'late') return { counted, failure: smallestHang(target, arbitrary, { batch, latest }) };
  if (!verdict.failed) return { counted };
  const why = reasonOf(verdict.errorInstance);
  return { counted, failure: { input: verdict.counterexample?.[0], why, shrinks: verdict.numShrinks } };
}

/** The same batch again with a watch on each input, so that what hangs can be made smaller like any other failure. */
function smallestHang(
  target: AnyTarget,
  arbitrary: fc.Arbitrary<unknown>,
  { batch, latest }: { batch: Batch; latest: unknown },
): Failure {
  const why = 'it does not come to an end';
  const each = fc.property(arbitrary, (input) => {
    const limit = Math.min(HANG_OF_ONE, batch.hang);
    if (withinWork(limit, () => target.check(input)) === 'late') throw new Error(why);
  });
  const verdict = fc.check(each, { seed: batch.seed, numRuns: batch.runs, interruptAfterTimeLimit: 120_000 });
  if (verdict.counterexample) return { input: verdict.counterexample[0], why, shrinks: verdict.numShrinks };
  return { input: latest, why, shrinks: 0 };
}

/** Where it took long by the clock, it runs again, by processor time: the machine may have been busy, the code not yet compiled. */
function timed(target: AnyTarget, input: unknown): void {
  const patience = target.patience ?? PATIENCE;
  const began = performance.now();
  target.check(input);
  if (performance.now() - began <= patience) return;
  let shortest = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 3; times += 1) {
    const worked = threadNow();
    target.check(input);
    shortest = Math.min(shortest, threadNow() - worked);
    if (shortest <= patience) return;
  }
  throw new Error(`it takes ${shortest.toFixed(0)} ms, more than ${patience} ms`);
}

/** As `within`; what got too little of the processor in its time begins again, with twice the time. */
export function withinWork<T>(limit: number, body: () => T): T | 'late' {
  for (let time = limit; ; time *= 2) {
    const worked = threadNow();
    const result = within(time, body);
    if (result !== 'late') return result;
    if (threadNow() - worked >= limit * WORKED || time >= limit * EXTENSION_MAX) return 'late';
  }
}

const LATE = new Script('globalThis.fuzzBody()');

/** The result, or `late` when the body did not end: it is broken off then, wherever it is. */
export function within<T>(limit: number, body: () => T): T | 'late' {
  let result: T | undefined;
  const shared = globalThis as { fuzzBody?: () => void };
  shared.fuzzBody = () => {
    result = body();
  };
  try {
    LATE.runInThisContext({ timeout: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'late';
    throw error;
  }
  return result as T;
}

/** Seeds of batches do not overlap between neighbouring seeds of runs. */
function seedOf(seed: number, batch: number): number {
  return (Math.imul(seed, 0x9e37_79b1) + Math.imul(batch, 0x85eb_ca6b)) | 0;
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split('\n').find((line) => /\/(src|providers)\//.test(line));
  const text = `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}${place ? ` (${place.trim()})` : ''}`;
  // It is kept with the input, and read on other machines.
  return text.replaceAll(PROJECT, '');
}

const PROJECT = new URL('../../', import.meta.url).href;

let collect: (() => void) | undefined;

export function heapAfterCollection(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  // Dead buffers are freed beside the collection and count as `external` until then; the next one waits for that.
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time of this thread alone, ms. */
function threadNow(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

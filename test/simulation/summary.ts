/** What became of all seeds so far: counted, kept in a file if asked, and told in a line. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Wishes } from '../../src/simulation/options.ts';
import type { Failure, Verdict } from '../../src/simulation/run-seed.ts';

/** A verdict without its timeline, as it travels between processes. */
export type Result = Omit<Verdict, 'timeline'> & {
  /** CPU time it took, in ms. */
  readonly cpu: number;
};

interface About {
  readonly commit: string;
  readonly wishes: Wishes;
}

interface Counts extends About {
  /** First and last seed of stretches without a gap, in order. */
  done: [number, number][];
  runs: number;
  cluster_seconds: number;
  cpu_seconds: number;
  views: number;
  messages: number;
  recovery_ms_max: number;
  recovery_seed: number;
  duplicate_ms_max: number;
  duplicate_seed: number;
  tries: Record<string, number>;
  failures: { seed: number; failure: Failure }[];
}

export class Summary {
  readonly #counts: Counts;
  readonly #file: string | undefined;

  private constructor(counts: Counts, file: string | undefined) {
    this.#counts = counts;
    this.#file = file;
  }

  static fresh(about: About, file?: string): Summary {
    const maxima = { recovery_ms_max: 0, recovery_seed: 0, duplicate_ms_max: 0, duplicate_seed: 0 };
    const sums = { runs: 0, cluster_seconds: 0, cpu_seconds: 0, views: 0, messages: 0 };
    return new Summary({ ...about, done: [], ...sums, ...maxima, tries: {}, failures: [] }, file);
  }

  /** Goes on with the file if it is of the same commit and wishes; starts anew otherwise. */
  static open(file: string, about: About): Summary {
    if (!existsSync(file)) return Summary.fresh(about, file);
    const known = JSON.parse(readFileSync(file, 'utf8')) as Counts;
    const same =
      known.commit === about.commit && JSON.stringify(known.wishes) === JSON.stringify(about.wishes);
    return same ? new Summary(known, file) : Summary.fresh(about, file);
  }

  get failures(): readonly { readonly seed: number; readonly failure: Failure }[] {
    return this.#counts.failures;
  }

  has(seed: number): boolean {
    return this.#counts.done.some(([first, last]) => seed >= first && seed <= last);
  }

  add(seed: number, result: Result | Verdict): void {
    const counts = this.#counts;
    this.#mark(seed);
    counts.runs += 1;
    counts.cluster_seconds += result.length / 1000;
    counts.cpu_seconds += 'cpu' in result ? result.cpu / 1000 : 0;
    counts.views += result.views;
    counts.messages += result.messages;
    for (const [what, times] of Object.entries(result.tries))
      counts.tries[what] = (counts.tries[what] ?? 0) + times;
    if (result.recovery > counts.recovery_ms_max) {
      counts.recovery_ms_max = result.recovery;
      counts.recovery_seed = seed;
    }
    if (result.longestDuplicate > counts.duplicate_ms_max) {
      counts.duplicate_ms_max = result.longestDuplicate;
      counts.duplicate_seed = seed;
    }
    if (result.failure) counts.failures.push({ seed, failure: result.failure });
  }

  /** Written beside and then put in place, so that an interrupted run leaves a whole file. */
  save(): void {
    if (this.#file === undefined) return;
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#counts, undefined, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  text(): string {
    const c = this.#counts;
    const rate =
      c.cpu_seconds > 0 ? `, ${(c.cluster_seconds / c.cpu_seconds).toFixed(0)} a second of CPU` : '';
    const tries = Object.entries(c.tries).map(([what, times]) => `${what} ${times}`);
    return (
      `${c.runs} seeds, ${c.failures.length} failed; ${c.views} views, ${c.messages} messages; ` +
      `slowest recovery ${(c.recovery_ms_max / 1000).toFixed(1)} s (seed ${c.recovery_seed}), ` +
      `longest duplicate in a merge ${c.duplicate_ms_max.toFixed(0)} ms (seed ${c.duplicate_seed}); ` +
      `${tries.join(', ')}; ${c.cluster_seconds.toFixed(0)} cluster-seconds${rate}`
    );
  }

  #mark(seed: number): void {
    const { done } = this.#counts;
    done.push([seed, seed]);
    done.sort(([a], [b]) => a - b);
    const merged: [number, number][] = [];
    for (const stretch of done) {
      const last = merged.at(-1);
      if (last && stretch[0] <= last[1] + 1) last[1] = Math.max(last[1], stretch[1]);
      else merged.push(stretch);
    }
    this.#counts.done = merged;
  }
}

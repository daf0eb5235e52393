/** What a person needs to understand a failed seed: how to replay it, the shortest list of faults, and what happened under it. */
import { drawOptions, type SimulationOptions, type Wishes } from '../../src/simulation/options.ts';
import { type Failure, faultsOf, simulate } from '../../src/simulation/run-seed.ts';
import { shrink } from '../../src/simulation/shrink.ts';
import { commit } from './commit.ts';

export interface Telling {
  readonly wishes: Wishes;
  readonly failure: Failure;
  /** Seconds to spend on shortening it. */
  readonly shrink: number;
  /** Lines of the timeline. */
  readonly lines: number;
}

const LINE_LENGTH_MAX = 260;

export function tellFailure(seed: number, { wishes, failure, shrink: seconds, lines }: Telling): void {
  const options = drawOptions(seed, wishes);
  console.log(`\nFAILED ${failure.invariant}: ${failure.text}`);
  console.log(`  commit ${commit()}, seed ${seed}, at ${failure.at.toFixed(1)} ms`);
  console.log(`  replay: npm run sim -- --seed ${seed}${flagsOf(wishes)}`);
  console.log(`  options: ${JSON.stringify({ ...options, rates: undefined })}`);
  if (failure.invariant === 'hang') return;
  const shortest = shortestOf(options, failure, seconds);
  console.log(`  shortest list of faults found (${shortest.length} of ${faultsOf(options).length}):`);
  for (const fault of shortest) console.log(`    ${JSON.stringify(fault)}`);
  const { timeline } = simulate(options, shortest, { timeline: true });
  console.log(`  the last of what happened then:`);
  for (const line of lines > 0 ? timeline.slice(-lines) : [])
    console.log(`    ${line.slice(0, LINE_LENGTH_MAX)}`);
}

function shortestOf(options: SimulationOptions, failure: Failure, seconds: number) {
  const until = performance.now() + 1000 * seconds;
  return shrink(options, { failure, goesOn: () => performance.now() < until });
}

function flagsOf(wishes: Wishes): string {
  return Object.entries(wishes)
    .map(([what, value]) => ` --${what} ${value}`)
    .join('');
}

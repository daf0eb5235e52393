/**
 * Runs the whole-system simulator: `--seeds 1000 --from 1`, or `--seed 17` for one. On a failure it prints how to replay it
 * and what happened last, then the shortest list of faults with which it still fails.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { drawOptions, type SimulationOptions, type Wishes } from '../../src/simulation/options.ts';
import { faultsOf, simulate, type Verdict } from '../../src/simulation/run-seed.ts';
import { shrink } from '../../src/simulation/shrink.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    members: { type: 'string' },
    vips: { type: 'string' },
    /** Seconds to spend on shortening a failure. */
    shrink: { type: 'string', default: '20' },
    /** Lines of the timeline to print. */
    lines: { type: 'string', default: '60' },
    /** Print the timeline also when nothing fails. */
    verbose: { type: 'boolean', default: false },
    /** Stop after so many seconds. */
    seconds: { type: 'string', default: '1e9' },
    /** Stop after so many failures. */
    failures: { type: 'string', default: '3' },
  },
});

const wishes: Wishes = {
  ...(values.members !== undefined && { members: Number(values.members) }),
  ...(values.vips !== undefined && { vips: Number(values.vips) }),
};
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const started = performance.now();
const total = { runs: 0, seconds: 0, views: 0, messages: 0, recovery: 0, duplicate: 0 };
const tries: Record<string, number> = {};
let failures = 0;

const goesOn = () =>
  failures < Number(values.failures) && performance.now() - started < 1000 * Number(values.seconds);
for (let seed = first; seed < first + count && goesOn(); seed++) {
  const options = drawOptions(seed, wishes);
  const verdict = simulate(options, faultsOf(options), { timeline: values.verbose });
  add(verdict);
  if (values.verbose) console.log(verdict.timeline.join('\n'));
  if (verdict.failure === undefined) continue;
  failures += 1;
  tell(options, verdict);
}
const wall = (performance.now() - started) / 1000;
console.log(
  `${total.runs} seeds from ${first}, ${failures} failed; ${total.views} views, ${total.messages} messages; ` +
    `slowest recovery ${(total.recovery / 1000).toFixed(1)} s, longest duplicate in a merge ${total.duplicate.toFixed(0)} ms; ` +
    `${Object.entries(tries)
      .map(([what, times]) => `${what} ${times}`)
      .join(', ')}; ` +
    `${total.seconds.toFixed(0)} cluster-seconds in ${wall.toFixed(1)} s: ${(total.seconds / wall).toFixed(0)} a second`,
);
process.exitCode = failures > 0 ? 1 : 0;

function add(verdict: Verdict): void {
  total.runs += 1;
  total.seconds += verdict.length / 1000;
  total.views += verdict.views;
  total.messages += verdict.messages;
  total.recovery = Math.max(total.recovery, verdict.recovery);
  total.duplicate = Math.max(total.duplicate, verdict.longestDuplicate);
  for (const [what, times] of Object.entries(verdict.tries)) tries[what] = (tries[what] ?? 0) + times;
}

function tell(options: SimulationOptions, { failure }: Verdict): void {
  if (failure === undefined) return;
  const rest = { ...options, rates: undefined };
  const size = Object.entries(wishes)
    .map(([what, number]) => ` --${what} ${number}`)
    .join('');
  console.log(`\nFAILED ${failure.invariant}: ${failure.text}`);
  console.log(`  commit ${commit()}, seed ${options.seed}, at ${failure.at.toFixed(1)} ms`);
  console.log(`  replay: node test/simulation/run.ts --seed ${options.seed}${size}`);
  console.log(`  options: ${JSON.stringify(rest)}`);
  const until = performance.now() + 1000 * Number(values.shrink);
  const shortest = shrink(options, { failure, goesOn: () => performance.now() < until });
  console.log(`  shortest list of faults found (${shortest.length} of ${faultsOf(options).length}):`);
  for (const fault of shortest) console.log(`    ${JSON.stringify(fault)}`);
  const { timeline } = simulate(options, shortest, { timeline: true });
  console.log(`  the last of what happened then:`);
  for (const line of timeline.slice(-Number(values.lines))) console.log(`    ${line.slice(0, 260)}`);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    }).trim();
  } catch {
    return 'unknown';
  }
}

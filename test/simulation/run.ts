/**
 * Runs the whole-system simulator: `--seeds 1000 --from 1`, or `--seed 17` for one. On a failure it prints how to replay it
 * and what happened last, then the shortest list of faults with which it still fails. `--jobs 2` runs that many processes,
 * `--summary file.json` keeps count there and goes on where it stopped. Ends with 1 if a seed failed, 2 if it was asked wrongly.
 */
import { parseArgs } from 'node:util';
import type { ProfileName } from '../../src/config/config.ts';
import { FAULTS, type FaultKind } from '../../src/simulation/faults/kinds.ts';
import { drawOptions, type Wishes } from '../../src/simulation/options.ts';
import { faultsOf, simulate } from '../../src/simulation/run-seed.ts';
import { commit } from './commit.ts';
import { tellFailure } from './failure.ts';
import { runPool } from './pool.ts';
import { Summary } from './summary.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    members: { type: 'string' },
    vips: { type: 'string' },
    policy: { type: 'string' },
    profile: { type: 'string' },
    /** Hosts in a cloud: none, some, all; a few seeds have some or all where absent. */
    clouds: { type: 'string' },
    /** Every seed has a witness; one of eleven where absent. */
    witness: { type: 'boolean' },
    /** Every seed has zones, tags and VIPs that are for some hosts only; two of thirteen where absent. */
    placed: { type: 'boolean' },
    /** Kinds of faults, with commas; a random part of all where absent. */
    faults: { type: 'string' },
    /** Mean time between two faults, in ms. */
    pace: { type: 'string' },
    /** Processes. */
    jobs: { type: 'string', default: '1' },
    /** JSON file that keeps count; an interrupted run goes on where it stopped. */
    summary: { type: 'string' },
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
  ...(values.members !== undefined && { members: number('members', values.members) }),
  ...(values.vips !== undefined && { vips: number('vips', values.vips) }),
  ...(values.policy !== undefined && {
    policy: oneOf('policy', values.policy, ['component', 'primary', 'mixed'] as const),
  }),
  ...(values.profile !== undefined && {
    profile: oneOf<ProfileName>('profile', values.profile, ['lan', 'fast', 'wan']),
  }),
  ...(values.clouds !== undefined && {
    clouds: oneOf('clouds', values.clouds, ['none', 'some', 'all'] as const),
  }),
  ...(values.witness !== undefined && { witness: values.witness }),
  ...(values.placed !== undefined && { placed: values.placed }),
  ...(values.faults !== undefined && {
    faults: values.faults.split(',').map((kind) => oneOf('faults', kind, Object.keys(FAULTS) as FaultKind[])),
  }),
  ...(values.pace !== undefined && { pace: number('pace', values.pace) }),
};
const print = { shrink: number('shrink', values.shrink), lines: number('lines', values.lines) };

if (values.seed === undefined) await runMany();
else runOne(number('seed', values.seed));

function runOne(seed: number): void {
  const options = drawOptions(seed, wishes);
  const verdict = simulate(options, faultsOf(options), { timeline: values.verbose });
  if (values.verbose) console.log(verdict.timeline.join('\n'));
  const summary = Summary.fresh({ commit: commit(), wishes });
  summary.add(seed, verdict);
  if (verdict.failure) tellFailure(seed, { wishes, failure: verdict.failure, ...print });
  console.log(summary.text());
  process.exitCode = verdict.failure ? 1 : 0;
}

async function runMany(): Promise<void> {
  const about = { commit: commit(), wishes };
  const summary = values.summary === undefined ? Summary.fresh(about) : Summary.open(values.summary, about);
  const from = number('from', values.from);
  const until = performance.now() + 1000 * number('seconds', values.seconds);
  const most = number('failures', values.failures);
  await runPool(
    { from, count: number('seeds', values.seeds), jobs: number('jobs', values.jobs), wishes },
    {
      isDone: (seed) => summary.has(seed),
      goesOn: () => summary.failures.length < most && performance.now() < until,
      done: (seed, result) => {
        summary.add(seed, result);
        if (result.failure) tellFailure(seed, { wishes, failure: result.failure, ...print });
      },
      progress: () => {
        summary.save();
        if (process.stderr.isTTY || values.summary !== undefined) console.error(summary.text());
      },
    },
  );
  summary.save();
  console.log(summary.text());
  process.exitCode = summary.failures.length > 0 ? 1 : 0;
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  return wrong(`--${name} ${text}: give a number that is not negative`);
}

function oneOf<T extends string>(name: string, text: string, values: readonly T[]): T {
  const value = values.find((one) => one === text);
  return value ?? wrong(`--${name} ${text}: it is one of ${values.join(', ')}`);
}

function wrong(message: string): never {
  console.error(message);
  process.exit(2);
}

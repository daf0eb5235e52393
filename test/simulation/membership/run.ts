/** `node test/simulation/membership/run.ts --seeds 1000 --from 1`, or `--seed 17 --verbose` to look at one. */
import { parseArgs } from 'node:util';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const started = performance.now();
let failed = 0;
let views = 0;
let messages = 0;
let slowest = 0;
for (let seed = first; seed < first + count; seed++) {
  const verdict = runSeed(seed, { verbose: values.verbose });
  views += verdict.views;
  messages += verdict.messages;
  slowest = Math.max(slowest, verdict.settledAfter);
  if (verdict.faults.length === 0) continue;
  failed++;
  console.log(`seed ${seed}: ${verdict.faults.length} faults`);
  for (const fault of verdict.faults.slice(0, 4)) console.log(`  ${fault}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${count} seeds from ${first}, ${failed} failed; ${views} views, ${messages} messages, slowest to settle ${slowest.toFixed(0)} ms; ${seconds} s`,
);
process.exitCode = failed > 0 ? 1 : 0;

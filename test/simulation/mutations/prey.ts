/** Runs seeds until one fails, and tells which rule broke; bundled by `hunt.ts` with a mutation in it. */
import { drawOptions, type Wishes } from '../../../src/simulation/options.ts';
import { type Failure, faultsOf, simulate } from '../../../src/simulation/run-seed.ts';

interface Asked {
  readonly wishes: Wishes;
  readonly seeds: number;
  readonly cpu: number;
}

const asked = JSON.parse(process.argv[2] ?? '') as Asked;
let failure: Failure | undefined;
let seed = 0;
while (failure === undefined && seed < asked.seeds && spent() < asked.cpu) {
  seed += 1;
  const options = drawOptions(seed, asked.wishes);
  ({ failure } = simulate(options, faultsOf(options)));
}
const told = { invariant: failure?.invariant, text: failure?.text.slice(0, 300) };
process.stdout.write(JSON.stringify({ ...told, seeds: seed, cpu: spent() }));

function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs seeds until one fails, and tells which rule broke; bundled by `hunt.ts` with a mutation in it. */
import { drawOptions, type Wishes } from '../../../src/simulation/options.ts';
import { type Failure, faultsOf, simulate } from '../../../src/simulation/run-seed.ts';
import { runSeed } from '../membership/run-seed.ts';
import { failureOfScene, type SceneName } from './scenes/scenes.ts';

interface Asked {
  readonly wishes: Wishes;
  readonly groupOnly: boolean;
  readonly scene?: SceneName;
  readonly seeds: number;
  readonly cpu: number;
}

const asked = JSON.parse(process.argv[2] ?? '') as Asked;
let failure: Failure | undefined;
let seed = 0;
while (failure === undefined && seed < asked.seeds && spent() < asked.cpu) {
  seed += 1;
  if (asked.scene !== undefined) failure = await failureOfScene(asked.scene, seed);
  else failure = asked.groupOnly ? failureOfGroup(seed) : failureOfCluster(seed);
}
const told = { invariant: failure?.invariant, text: failure?.text.slice(0, 300) };
process.stdout.write(JSON.stringify({ ...told, seeds: seed, cpu: spent() }));

function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function failureOfCluster(number: number): Failure | undefined {
  const options = drawOptions(number, asked.wishes);
  return simulate(options, faultsOf(options)).failure;
}

/** A mistake may also show as an exception. */
function failureOfGroup(number: number): Failure | undefined {
  try {
    const [text] = runSeed(number).faults;
    return text === undefined ? undefined : { invariant: text.slice(0, 2), text, at: 0 };
  } catch (error) {
    return { invariant: 'crash', text: String(error), at: 0 };
  }
}

/** Hunts all mutations with patience (`npm run sim:mutations`): a table, and 1 if one survives. `--only text` picks some by name. */
import { parseArgs } from 'node:util';
import { hunt, occurrences } from './hunt.ts';
import { MUTATIONS } from './mutations.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seeds: { type: 'string', default: '2000' },
    /** Seconds of CPU for each. */
    seconds: { type: 'string', default: '120' },
  },
});
const began = performance.now();
let survivors = 0;
for (const mutation of MUTATIONS.filter(({ name }) => name.includes(values.only))) {
  if ((await occurrences(mutation)) !== 1) {
    console.log(`${mutation.name}: its pattern does not stand exactly once in ${mutation.file}`);
    survivors += 1;
    continue;
  }
  const { invariant, text, seeds, cpu } = await hunt(mutation, {
    seeds: Number(values.seeds),
    cpu: 1000 * Number(values.seconds),
  });
  if (invariant === undefined) survivors += 1;
  const caught = invariant === undefined ? 'SURVIVED' : `${invariant}: ${text?.split('\n')[0]?.slice(0, 90)}`;
  console.log(
    `${mutation.name.padEnd(56)} ${String(seeds).padStart(5)} seeds ${(cpu / 1000).toFixed(1).padStart(6)} s  ${caught}`,
  );
}
console.log(`the whole took ${((performance.now() - began) / 1000).toFixed(0)} s`);
console.log(survivors === 0 ? 'all were caught' : `${survivors} survived`);
process.exitCode = survivors === 0 ? 0 : 1;

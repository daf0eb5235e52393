/** A process that simulates the seeds it is sent, one after the other, until its parent is gone. */
import { drawOptions, type Wishes } from '../../src/simulation/options.ts';
import { faultsOf, simulate } from '../../src/simulation/run-seed.ts';

process.on('message', (asked: unknown) => {
  const { seed, wishes } = asked as { readonly seed: number; readonly wishes: Wishes };
  const options = drawOptions(seed, wishes);
  const started = process.cpuUsage();
  const { timeline: _, ...verdict } = simulate(options, faultsOf(options));
  const { user, system } = process.cpuUsage(started);
  process.send?.({ seed, result: { ...verdict, cpu: (user + system) / 1000 } });
});
process.on('disconnect', () => process.exit(0));

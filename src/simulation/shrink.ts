/** From a failing list of faults to a short one that breaks the same rule: whole stretches are dropped first, then single faults. */
import type { Fault } from './faults/kinds.ts';
import type { SimulationOptions } from './options.ts';
import { type Failure, faultsOf, simulate } from './run-seed.ts';

export function shrink(
  options: SimulationOptions,
  { failure, goesOn }: { readonly failure: Failure; readonly goesOn: () => boolean },
): readonly Fault[] {
  const fails = (faults: readonly Fault[]) =>
    simulate(options, faults).failure?.invariant === failure.invariant;
  let faults: readonly Fault[] = faultsOf(options);
  const early = faults.filter(({ at }) => at <= failure.at);
  if (early.length < faults.length && fails(early)) faults = early;
  for (let size = Math.ceil(faults.length / 2); size >= 1; ) {
    const before = faults.length;
    faults = withoutStretches(faults, { size, goesOn, fails });
    if (!goesOn()) break;
    if (size === 1 && faults.length === before) break;
    if (faults.length === before || size > 1) size = Math.max(1, size >> 1);
  }
  return faults;
}

function withoutStretches(
  faults: readonly Fault[],
  {
    size,
    goesOn,
    fails,
  }: { size: number; goesOn: () => boolean; fails: (faults: readonly Fault[]) => boolean },
): readonly Fault[] {
  let kept = faults;
  // From the end: what comes late is more often needless.
  for (let at = kept.length - size; at > -size && goesOn(); at -= size) {
    const without = kept.filter((_, i) => i < Math.max(0, at) || i >= at + size);
    if (without.length < kept.length && fails(without)) kept = without;
  }
  return kept;
}

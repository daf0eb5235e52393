/** How much somebody keeps after many steps, beyond what he kept after the first fifth of them. */
import { heapAfterCollection } from './play.ts';

/** Bytes. */
export function forLong<T>(steps: readonly T[], perform: (step: T) => void): number {
  const warm = Math.floor(steps.length / 5);
  for (const step of steps.slice(0, warm)) perform(step);
  const before = heapAfterCollection();
  for (const step of steps.slice(warm)) perform(step);
  return heapAfterCollection() - before;
}

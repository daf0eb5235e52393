/** The seeds of `seeds.txt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptSeed {
  readonly seed: number;
  readonly story: string;
}

export function keptSeeds(): KeptSeed[] {
  const text = readFileSync(join(import.meta.dirname, 'seeds.txt'), 'utf8');
  return [...text.matchAll(/^(\d+)\s+(.+)$/gm)].map(([, seed, story]) => ({
    seed: Number(seed),
    story: story!,
  }));
}

/** The seeds of `seeds.txt`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Wishes } from '../../src/simulation/options.ts';

/** `seed  story`, or `seed@members x vips` without the blanks, or `seed{wishes as JSON}` without a blank. */
const LINE = /^(\d+)(?:@(\d+)x(\d+)|(\{\S+\}))?\s+(.+)$/gm;

export interface KeptSeed {
  readonly seed: number;
  /** Of the run that failed, where they were not drawn. */
  readonly wishes: Wishes;
  readonly story: string;
}

export function keptSeeds(): KeptSeed[] {
  const text = readFileSync(join(import.meta.dirname, 'seeds.txt'), 'utf8');
  return [...text.matchAll(LINE)].map(([, seed, members, vips, wishes, story]) => ({
    seed: Number(seed),
    wishes:
      members === undefined
        ? (JSON.parse(wishes ?? '{}') as Wishes)
        : { members: Number(members), vips: Number(vips) },
    story: story!,
  }));
}

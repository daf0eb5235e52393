/**
 * Small worlds for mistakes that drawn ones meet too seldom: each directs what happens, and says what must be so then. Without a
 * mutation every seed of each is clean.
 */
import { Breach } from '../../../../src/simulation/breach.ts';
import type { Failure } from '../../../../src/simulation/run-seed.ts';
import { apart } from './apart.ts';
import { decreed } from './decreed.ts';
import { failAndStart } from './fail-and-start.ts';
import { outvoted } from './outvoted.ts';
import { refused } from './refused.ts';
import { fullHouse, roomToMake } from './rooms.ts';
import { staleFence } from './stale-fence.ts';
import { wantedAgain } from './wanted-again.ts';

const SCENES = {
  apart,
  decreed,
  failAndStart,
  fullHouse,
  outvoted,
  refused,
  roomToMake,
  staleFence,
  wantedAgain,
} as const satisfies Readonly<Record<string, (seed: number) => void | Promise<void>>>;

export type SceneName = keyof typeof SCENES;

export const SCENE_NAMES = Object.keys(SCENES) as readonly SceneName[];

/** What broke in it; undefined: nothing. */
export async function failureOfScene(name: SceneName, seed: number): Promise<Failure | undefined> {
  try {
    await SCENES[name](seed);
    return undefined;
  } catch (error) {
    if (error instanceof Breach) return { invariant: error.invariant, text: error.message, at: 0 };
    return {
      invariant: 'crash',
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
      at: 0,
    };
  }
}

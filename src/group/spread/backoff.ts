/** How long to wait before the next attempt: longer and longer, and never all clients at the same moment. Pure. */
import type { Millis } from '../../model/time.ts';

export interface BackoffSettings {
  readonly first: Millis;
  readonly longest: Millis;
}

/** Doubles from `first` to `longest`; of that a random part between a half and all. `random`: from 0 to below 1. */
export function backoff(attempt: number, { first, longest }: BackoffSettings, random: number): Millis {
  const full = Math.min(longest, first * 2 ** Math.min(attempt, 30));
  return full * (0.5 + random / 2);
}

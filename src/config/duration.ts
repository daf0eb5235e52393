/** Lengths of time as people write them: a number and a unit, `250ms`, `1.5s`, `10m`, `2h`. */
import type { Millis } from '../model/time.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What a duration looks like; also the pattern in the JSON Schema. */
export const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;

/** Milliseconds, or undefined if the text is not a duration. A number without a unit is not one. */
export function parseDuration(text: string): Millis | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const millis = Number(match[1]) * UNITS[match[2]!]!;
  // 1.001s is 1000.9999999999999 in binary; the finest unit is a millisecond.
  return Math.round(millis * 1000) / 1000;
}

/** The shortest text that parses to the same: `3s`, `250ms`, `10m`. */
export function formatDuration(millis: Millis): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (millis >= UNITS[unit]! && millis % UNITS[unit]! === 0) return `${millis / UNITS[unit]!}${unit}`;
  }
  return `${millis}ms`;
}

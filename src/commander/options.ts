/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';
import { CONFIG_FILE } from '../config/defaults.ts';
import { parseDuration } from '../config/duration.ts';
import type { Millis } from '../model/time.ts';

export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration file').default(CONFIG_FILE);
}

export function readTimeout(text: string): Millis {
  const timeout = parseDuration(text);
  if (timeout === undefined || timeout < 1 || timeout > 3_600_000) {
    throw new InvalidArgumentError('Write a number and a unit, such as 500ms or 10s, at most 1h.');
  }
  return timeout;
}

export function readCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (count >= min && count <= max) return count;
    throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
  };
}

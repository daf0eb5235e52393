import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Shortages } from '../../../src/bin/shortages.ts';
import type { Logger } from '../../../src/platform/logger.ts';
import { descriptorTrouble } from '../../../src/platform/spare-descriptor.ts';
import { statusExample } from '../control/status-example.ts';

let logged: string[];
let logTrouble: string | undefined;
const note = (_: object, text: string) => void logged.push(text);
const logger: Logger = {
  trace: note,
  debug: note,
  info: note,
  warn: note,
  error: note,
  counters: () => ({ log_errors: 3, log_lines_dropped: 0 }),
  trouble: () => logTrouble,
  reopen: () => {},
  setLevel: () => {},
  close: () => Promise.resolve(),
};

beforeEach(() => {
  vi.useFakeTimers();
  logged = [];
  logTrouble = undefined;
});
afterEach(() => vi.useRealTimers());

it('a shortage of descriptors is logged when it begins and when it ends, and stands in the status meanwhile', () => {
  let trouble: string | undefined;
  const shortages = new Shortages(logger, () => trouble);
  const warnings = () => shortages.addedTo({ ...statusExample(), warnings: ['another'] }).warnings;
  shortages.start();
  vi.advanceTimersByTime(60_000);
  expect(warnings()).toEqual(['another']);
  trouble = 'none left';
  vi.advanceTimersByTime(60_000);
  expect(warnings()).toEqual(['another', 'none left']);
  trouble = undefined;
  vi.advanceTimersByTime(60_000);
  expect(warnings()).toEqual(['another']);
  expect(logged).toEqual(['nobody can reach this agent anew', 'there are file descriptors again']);
  shortages.stop();
  trouble = 'none left';
  vi.advanceTimersByTime(60_000);
  expect(logged).toHaveLength(2);
});

it('a log that cannot be written stands in the status, with its counters', () => {
  logTrouble = 'no room';
  const status = new Shortages(logger).addedTo({ ...statusExample(), warnings: [] });
  expect(status.warnings).toEqual(['no room']);
  expect(status.counters).toMatchObject({ log_errors: 3 });
});

it('a process that can open something is short of nothing', () => {
  expect(descriptorTrouble()).toBeUndefined();
});

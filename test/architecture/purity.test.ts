import { describe, expect, it } from 'vitest';
import { bareCode, importsOf, roomOf, type SourceFile, sources } from './sources.ts';

/** Files of pure rooms that may touch the machine, each with why. */
const IMPURE: Readonly<Record<string, string>> = {
  'src/agent/loop.ts': 'performs the actions of the core',
  'src/agent/loop-components.ts': 'types of what the loop performs them with',
  'src/agent/operations.ts': 'calls providers for the loop',
};

/** What would make a function depend on more than its arguments. */
const FORBIDDEN: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bperformance\b/,
  /\bcrypto\b/,
  /\basync\b/,
  /\bawait\b/,
  /\bPromise\b/,
  /\blocaleCompare\b/,
  /\btoLocale\w+/,
  /\bIntl\b/,
  /\bfetch\(/,
];

const PURE_ROOMS = ['model', 'config', 'membership', 'allocation', 'agent', 'practice', 'simulation'];

const pure = sources('src').filter(
  (file) => PURE_ROOMS.includes(roomOf(file.path)) && IMPURE[file.path] === undefined,
);

function breaches(file: SourceFile): string[] {
  const code = bareCode(file.text);
  const words = FORBIDDEN.map((pattern) => pattern.exec(code)?.[0]).filter((word) => word !== undefined);
  const nodes = importsOf(file)
    .filter(({ to, typeOnly }) => to.startsWith('node:') && !typeOnly)
    .map(({ to }) => to);
  return [...words, ...nodes].map((what) => `${file.path}: ${what}`);
}

describe('pure rooms', () => {
  it('use no clock, timer, randomness, promise, locale or Node module', () => {
    expect(pure.length).toBeGreaterThan(20);
    expect(pure.flatMap(breaches)).toEqual([]);
  });

  it('notices a breach', () => {
    const file = { path: 'src/agent/x.ts', text: 'export const f = () => Date.now();' };
    expect(breaches(file)).toEqual(['src/agent/x.ts: Date.now']);
  });
});

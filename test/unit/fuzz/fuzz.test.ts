/** The fuzzers, bounded: what once broke something, and some inputs from a fixed seed. `npm run fuzz` plays as many as one likes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conserve, keptInputs, keptTargets, revive } from '../../fuzz/kept.ts';
import { PLANTED_BUGS } from '../../fuzz/planted-bugs.ts';
import { play, reasonOf, within, withinWork } from '../../fuzz/play.ts';
import { demand, type Target } from '../../fuzz/target.ts';
import { TARGETS, targetNamed } from '../../fuzz/targets.ts';
import { readRecords, writeRecords } from '../../fuzz/traffic.ts';

/** Of each target, ms of processor time. */
const BUDGET = 600;

describe('inputs that broke something once', () => {
  it('belong to a target that is still there', () => {
    expect(keptTargets().filter((name) => targetNamed(name) === undefined)).toEqual([]);
  });

  const kept = TARGETS.flatMap((target) => keptInputs(target.name).map((input) => ({ target, ...input })));
  it.each(kept)('$file: $why', ({ target, input }) => {
    target.check(input);
  });
});

describe('fresh inputs', () => {
  it.each(TARGETS.map((target) => ({ target, about: target.about })))(
    '$about',
    async ({ target }) => {
      const inputs = target.long === true ? 1 : 20_000;
      const { failure, inputs: played } = await play(target, { seed: 1, inputs, budget: BUDGET });
      expect(failure).toBeUndefined();
      // Of the slowest target, on a machine that has much else to do.
      expect(played).toBeGreaterThan(30);
    },
    60_000,
  );
});

describe('the bugs that prove the fuzzers', () => {
  it.each(PLANTED_BUGS)('$target: $right stands once in $file', ({ file, right }) => {
    expect(readFileSync(join(import.meta.dirname, '../../..', file), 'utf8').split(right)).toHaveLength(2);
  });

  it('are at least one for each target', () => {
    const proved = new Set(PLANTED_BUGS.map(({ target }) => target));
    expect(TARGETS.filter(({ name }) => !proved.has(name)).map(({ name }) => name)).toEqual([]);
  });
});

describe('the fuzzer itself', () => {
  const target = (check: (input: number[]) => void): Target<number[]> => ({
    name: 'numbers',
    about: '',
    share: 1,
    inputs: () => fc.array(fc.nat(1000)),
    check,
  });

  it('finds what fails and makes it small', async () => {
    const { failure } = await play(
      target((input) => demand(!input.some((n) => n > 500), () => 'more than 500')),
      { seed: 3, inputs: 1000 },
    );
    expect(failure).toMatchObject({ input: [501], why: 'more than 500' });
  });

  it('breaks off what hangs', () => {
    const endless = (): void => {
      for (;;);
    };
    expect(within(50, endless)).toBe('late');
    expect(within(1000, () => 7)).toBe(7);
    expect(withinWork(50, endless)).toBe('late');
  });

  it('finds the input that hangs and makes it small', async () => {
    const hangs = target((input) => {
      while (input.some((n) => n > 500));
    });
    const { failure } = await play(hangs, { seed: 3, inputs: 1000, hang: 60 });
    expect(failure).toMatchObject({ input: [501], why: 'it does not come to an end' });
  });

  it('takes nothing for slow or hanging that only waits for the processor', async () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const waits = target((input) => void (input[0] === 500 && Atomics.wait(cell, 0, 0, 150)));
    const outcome = await play({ ...waits, patience: 20 }, { seed: 1, inputs: 3000 });
    expect(outcome.failure).toBeUndefined();
    // As if this thread had got nothing for longer than a batch may take.
    let times = 0;
    const late = (): number => {
      times += 1;
      if (times < 3) Atomics.wait(cell, 0, 0, 100 * 2 ** times);
      return 7;
    };
    expect(withinWork(100, late)).toBe(7);
    expect(times).toBe(3);
  });

  it('takes what waits for ever for hanging', () => {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    expect(withinWork(10, () => Atomics.wait(cell, 0, 0))).toBe('late');
  });

  it('notices what takes too long, and what stays behind', async () => {
    const busy = (ms: number): void => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const slow = { ...target((input) => (input.length > 3 ? busy(12) : undefined)), patience: 5 };
    expect((await play(slow, { seed: 1, inputs: 500 })).failure?.why).toMatch(/more than 5 ms/);
    const store: unknown[] = [];
    const leak = target(() => void store.push(Buffer.alloc(100_000, 1)));
    expect((await play(leak, { seed: 1, inputs: 600 })).failure?.why).toMatch(/MiB behind/);
  });

  it('keeps inputs as they are', () => {
    const input = {
      bytes: Buffer.from('ab', 'hex'),
      big: 7n,
      not: Number.NaN,
      minus: -0,
      none: undefined,
      list: [1],
    };
    expect(JSON.parse(JSON.stringify(input, conserve), revive)).toEqual(input);
    expect(readRecords(writeRecords([Buffer.from('a'), Buffer.alloc(0)])).map(String)).toEqual(['a', '']);
  });

  it('says where an input broke something, and not on which machine', () => {
    const error = new Error('broken');
    error.stack = `Error: broken\n    at decode (${new URL('../../../src/agent/messages.ts', import.meta.url).href}:1:2)`;
    expect(reasonOf(error)).toBe('broken (at decode (src/agent/messages.ts:1:2))');
    const kept = keptTargets().flatMap((name) => keptInputs(name));
    expect(kept.length).toBeGreaterThan(0);
    for (const { why } of kept) expect(why).not.toMatch(/file:\/\//);
  });
});

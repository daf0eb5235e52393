import { describe, expect, it } from 'vitest';
import { drawOptions, type Wishes } from '../../src/simulation/options.ts';
import { faultsOf, simulate, type Verdict } from '../../src/simulation/run-seed.ts';
import { keptSeeds } from '../simulation/kept-seeds.ts';

const FRESH_FROM = 1_000;
const FRESH = 60;
const CHUNK = 20;

function run(seed: number, wishes: Wishes): Verdict {
  const options = drawOptions(seed, wishes);
  return simulate(options, faultsOf(options));
}

function failureOf(seed: number, wishes: Wishes = {}): string[] {
  const { failure } = run(seed, wishes);
  return failure ? [`node test/simulation/run.ts --seed ${seed}: ${failure.invariant}: ${failure.text}`] : [];
}

describe('simulated clusters under faults keep their promises', { timeout: 120_000 }, () => {
  it.each(keptSeeds())('$seed: $story', ({ seed, wishes }) => {
    expect(failureOf(seed, wishes)).toEqual([]);
  });

  for (let from = FRESH_FROM; from < FRESH_FROM + FRESH; from += CHUNK) {
    it(`seeds ${from} to ${from + CHUNK - 1}`, () => {
      const verdicts = Array.from({ length: CHUNK }, (_, at) => ({ seed: from + at, ...run(from + at, {}) }));
      expect(verdicts.filter(({ failure }) => failure).map(({ seed, failure }) => [seed, failure])).toEqual(
        [],
      );
      // Something did happen, and was compared.
      expect(verdicts.reduce((sum, { views }) => sum + views, 0)).toBeGreaterThan(10 * CHUNK);
      expect(verdicts.reduce((sum, { tries }) => sum + tries['tables']!, 0)).toBeGreaterThan(10 * CHUNK);
    });
  }

  it('run the same from the same seed', () => {
    const story = () => {
      const options = drawOptions(12);
      return simulate(options, faultsOf(options), { timeline: true }).timeline;
    };
    const first = story();
    expect(first.length).toBeGreaterThan(100);
    expect(story()).toEqual(first);
  });
});

import { describe, expect, it } from 'vitest';
import { runSeed } from '../../simulation/membership/run-seed.ts';

const SEEDS = 300;
const CHUNK = 50;

describe('simulated groups under faults keep G1 to G6', () => {
  for (let from = 1; from <= SEEDS; from += CHUNK) {
    it(`seeds ${from} to ${from + CHUNK - 1}`, { timeout: 60_000 }, () => {
      const verdicts = Array.from({ length: CHUNK }, (_, at) => runSeed(from + at));
      const failed = verdicts.flatMap(({ seed, faults }) => faults.map((fault) => `seed ${seed}: ${fault}`));
      expect(failed).toEqual([]);
      expect(verdicts.reduce((sum, { views }) => sum + views, 0)).toBeGreaterThan(10 * CHUNK);
      expect(verdicts.reduce((sum, { messages }) => sum + messages, 0)).toBeGreaterThan(100 * CHUNK);
    });
  }
});

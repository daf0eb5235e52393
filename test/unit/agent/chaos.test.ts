import { describe, expect, it } from 'vitest';
import { Chaos } from './chaos.ts';

/** `CHAOS_SEEDS=5000 CHAOS_FROM=1` runs more; `CHAOS_FROM=17 CHAOS_SEEDS=1` replays one. */
const COUNT = Number(process.env['CHAOS_SEEDS'] ?? 250);
const FROM = Number(process.env['CHAOS_FROM'] ?? 1);

describe('agents under chaos', () => {
  it(`never hold a VIP twice and always serve it in the end, ${COUNT} seeds from ${FROM}`, {
    timeout: 600_000,
  }, () => {
    const failures: string[] = [];
    for (let seed = FROM; seed < FROM + COUNT && failures.length < 5; seed++) {
      try {
        new Chaos(seed).run(40);
      } catch (error) {
        failures.push(
          `seed ${seed}: ${error instanceof Error ? (error.message.startsWith('v') ? error.message : error.stack) : error}`,
        );
      }
    }
    expect(failures).toEqual([]);
  });
});

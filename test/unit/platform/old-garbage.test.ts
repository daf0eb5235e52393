import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { OldGarbage } from '../../../src/platform/old-garbage.ts';

const MIB = 1 << 20;

function oldMib(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => space_name === 'old_space');
  return old[0]!.space_used_size / MIB;
}

/** Old by having been kept for as long as it takes to make as much again. */
function agedGarbage(mib: number): void {
  const kept = Array.from({ length: mib * 4_000 }, (_, at) => ({ at, text: `number ${at}` }));
  expect(Array.from(kept, ({ text }) => text.length).length).toBe(mib * 4_000);
}

test('what has grown old and is garbage is collected once it is much, and not before', () => {
  const garbage = new OldGarbage();
  garbage.look();
  const before = oldMib();
  garbage.look();
  expect(Math.abs(oldMib() - before)).toBeLessThan(1);
  agedGarbage(24);
  const grown = oldMib();
  expect(grown).toBeGreaterThan(before + 2);
  garbage.look();
  expect(oldMib()).toBeLessThan(before + 1);
});

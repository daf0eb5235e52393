/** The checkers of the simulator bite: a mistake made on purpose in the core is caught within a bounded number of seeds. */
import { describe, expect, it } from 'vitest';
import { hunt, occurrences } from '../simulation/mutations/hunt.ts';
import { MUTATIONS } from '../simulation/mutations/mutations.ts';
import { failureOfScene, SCENE_NAMES } from '../simulation/mutations/scenes/scenes.ts';

const BOUNDS = { seeds: 400, cpu: 15_000 };
const MOST = 20;

describe('mutations of the core', () => {
  it.each(MUTATIONS)('“$name” still fits the source', async (mutation) => {
    expect(await occurrences(mutation)).toBe(1);
  });

  it('are many, of the agent, the allocator and the engine', () => {
    const often = MUTATIONS.filter(({ rare }) => rare !== true);
    expect(often.length).toBeGreaterThanOrEqual(MOST);
    for (const room of ['src/agent/', 'src/allocation/', 'src/membership/'])
      expect(often.some(({ file }) => file.startsWith(room))).toBe(true);
  });

  it.each(MUTATIONS.filter(({ rare }) => rare !== true))(
    '“$name” is caught',
    { timeout: 120_000 },
    async (mutation) => {
      const { invariant, seeds } = await hunt(mutation, BOUNDS);
      expect(invariant, `survived ${seeds} seeds`).toBeDefined();
    },
  );

  it.each(SCENE_NAMES)('without one, scene %s is clean', async (scene) => {
    for (const seed of [1, 2, 3]) expect(await failureOfScene(scene, seed)).toBeUndefined();
  });

  it('without one, the same seeds are clean', { timeout: 120_000 }, async () => {
    expect(await hunt(undefined, { seeds: 25, cpu: 15_000 })).toMatchObject({ seeds: 25 });
    expect((await hunt(undefined, { seeds: 5, cpu: 15_000 })).invariant).toBeUndefined();
  });
});

/** Threads of an agent hang or end while the process lives on. The faults are planted by a preloaded hook, not by the product. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import {
  cameUp,
  expectFenced,
  GUARDIAN_TIMEOUT,
  logged,
  plant,
  SLACK,
  serveFaulty,
  THREE,
} from './fencing-scene.ts';
import { during, expectNeverTwo, heldBy, NO_WORLD, withAgents } from './vocabulary.ts';

/** The engine's thread is given up after so long without an answer, ms. */
const THREAD_GIVEN_UP = 2000;
/** What a release at once may take, ms. */
const AT_ONCE = 500;
const LOST = 'group communication is lost';

describe.skipIf(NO_WORLD !== undefined)('the main thread', () => {
  it('blocked: the guardian removes the addresses, and the thread takes nothing back when it runs again', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const { victim } = await expectFenced(
        cluster,
        (name) => plant(cluster.agent(name), { thread: 'main', kind: 'block', for_ms: 6000 }),
        { what: 'main thread blocked', goneWithin: GUARDIAN_TIMEOUT + SLACK, goneAfter: 500 },
      );
      const before = await cluster.observatory.holders();
      const since = monotonicNow();
      const sighting = await during(cluster, () => cluster.joined());
      expect(cluster.agent(victim).running).toBe(true);
      expect(await cameUp(cluster, victim, since)).toEqual([]);
      expectNeverTwo(sighting);
      expect(sighting.holders).toEqual(before);
    });
  });

  it('blocked for a moment: nothing moves, and no client notices', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const before = await cluster.observatory.holders();
      const victim = await cluster.busiest();
      const sighting = await during(cluster, async () => {
        for (let round = 0; round < 5; round += 1) {
          plant(cluster.agent(victim), { thread: 'main', kind: 'block', for_ms: 200 });
          await sleep(500);
        }
      });
      expectNeverTwo(sighting);
      expect(sighting.outages).toEqual([]);
      expect(sighting.holders).toEqual(before);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('the group thread', () => {
  it('blocked: given up, everything released, and joined again with a new one', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const { victim } = await expectFenced(
        cluster,
        (name) => plant(cluster.agent(name), { thread: 'group', kind: 'block', for_ms: 3_600_000 }),
        { what: 'group thread blocked', goneWithin: THREAD_GIVEN_UP + 2 * SLACK, survivors: cluster.names },
      );
      await logged(cluster.agent(victim), 'thread hangs');
      await cluster.joined();
    });
  });

  it.each([
    ['ends', 'exit'],
    ['throws', 'throw'],
    ['runs out of memory', 'heap'],
  ] as const)('%s: detached, released at once, joined again under a fresh identity', async (what, kind) => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster, ['--max-old-space-size=100']);
      const members = async (name: string) =>
        (await cluster.agent(cluster.others(name)[0]!).status())?.members.find((one) => one.name === name)
          ?.member;
      const identity = await members(await cluster.busiest());
      // A thread that fills its memory takes a while to fill it.
      const within = kind === 'heap' ? THREAD_GIVEN_UP + 2 * SLACK : AT_ONCE;
      const { victim } = await expectFenced(
        cluster,
        (name) => plant(cluster.agent(name), { thread: 'group', kind }),
        { what: `group thread ${what}`, goneWithin: within, survivors: cluster.names },
      );
      await logged(cluster.agent(victim), LOST);
      await cluster.joined();
      expect(cluster.agent(victim).running).toBe(true);
      expect(await members(victim), 'an identity is used once').not.toBe(identity);
    });
  });

  it('ends again and again: tried again ever more slowly, and no longer when it stays', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const losses = () => agent.logTail(10_000).split(LOST).length - 1;
      const sighting = await during(cluster, async () => {
        for (const until = monotonicNow() + 6000; monotonicNow() < until; await sleep(100))
          plant(agent, { thread: 'group', kind: 'exit' });
        expect(await heldBy(cluster, victim)).toEqual([]);
        console.log(`group thread ended whenever it ran, for 6 s: ${losses()} times`);
        // Waits of 0, 200, 500, 1000, 2000 and 5000 ms; at once each time it would have been a dozen or more.
        expect(losses()).toBeGreaterThanOrEqual(3);
        expect(losses()).toBeLessThanOrEqual(7);
        await cluster.joined();
        await cluster.served();
      });
      expectNeverTwo(sighting);
    });
  });
});

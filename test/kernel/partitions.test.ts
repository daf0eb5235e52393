/** The network splits, is deaf in one direction, and heals: each component serves, and where they meet one holder stays. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import {
  during,
  expectNeverTwo,
  expectOutageBelow,
  expectQuiet,
  heldBy,
  NO_WORLD,
  STILL,
  TAKEOVER_MAX,
  whileHealing,
  withCluster,
} from './vocabulary.ts';

const NO_NFT = spawnSync('nft', ['--version']).error === undefined ? undefined : 'nft is not installed';
/**
 * Longest time a host that nobody hears may hold what others took over, ms: it hears of their view at once, and is sure a probe
 * interval (70 ms) later that nothing of its own arrives. Seen: 4 to 61 ms; the rest is for a busy machine.
 */
const OUTRANKED_MAX = 300;

/** Splits, expects every group to serve everything, heals, expects one holder. The client is with the first group. */
async function expectSplitAndHealed(cluster: Cluster, groups: readonly (readonly string[])[]): Promise<void> {
  const split = await during(cluster, async () => {
    await cluster.observatory.lab.partition(groups);
    await cluster.served(groups);
  });
  expectNeverTwo(split);
  expectOutageBelow(split, TAKEOVER_MAX);
  const healed = await whileHealing(cluster);
  expectNeverTwo(healed);
  expectOutageBelow(healed, TAKEOVER_MAX);
}

describe.skipIf(NO_WORLD !== undefined)('the network splits and heals', () => {
  it('in halves of four hosts', async () => {
    await withCluster({ hosts: 4, vips: 8, ipv6: 2, sections: STILL }, async (cluster) => {
      await expectSplitAndHealed(cluster, [
        ['a', 'b'],
        ['c', 'd'],
      ]);
    });
  });

  it('in thirds, each host for itself, and again', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      await expectSplitAndHealed(cluster, [['a'], ['b'], ['c']]);
      await expectSplitAndHealed(cluster, [['c'], ['a', 'b']]);
    });
  });

  it('with policy primary only the majority serves', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: { ...STILL, policy: 'primary' } }, async (cluster) => {
      const split = await during(cluster, async () => {
        await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
        await cluster.served([['a', 'b']]);
      });
      expectNeverTwo(split);
      expect(await heldBy(cluster, 'c')).toEqual([]);
      await cluster.observatory.lab.heal();
      await cluster.joined();
      await cluster.served();
    });
  });
});

describe.skipIf(NO_WORLD !== undefined || NO_NFT !== undefined)('frames are lost in one direction', () => {
  it('nobody hears b: the others serve, b learns that it is outranked and holds nothing', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      const deaf = await during(cluster, async () => {
        await cluster.observatory.lab.loseOneWay([
          { from: 'b', to: 'a' },
          { from: 'b', to: 'c' },
        ]);
        await cluster.served([['a', 'c']]);
      });
      const longest = Math.max(0, ...deaf.duplicates.map(({ from, to }) => to - from));
      console.log(`held by b and by another for ${longest.toFixed(1)} ms at most`);
      expect(longest, 'held by b and by another (ms)').toBeLessThan(OUTRANKED_MAX);
      await expectQuiet(cluster, 3000);
      await cluster.observatory.lab.heal();
      await cluster.joined();
      await cluster.served();
    });
  });

  it('one broken pair among three: no flapping, every VIP once', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      await cluster.observatory.lab.loseOneWay([{ from: 'a', to: 'b' }]);
      await sleep(4000);
      await cluster.served([cluster.names]);
      await expectQuiet(cluster, 4000);
      await cluster.observatory.lab.heal();
      await cluster.joined();
      await cluster.served();
    });
  });
});

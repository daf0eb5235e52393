/** Clusters of several sizes: cold start, one failure, restart of all one by one. */
import { describe, expect, it } from 'vitest';
import { loadsOf } from '../../src/lab/cluster.ts';
import {
  answered,
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  NO_WORLD,
  STILL,
  TAKEOVER_MAX,
  withAgents,
  withCluster,
} from './vocabulary.ts';

/** So many start at once on few processors that the last may come when the first have shared everything: then it gets its part by and by. */
const MANY = 9;
function expectEven(loads: readonly number[]): void {
  expect(Math.max(...loads) - Math.min(...loads), `loads ${loads.join(' ')}`).toBeLessThanOrEqual(1);
}

const BALANCING = { balance: { interval: '1s', hold_down: '0s' } };

describe.skipIf(NO_WORLD !== undefined)('clusters of several sizes', () => {
  for (const hosts of [3, 5, MANY]) {
    it(`${hosts} hosts boot together, share evenly, and survive a power loss`, async () => {
      const sections = hosts === MANY ? BALANCING : STILL;
      await withAgents({ hosts, vips: 18, sections }, async (cluster) => {
        const boot = await during(cluster, async () => {
          cluster.startAll();
          await cluster.served();
          await cluster.joined();
        });
        expectNeverTwo(boot);
        const loads = [...loadsOf(boot.holders, cluster.names).values()];
        expectEven(hosts === MANY ? loads.filter((load) => load > 0) : loads);
        if (hosts === MANY) await cluster.balanced();

        await answered(cluster);
        const victim = await cluster.busiest();
        const loss = await during(cluster, async () => {
          await cluster.host(victim).powerOff();
          await cluster.served([cluster.others(victim)]);
        });
        expectNeverTwo(loss);
        expectOutageBelow(loss, TAKEOVER_MAX);
      });
    });
  }

  it('one host alone serves everything once it is mature', async () => {
    await withAgents({ hosts: 3, vips: 4, sections: STILL }, async (cluster) => {
      const start = await during(cluster, async () => {
        cluster.agent('a').start();
        await cluster.served([['a']]);
      });
      expectNeverTwo(start);
    });
  });

  it('all agents are restarted one by one: every VIP answers throughout, but for the handoffs', async () => {
    await withCluster(
      { hosts: 3, vips: 9, ipv6: 2, sections: { balance: { interval: '1s', hold_down: '0s' } } },
      async (cluster) => {
        const rolling = await during(cluster, async () => {
          for (const agent of cluster.agents) {
            await agent.stop();
            await cluster.served([cluster.others(agent.host.name)]);
            agent.start();
            await cluster.joined();
          }
          await cluster.balanced();
        });
        expectNeverTwo(rolling);
        expectOutageBelow(rolling, HANDOFF_MAX);
      },
    );
  });

  it('an operator drains a member, moves a VIP and lets it back: all by handoff', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      const operated = await during(cluster, async () => {
        expect(await cluster.agent('a').command({ kind: 'drain', member: 'b' })).toMatchObject({ ok: true });
        await cluster.served([['a', 'c']]);
        expect(await cluster.agent('c').command({ kind: 'undrain', member: 'b' })).toMatchObject({
          ok: true,
        });
        await eventually('b may be given VIPs again', async () => {
          const status = await cluster.agent('c').status();
          return status?.members.find(({ name }) => name === 'b')?.draining === false;
        });
        expect(await cluster.agent('c').command({ kind: 'move', vip: 'vip-1', to: 'b' })).toMatchObject({
          ok: true,
        });
        await cluster.observatory.until((holders) => holders.get('10.77.0.101')?.join() === 'b', {
          within: 5000,
          what: 'vip-1 moved to b',
        });
      });
      expectNeverTwo(operated);
      expectOutageBelow(operated, HANDOFF_MAX);
    });
  });
});

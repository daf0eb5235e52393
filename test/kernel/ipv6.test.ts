/** A cluster without IPv4: VIPs, and the group itself, over IPv6. The client knows hosts by neighbour discovery alone. */
import { describe, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import {
  answered,
  BY_GUARDIAN,
  expectNeverTwo,
  expectOutageBelow,
  expectRejoined,
  expectSurvived,
  HANDOFF_MAX,
  NO_WORLD,
  STILL,
  TAKEOVER_MAX,
  victimOf,
  whileHealing,
  withAgents,
} from './vocabulary.ts';

async function withIpv6(body: (cluster: Cluster) => Promise<void>): Promise<void> {
  await withAgents({ hosts: 3, vips: 6, ipv6: 6, sections: STILL }, async (cluster) => {
    const { hosts } = cluster.observatory.lab;
    const peers = Object.fromEntries(hosts.map(({ name, plan }) => [name, plan.ipv6]));
    for (const agent of cluster.agents) agent.configure({ group: { listen: agent.host.plan.ipv6, peers } });
    // Whatever uses IPv4 all the same shall fail.
    await Promise.all(hosts.map((host) => host.exec(['ip', '-4', 'addr', 'flush', 'dev', 'eth0'])));
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await answered(cluster);
    await body(cluster);
  });
}

describe.skipIf(NO_WORLD !== undefined)('with IPv6 alone', () => {
  it('agent killed: its VIPs are served elsewhere; it comes back', async () => {
    await withIpv6(async (cluster) => {
      const victim = await expectSurvived(cluster, (name) => cluster.agent(name).signal('SIGKILL'), {
        goneWithin: BY_GUARDIAN,
      });
      await expectRejoined(cluster, () => cluster.agent(victim).start());
    });
  });

  it('agent and guardian killed together: the lease ends the hold', async () => {
    await withIpv6(async (cluster) => {
      await expectSurvived(cluster, (name) => cluster.host(name).killAll(), { outageBelow: 6000 });
    });
  });

  it('cable pulled and plugged', async () => {
    await withIpv6(async (cluster) => {
      const victim = await expectSurvived(cluster, (name) => cluster.host(name).pullCable(), { how: 'host' });
      await expectRejoined(cluster, () => cluster.host(victim).plugCable());
    });
  });

  it('polite stop', async () => {
    await withIpv6(async (cluster) => {
      await expectSurvived(cluster, (name) => cluster.agent(name).stop(), {
        outageBelow: HANDOFF_MAX,
        how: 'leave',
      });
    });
  });

  it('split, until the kernels have forgotten each other, and healed', async () => {
    await withIpv6(async (cluster) => {
      const { lab } = cluster.observatory;
      const victim = await victimOf(cluster);
      await lab.partition([cluster.others(victim), [victim]]);
      await cluster.served([cluster.others(victim), [victim]]);
      await Promise.all(lab.hosts.map((host) => host.exec(['ip', '-6', 'neigh', 'flush', 'dev', 'eth0'])));
      const healed = await whileHealing(cluster);
      expectNeverTwo(healed);
      expectOutageBelow(healed, TAKEOVER_MAX);
    });
  });
});

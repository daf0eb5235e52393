/** The world changes behind the agent's back: a stranger has the address, an interface goes, another tool removes a VIP. */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { ip } from '../../src/lab/iproute.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  heldBy,
  NO_WORLD,
  STILL,
  TAKEOVER_MAX,
  withAgents,
  withCluster,
} from './vocabulary.ts';

const VIP_1 = '10.77.0.101';

describe.skipIf(NO_WORLD !== undefined)('behind our back', () => {
  it('a stranger on the link has the address: it is left to him, said in status, and taken when he is gone', async () => {
    const sections = {
      ...STILL,
      providers: { local: { probe_always: true } },
      agent: { maturity: '1s', retry_max: '1s' },
    };
    await withAgents({ hosts: 4, vips: 4, sections }, async (cluster) => {
      await ip([`addr add ${VIP_1}/32 dev eth0`], 'd');
      for (const name of ['a', 'b', 'c']) cluster.agent(name).start();
      const held = await during(cluster, async () => {
        await cluster.joined(['a', 'b', 'c']);
        await cluster.served([['a', 'b', 'c', 'd']]);
        await eventually('status names who has the address', async () => {
          const status = await cluster.agent('a').status();
          const vip = status?.vips.find((candidate) => candidate.vip === 'vip-1');
          return JSON.stringify(vip ?? '').includes(cluster.host('d').plan.mac);
        });
      });
      expectNeverTwo(held);
      expect(await heldBy(cluster, 'd')).toEqual([VIP_1]);
      const gone = await during(cluster, async () => {
        await ip([`addr del ${VIP_1}/32 dev eth0`], 'd');
        await cluster.served([['a', 'b', 'c']]);
      });
      expectNeverTwo(gone);
    });
  });

  it('another tool removes a VIP: noticed at once, and it is served again', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      const holder = (await cluster.observatory.holders()).get(VIP_1)?.[0] ?? '';
      const sighting = await during(cluster, async () => {
        const at = monotonicNow();
        await ip([`addr del ${VIP_1}/32 dev eth0`], holder);
        await removed(cluster, holder, at);
        await cluster.served();
      });
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, TAKEOVER_MAX);
      // By the kernel's word, not by the next renewal, which would have other words for it.
      expect(cluster.agent(holder).logTail(1000)).toContain('was removed behind our back');
    });
  });

  it('another tool flushes all addresses of a host', async () => {
    await withCluster({ hosts: 3, vips: 6, sections: STILL }, async (cluster) => {
      const victim = await cluster.busiest();
      const { plan } = cluster.host(victim);
      const sighting = await during(cluster, async () => {
        const at = monotonicNow();
        await ip(['addr flush dev eth0', `addr add ${plan.ipv4}/16 dev eth0`], victim);
        await removed(cluster, victim, at);
        await cluster.served();
      });
      expectNeverTwo(sighting);
      expect(cluster.agent(victim).logTail(1000)).toContain('was removed behind our back');
    });
  });

  it('the interface of the VIPs is deleted: they go elsewhere; when it is back the host may serve again', async () => {
    const sections = { ...STILL, providers: { local: { interface: 'eth1' } } };
    await withAgents({ hosts: 3, vips: 6, sections }, async (cluster) => {
      for (const name of cluster.names) await cluster.observatory.lab.addSecondCable(name);
      cluster.startAll();
      await cluster.served();
      await cluster.joined();
      const victim = await cluster.busiest();
      const deleted = await during(cluster, async () => {
        await ip(['link del eth1'], victim);
        await cluster.served([cluster.others(victim)]);
      });
      expectNeverTwo(deleted);
      expectOutageBelow(deleted, TAKEOVER_MAX);
      expect(cluster.agent(victim).running).toBe(true);
      await cluster.observatory.lab.addSecondCable(victim);
      await eventually(`${victim} may be given VIPs again`, () => mayServe(cluster, victim));
      await cluster.balanced();
    });
  });

  it('the carrier of the VIP interface goes while the group is reachable over another', async () => {
    const sections = { ...STILL, providers: { local: { interface: 'eth1' } } };
    await withAgents({ hosts: 3, vips: 6, sections }, async (cluster) => {
      for (const name of cluster.names) await cluster.observatory.lab.addSecondCable(name);
      cluster.startAll();
      await cluster.served();
      await cluster.joined();
      const victim = await cluster.busiest();
      const lost = await during(cluster, async () => {
        await ip([`link set q-${victim} down`]);
        await cluster.served([cluster.others(victim)]);
      });
      expectNeverTwo(lost);
      expectOutageBelow(lost, TAKEOVER_MAX);
    });
  });
});

/** Waits until the watcher has seen an address go from the host since then; it may be back, or elsewhere, by now. */
function removed({ observatory }: Cluster, host: string, since: number): Promise<void> {
  return eventually('an address was seen to go', async () => {
    const { holds } = await observatory.custody();
    return holds.some((hold) => hold.host === host && (hold.to ?? since) > since);
  });
}

async function mayServe(cluster: Cluster, name: string): Promise<boolean> {
  const status = await cluster.agent(name).status();
  return status?.members.find((member) => member.name === name)?.problems.length === 0;
}

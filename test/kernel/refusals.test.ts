/** Bad input and missing rights: refused with words that help, and nobody who serves is disturbed. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
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

const THREE = { hosts: 3, vips: 4, sections: STILL };
/** Longer than an agent needs to become mature by age. */
const MATURE_MS = 7000;

/** Starts a and b, then c with the changes; expects that c gets nothing and disturbs nobody. */
async function expectIntruderHarmless(cluster: Cluster, intrude: () => void): Promise<void> {
  cluster.agent('a').start();
  cluster.agent('b').start();
  await cluster.served([['a', 'b']]);
  await cluster.joined(['a', 'b']);
  const sighting = await during(cluster, async () => {
    intrude();
    await sleep(MATURE_MS);
  });
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, TAKEOVER_MAX);
  expect(await heldBy(cluster, 'c')).toEqual([]);
  await cluster.joined(['a', 'b']);
}

function log(cluster: Cluster, name: string): string {
  return cluster.agent(name).logTail(10_000);
}

describe.skipIf(NO_WORLD !== undefined)('who may not take part', () => {
  it('an agent with another key is not let in, holds nothing, and both sides say why', async () => {
    await withAgents(THREE, async (cluster) => {
      const key = '/run/lab/another.key';
      writeFileSync(key, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
      cluster.agent('c').configure({ group: { key_file: key } });
      await expectIntruderHarmless(cluster, () => cluster.agent('c').start());
      for (const name of ['a', 'b', 'c']) expect(log(cluster, name), name).toMatch(/cluster key/);
    });
  });

  it('a second agent of one name is refused and says so', async () => {
    await withAgents(THREE, async (cluster) => {
      cluster
        .agent('c')
        .configure({ member: 'b', group: { peers: { a: '10.77.0.1', b: '10.77.0.3', c: '10.77.0.2' } } });
      await expectIntruderHarmless(cluster, () => cluster.agent('c').start());
      expect(log(cluster, 'c')).toMatch(/the name b is in use/);
    });
  });

  it('without CAP_NET_ADMIN the agent does not start and says what to do', async () => {
    await withAgents(THREE, async (cluster) => {
      const without = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', '--'];
      cluster.agent('a').start(without);
      const exit = await cluster.agent('a').exited();
      expect(exit.code).not.toBe(0);
      expect(log(cluster, 'a')).toMatch(/CAP_NET_ADMIN/);
    });
  });

  it('two VIPs with one address are refused, by config check and by the agent, with exit code 2', async () => {
    await withAgents(THREE, async (cluster) => {
      cluster.agent('a').configure({ vips: { 'vip-2': '10.77.0.101' } });
      const check = await cluster.agent('a').run(['config', 'check', cluster.agent('a').configFile]);
      expect(check.code).toBe(2);
      expect(check.stdout + check.stderr).toMatch(/vip-1[\s\S]*vip-2|vip-2[\s\S]*vip-1/);
      cluster.agent('a').start();
      expect((await cluster.agent('a').exited()).code).toBe(2);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('trouble that must not spread', () => {
  it('a VIP on an interface nobody has is unserved with a reason; the others are served', async () => {
    const vips = { 'vip-4': { addresses: ['10.77.0.104'], interface: 'nope0' } };
    await withAgents({ ...THREE, sections: { ...STILL, vips } }, async (cluster) => {
      cluster.startAll();
      await cluster.joined();
      await cluster.observatory.until(
        (holders) =>
          [...holders].every(([address, hosts]) => hosts.length === (address === '10.77.0.104' ? 0 : 1)),
        { within: 15_000, what: 'all but vip-4 served' },
      );
      await eventually('status says that vip-4 is unserved for want of nope0', async () => {
        const status = await cluster.agent('a').status();
        const vip = status?.vips.find(({ vip: id }) => id === 'vip-4');
        return vip?.state === 'unserved' && JSON.stringify(status).includes('nope0');
      });
    });
  });

  it('the disk of the log is full: the agent serves, takes over and answers all the same', async () => {
    await withAgents(THREE, async (cluster) => {
      const agent = cluster.agent('a');
      const folder = `${agent.host.folder}/log`;
      const made = await agent.host.exec([
        'sh',
        '-c',
        `mkdir ${folder} && mount -t tmpfs -o size=16k tmpfs ${folder}`,
      ]);
      expect(made.stderr).toBe('');
      try {
        agent.configure({ log: { file: `${folder}/agent.log`, level: 'trace' } });
        cluster.startAll();
        await cluster.served();
        await cluster.joined();
        await agent.host.exec(['sh', '-c', `cat /dev/zero > ${folder}/fill`]);
        expect(statfsSync(folder).bavail).toBe(0);
        // The last page of the log has room yet: it is written on until there is none.
        await eventually('a line of the log finds no room', async () => {
          agent.signal('SIGHUP');
          return ((await agent.status())?.counters['log_errors'] ?? 0) > 0;
        });
        const sighting = await during(cluster, async () => {
          await Promise.all([cluster.host('b').powerOff(), cluster.host('c').powerOff()]);
          await cluster.served([['a']]);
        });
        expectNeverTwo(sighting);
        expect(await agent.status()).toMatchObject({ self: 'a' });
      } finally {
        await agent.host.exec(['umount', '-l', folder]);
      }
    });
  });

  it('SIGHUP with a good file adds a VIP; with a bad one everything stays as it was and the fault is said', async () => {
    await withCluster(THREE, async (cluster) => {
      const before = await cluster.observatory.holders();
      const bad = await during(cluster, async () => {
        writeFileSync(cluster.agent('a').configFile, 'cluster: lab\nvips: {vip-1: 10.77.0.300}\n');
        cluster.agent('a').signal('SIGHUP');
        await eventually('the bad file is named in the log', () => /10\.77\.0\.300/.test(log(cluster, 'a')));
      });
      expect(cluster.agent('a').running).toBe(true);
      expect(bad.holders).toEqual(before);
      expectOutageBelow(bad, TAKEOVER_MAX);

      for (const agent of cluster.agents) {
        agent.configure({ vips: { 'vip-5': '10.77.0.105' } });
        agent.signal('SIGHUP');
      }
      await eventually('the new VIP is held by one host', async () => {
        const status = await cluster.agent('a').status();
        return status?.vips.find(({ vip }) => vip === 'vip-5')?.state === 'held';
      });
      await cluster.served();
    });
  });

  it('the log never shows the key', async () => {
    await withCluster(THREE, async (cluster) => {
      const key = readFileSync('/run/lab/cluster.key', 'utf8').trim();
      expect(cluster.names.map((name) => log(cluster, name)).join('')).not.toContain(key);
    });
  });
});

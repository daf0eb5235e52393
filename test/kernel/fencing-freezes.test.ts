/**
 * Processes of a host stand still and run again. While they stand, guardian or kernel take the addresses away; when they run
 * again, nothing goes up that was not asked for anew.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { Cgroup } from './cgroup.ts';
import {
  cameUp,
  expectFenced,
  GUARDIAN_TIMEOUT,
  goneAfter,
  LEASE_BOUND,
  SLACK,
  THREE,
} from './fencing-scene.ts';
import { during, expectNeverTwo, heldBy, NO_WORLD, STILL, withCluster } from './vocabulary.ts';

function signalAll(cluster: Cluster, host: string, signal: NodeJS.Signals): void {
  for (const pid of cluster.host(host).processes()) process.kill(pid, signal);
}

/** The host held nothing just before, takes nothing while it finds its way back, and serves in the group again. */
async function expectThawed(cluster: Cluster, victim: string, thaw: () => unknown): Promise<void> {
  expect(await heldBy(cluster, victim), 'held just before the thaw').toEqual([]);
  const before = await cluster.observatory.holders();
  const since = monotonicNow();
  const sighting = await during(cluster, async () => {
    await thaw();
    await cluster.joined();
  });
  expect(await cameUp(cluster, victim, since), 'put up after the thaw').toEqual([]);
  expectNeverTwo(sighting);
  expect(sighting.outages).toEqual([]);
  expect(sighting.holders).toEqual(before);
}

describe.skipIf(NO_WORLD !== undefined)('frozen', () => {
  it('the agent alone: its guardian misses the ticks', async () => {
    await withCluster(THREE, async (cluster) => {
      const { victim } = await expectFenced(cluster, (name) => cluster.agent(name).signal('SIGSTOP'), {
        what: 'agent stopped',
        goneWithin: GUARDIAN_TIMEOUT + SLACK,
        goneAfter: 500,
      });
      await expectThawed(cluster, victim, () => cluster.agent(victim).signal('SIGCONT'));
    });
  });

  it('agent and guardian, for longer than the lease: the kernel drops the addresses before the thaw', async () => {
    await withCluster(THREE, async (cluster) => {
      const { victim } = await expectFenced(cluster, (name) => signalAll(cluster, name, 'SIGSTOP'), {
        what: 'agent and guardian stopped',
        goneWithin: LEASE_BOUND + SLACK,
        goneAfter: 1000,
      });
      await expectThawed(cluster, victim, () => signalAll(cluster, victim, 'SIGCONT'));
    });
  });

  it('by the freezer of control groups, as a container runtime pauses', async ({ skip, onTestFinished }) => {
    const group = Cgroup.make('unified', 'cgroup.freeze');
    if (typeof group === 'string') return skip(group);
    onTestFinished(() => group.remove());
    await withCluster(THREE, async (cluster) => {
      const { victim } = await expectFenced(
        cluster,
        (name) => {
          for (const pid of cluster.host(name).processes()) group.add(pid);
          group.set('cgroup.freeze', '1');
        },
        { what: 'cgroup.freeze', goneWithin: LEASE_BOUND + SLACK, goneAfter: 1000 },
      );
      expect(group.get('cgroup.events')).toContain('frozen 1');
      await expectThawed(cluster, victim, () => group.set('cgroup.freeze', '0'));
    });
  });

  it('agent and guardian, thawed before the lease ends: gives up first, asks later', async () => {
    await withCluster(THREE, async (cluster) => {
      const victim = await cluster.busiest();
      const held = await heldBy(cluster, victim);
      let thawed = 0;
      const sighting = await during(cluster, async () => {
        signalAll(cluster, victim, 'SIGSTOP');
        await sleep(1600);
        expect(await heldBy(cluster, victim), 'the kernel still has them').toEqual(held);
        thawed = monotonicNow();
        signalAll(cluster, victim, 'SIGCONT');
        await cluster.joined();
        await cluster.served();
      });
      // Alone for a moment it may ask the link and take what is silent; but not before it has let go of all it had.
      const gone = await goneAfter(cluster, { victim, held, at: thawed });
      console.log(`thawed before the lease ended: given up after ${gone.toFixed(0)} ms`);
      expect(gone).toBeLessThan(SLACK);
      expectNeverTwo(sighting);
    });
  });

  it('while it still repeats where its addresses are: thawed, it does not speak for what it lost', async () => {
    const repeats = Array.from({ length: 32 }, (_, at) => `${50 + 50 * at}ms`);
    const sections = { ...STILL, providers: { local: { announce_repeat: repeats } } };
    await withCluster({ ...THREE, sections }, async (cluster) => {
      const { victim } = await expectFenced(cluster, (name) => signalAll(cluster, name, 'SIGSTOP'), {
        what: 'stopped while announcing',
        goneWithin: LEASE_BOUND + SLACK,
      });
      await expectThawed(cluster, victim, () => signalAll(cluster, victim, 'SIGCONT'));
    });
  });

  it('all hosts at once, for longer than the lease: nobody has anything before the thaw, everything is served after it', async () => {
    await withCluster(THREE, async (cluster) => {
      const sighting = await during(cluster, async () => {
        for (const name of cluster.names) signalAll(cluster, name, 'SIGSTOP');
        await sleep(LEASE_BOUND + SLACK);
        const frozen = await cluster.observatory.holders();
        expect([...frozen.values()].flat(), 'addresses that outlived the lease').toEqual([]);
        const thawed = monotonicNow();
        for (const name of cluster.names) signalAll(cluster, name, 'SIGCONT');
        await cluster.served();
        console.log(`all thawed: served after ${(monotonicNow() - thawed).toFixed(0)} ms`);
      });
      expectNeverTwo(sighting);
    });
  });
});

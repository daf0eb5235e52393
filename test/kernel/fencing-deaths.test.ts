/** Processes of a host die: the agent, its guardian, both at once, in every way a process can be made to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import { Cgroup } from './cgroup.ts';
import {
  expectFenced,
  guardianOf,
  guardianPid,
  LEASE_BOUND,
  logged,
  plant,
  SLACK,
  serveFaulty,
  THREE,
} from './fencing-scene.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  heldBy,
  NO_WORLD,
  TAKEOVER_MAX,
  withAgents,
  withCluster,
} from './vocabulary.ts';

/** What the guardian needs on a busy machine, ms. */
const BY_GUARDIAN = 500;

describe.skipIf(NO_WORLD !== undefined)('the agent dies', () => {
  it('killed: the guardian removes its addresses', async () => {
    await withCluster(THREE, async (cluster) => {
      const { outage } = await expectFenced(cluster, (name) => cluster.agent(name).signal('SIGKILL'), {
        what: 'agent killed',
        goneWithin: BY_GUARDIAN,
      });
      expect(outage).toBeLessThan(TAKEOVER_MAX);
    });
  });

  it.each([
    ['an uncaught error', 'throw', 'a planted error'],
    ['an unhandled rejection', 'reject', 'a planted rejection'],
  ] as const)(
    'by %s: it says so, ends with 70, and the guardian removes its addresses',
    async (what, kind, says) => {
      await withAgents(THREE, async (cluster) => {
        await serveFaulty(cluster);
        const { victim } = await expectFenced(
          cluster,
          (name) => plant(cluster.agent(name), { kind, thread: 'main' }),
          {
            what,
            goneWithin: BY_GUARDIAN,
          },
        );
        expect(await cluster.agent(victim).exited()).toEqual({ code: 70, signal: null });
        await logged(cluster.agent(victim), says);
      });
    },
  );

  it('by a memory fault of one of its threads: the guardian removes its addresses', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const { victim } = await expectFenced(
        cluster,
        (name) => plant(cluster.agent(name), { kind: 'segfault', thread: 'group' }),
        { what: 'segmentation fault of the group thread', goneWithin: BY_GUARDIAN },
      );
      expect((await cluster.agent(victim).exited()).signal).toBe('SIGSEGV');
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('the guardian dies', () => {
  it('a new one comes, knows what is held, and nothing is lost', async () => {
    await withCluster(THREE, async (cluster) => {
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const before = await cluster.observatory.holders();
      const first = guardianPid(agent);
      const sighting = await during(cluster, async () => {
        process.kill(first, 'SIGKILL');
        const at = monotonicNow();
        await eventually('a new guardian runs', () => ![undefined, first].includes(guardianOf(agent)));
        console.log(`guardian killed: a new one runs after ${(monotonicNow() - at).toFixed(0)} ms`);
      });
      expectNeverTwo(sighting);
      expect(sighting.outages, 'a client saw nothing').toEqual([]);
      expect(sighting.holders).toEqual(before);
      await expectFenced(cluster, () => agent.signal('SIGKILL'), {
        what: 'agent killed after its guardian was',
        goneWithin: BY_GUARDIAN,
      });
    });
  });

  it('or is stopped, and so guards nothing: it is replaced, and nothing is lost', async () => {
    await withCluster(THREE, async (cluster) => {
      const agent = cluster.agent(await cluster.busiest());
      const first = guardianPid(agent);
      const sighting = await during(cluster, async () => {
        process.kill(first, 'SIGSTOP');
        const at = monotonicNow();
        await eventually(
          'a new guardian runs',
          () => ![undefined, first].includes(guardianOf(agent)),
          20_000,
        );
        console.log(`guardian stopped: a new one runs after ${(monotonicNow() - at).toFixed(0)} ms`);
        await sleep(1000);
      });
      expectNeverTwo(sighting);
      expect(sighting.outages).toEqual([]);
      await expectFenced(cluster, () => agent.signal('SIGKILL'), {
        what: 'agent killed after its guardian was stopped',
        goneWithin: BY_GUARDIAN,
      });
    });
  });

  it('again and again: said in log and status, served on, and guarded again when it can be', async () => {
    await withCluster(THREE, async (cluster) => {
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const held = await heldBy(cluster, victim);
      const warned = async () => JSON.stringify((await agent.status())?.warnings ?? '').includes('guardian');
      const sighting = await during(cluster, async () => {
        await eventually('status warns', async () => {
          const pid = guardianOf(agent);
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
          return warned();
        });
        await logged(agent, 'provider in trouble');
        await eventually(
          'the warning is gone',
          async () => guardianOf(agent) !== undefined && !(await warned()),
        );
        await logged(agent, 'provider well again');
      });
      expectNeverTwo(sighting);
      expect(sighting.outages).toEqual([]);
      expect(await heldBy(cluster, victim)).toEqual(held);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('agent and guardian die in one instant', () => {
  it('killed together: the kernel ends the lease, and nobody takes over before', async () => {
    await withCluster(THREE, async (cluster) => {
      await expectFenced(cluster, (name) => cluster.host(name).killAll(), {
        what: 'agent and guardian killed',
        goneWithin: LEASE_BOUND + SLACK,
        goneAfter: 1000,
      });
    });
  });

  it('by cgroup.kill, as a service manager or a container runtime does', async ({ skip, onTestFinished }) => {
    const group = Cgroup.make('unified', 'cgroup.kill');
    if (typeof group === 'string') return skip(group);
    onTestFinished(() => group.remove());
    await withCluster(THREE, async (cluster) => {
      await expectFenced(
        cluster,
        (name) => {
          for (const pid of cluster.host(name).processes()) group.add(pid);
          group.set('cgroup.kill', '1');
        },
        { what: 'cgroup.kill', goneWithin: LEASE_BOUND + SLACK, goneAfter: 1000 },
      );
    });
  });

  it('the agent started again meanwhile sweeps what is left, and takes nothing that others serve', async () => {
    await withCluster(THREE, async (cluster) => {
      await expectFenced(
        cluster,
        async (name) => {
          cluster.host(name).killAll();
          await cluster.agent(name).exited();
          cluster.agent(name).start();
        },
        { what: 'both killed, agent started again', goneWithin: 3000, survivors: cluster.names },
      );
      await cluster.joined();
      const before = await cluster.observatory.holders();
      const sighting = await during(cluster, () => sleep(2000));
      expectNeverTwo(sighting);
      expect(sighting.outages).toEqual([]);
      expect(sighting.holders, 'a join moves nothing').toEqual(before);
    });
  });
});

/** What an agent needs runs out, or lies: memory, descriptors, disk, the wall clock. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../src/lab/agent-process.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { Cgroup } from './cgroup.ts';
import { expectFenced, guardianOf, guardianPid, logged, plant, serveFaulty, THREE } from './fencing-scene.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  NO_WORLD,
  TAKEOVER_MAX,
  withAgents,
  withCluster,
} from './vocabulary.ts';

/** Filling the memory takes its time; so much may pass until the end. */
const FILLED_WITHIN = 10_000;

async function expectUnmoved(cluster: Cluster, action: () => Promise<unknown>): Promise<void> {
  const before = await cluster.observatory.holders();
  const sighting = await during(cluster, action);
  expectNeverTwo(sighting);
  expect(sighting.outages, 'what a client noticed').toEqual([]);
  expect(sighting.holders).toEqual(before);
}

async function warningsOf(agent: AgentProcess): Promise<string> {
  return JSON.stringify((await agent.status())?.warnings ?? ['no answer']);
}

describe.skipIf(NO_WORLD !== undefined)('memory runs out', () => {
  it("at the runtime's own limit: the process aborts, and the guardian removes the addresses", async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster, ['--max-old-space-size=100']);
      const { victim } = await expectFenced(
        cluster,
        (name) => plant(cluster.agent(name), { thread: 'main', kind: 'heap' }),
        { what: 'heap limit', goneWithin: FILLED_WITHIN },
      );
      expect((await cluster.agent(victim).exited()).signal).toBe('SIGABRT');
    });
  });

  it("at its control group's limit: the kernel kills it, and the guardian removes the addresses", async ({
    skip,
    onTestFinished,
  }) => {
    const group = Cgroup.make('memory', 'memory.limit_in_bytes');
    if (typeof group === 'string') return skip(group);
    onTestFinished(() => group.remove());
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const { victim } = await expectFenced(
        cluster,
        (name) => {
          for (const pid of cluster.host(name).processes()) group.add(pid);
          // What it has already is counted elsewhere: this is for what comes.
          group.set('memory.limit_in_bytes', String(64 << 20));
          plant(cluster.agent(name), { thread: 'main', kind: 'buffers' });
        },
        { what: 'memory limit of the control group', goneWithin: FILLED_WITHIN },
      );
      expect((await cluster.agent(victim).exited()).signal).toBe('SIGKILL');
      expect(Number(group.get('memory.failcnt'))).toBeGreaterThan(0);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('descriptors run out', () => {
  it('serves on, says so where it can, and is whole again when there are some', async () => {
    await withCluster(THREE, async (cluster) => {
      const agent = cluster.agent(await cluster.busiest());
      const limit = (soft: number) =>
        execFileSync('prlimit', ['--pid', String(agent.pid), `--nofile=${soft}:`]);
      await expectUnmoved(cluster, async () => {
        // Those that are open stay; there is no new one.
        limit(4);
        await sleep(1500);
        expect(await agent.status(), 'an answer needs a descriptor').toBeUndefined();
        process.kill(guardianPid(agent), 'SIGKILL');
        await logged(agent, 'provider in trouble');
        await logged(agent, 'EMFILE');
        await sleep(1500);
        limit(4096);
        await eventually('it is guarded again', () => guardianOf(agent) !== undefined);
        await eventually('status has nothing to warn of', async () => (await warningsOf(agent)) === '[]');
      });
      expect(agent.running).toBe(true);
    });
  });

  it('a member that comes back meanwhile waits outside, holding nothing, and gets in when there are some', async () => {
    await withCluster(THREE, async (cluster) => {
      const agent = cluster.agent(await cluster.busiest());
      const [returning = ''] = cluster.others(agent.host.name);
      const limit = (soft: number) =>
        execFileSync('prlimit', ['--pid', String(agent.pid), `--nofile=${soft}:`]);
      const sighting = await during(cluster, async () => {
        limit(4);
        await cluster.agent(returning).stop();
        cluster.agent(returning).start();
        await eventually(
          'it waits',
          async () => (await cluster.agent(returning).status())?.phase === 'outranked',
        );
        await cluster.served([cluster.others(returning)]);
        await logged(agent, 'nobody can reach this agent anew');
        limit(4096);
        await cluster.joined();
        await cluster.served();
        await logged(agent, 'there are file descriptors again');
      });
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, HANDOFF_MAX);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('the disk is full', () => {
  it('of the log: serves on, status says it, and the log goes on when there is room', async () => {
    await withAgents(THREE, async (cluster) => {
      const folder = (agent: AgentProcess) => `${agent.host.folder}/log`;
      for (const agent of cluster.agents) {
        mkdirSync(folder(agent));
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder(agent)]);
        agent.configure({ log: { file: `${folder(agent)}/agent.log` } });
      }
      try {
        cluster.startAll();
        await cluster.served();
        await cluster.joined();
        const agent = cluster.agent(await cluster.busiest());
        await expectUnmoved(cluster, async () => {
          fill(`${folder(agent)}/filler`);
          await eventually('status says that the log cannot be written', async () => {
            await agent.ask({ kind: 'reload' });
            return (await warningsOf(agent)).includes('ENOSPC');
          });
          rmSync(`${folder(agent)}/filler`);
          await eventually('status has nothing to warn of', async () => (await warningsOf(agent)) === '[]');
        });
        expect((await agent.status())?.counters['log_errors']).toBeGreaterThan(0);
      } finally {
        for (const agent of cluster.agents) {
          agent.host.killAll();
          await agent.exited();
          execFileSync('umount', ['--lazy', folder(agent)]);
        }
      }
    });
  });
});

/** Writes until the file system has no room for another byte. */
function fill(file: string): void {
  for (let size = 64 << 10; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

describe.skipIf(NO_WORLD !== undefined)('the wall clock steps', () => {
  const DAY = 86_400_000;

  it('forth and back by days, differently on each host: nothing moves, and takeovers go on', async () => {
    await withAgents(THREE, async (cluster) => {
      await serveFaulty(cluster);
      const step = (name: string, off: number) =>
        plant(cluster.agent(name), { thread: 'main', kind: 'clock', off_ms: off });
      await expectUnmoved(cluster, async () => {
        for (const days of [1, -2, 30]) {
          step('a', days * DAY);
          step('b', -days * DAY);
          await sleep(1500);
        }
        // The step has arrived: who is asked tells the time it believes in.
        await cluster.agent('a').ask({ kind: 'reload' });
        await logged(cluster.agent('a'), new Date(Date.now() + 30 * DAY).toISOString().slice(0, 10));
      });
      const victim = await cluster.busiest();
      const sighting = await during(cluster, async () => {
        cluster.agent(victim).signal('SIGKILL');
        await cluster.served([cluster.others(victim)]);
        step(victim === 'a' ? 'b' : 'a', 0);
        const at = monotonicNow();
        cluster.agent(victim).start();
        await cluster.joined();
        console.log(`joined hosts of another day after ${(monotonicNow() - at).toFixed(0)} ms`);
      });
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, TAKEOVER_MAX);
    });
  });
});

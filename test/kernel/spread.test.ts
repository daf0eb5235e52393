/**
 * The whole product on Spread: a daemon on each host, agents with `engine: spread`, and everything that happens to hosts, agents,
 * daemons and networks. Never two, always one, and what a daemon takes with it is released at once.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Cluster } from '../../src/lab/cluster.ts';
import { lastRelease } from '../../src/lab/custody.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type DaemonKind, daemonKinds, nameOfKind, SpreadSite, TIMES } from './spread-site.ts';
import {
  answered,
  BY_GUARDIAN,
  during,
  expectMuteLetsGo,
  expectNeverTwo,
  expectOutageBelow,
  expectRejoined,
  expectSurvived,
  HANDOFF_MAX,
  heldBy,
  NO_WORLD,
  STILL,
  victimOf,
} from './vocabulary.ts';

/** After so long without a delivery an agent gives its daemon up, ms. */
const DAEMON_TIMEOUT = 8000;
/** The ring notices and forms anew, and then what a takeover needs on a busy machine, ms. */
const RING_MAX = TIMES.token + TIMES.seg + TIMES.gather + 3000;
/** Before it nobody knows that a daemon is gone, ms. */
const RING_MIN = TIMES.token - TIMES.hurry + TIMES.seg + TIMES.gather;
/** What `lease` is unless configured, ms. */
const LEASE = 3000;
/** A lost connection is known at once, and releasing takes milliseconds; the rest is for a busy machine. */
const AT_ONCE = 500;

/** Six processes more than other kernel tests have, on a machine that may be busy, ms. */
const PATIENCE = 40_000;
const TEST_MAX = 240_000;

const HOSTS = ['a', 'b', 'c'];
const GROUP = {
  engine: 'spread',
  daemon: '4803@localhost',
  members: HOSTS,
  daemon_timeout: `${DAEMON_TIMEOUT}ms`,
  ...{ listen: undefined, peers: undefined, profile: undefined, key_file: undefined },
};

interface Stage {
  readonly cluster: Cluster;
  readonly site: SpreadSite;
}

interface SpreadOptions {
  readonly sections?: object;
  /** Before the agents are started. */
  readonly prepare?: (cluster: Cluster) => Promise<void>;
}

async function withSpread(
  kind: DaemonKind,
  body: (stage: Stage) => Promise<void>,
  { sections = {}, prepare }: SpreadOptions = {},
): Promise<void> {
  const settings = { ...STILL, group: GROUP, ...sections };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: PATIENCE, sections: settings });
  let site: SpreadSite | undefined;
  try {
    site = await SpreadSite.open(cluster.observatory.lab, kind);
    await prepare?.(cluster);
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await answered(cluster);
    await body({ cluster, site });
  } catch (error) {
    if (error instanceof Error) error.message += `\n${cluster.logs(25)}\n${site?.logs() ?? ''}`;
    throw error;
  } finally {
    site?.close();
    await cluster.close();
  }
}

/** How long after `at` the host held the last of what it held then, ms. */
async function releasedAfter(cluster: Cluster, host: string, at: number): Promise<number | undefined> {
  const { holds } = await cluster.observatory.custody();
  return lastRelease(holds, { host, at });
}

/** A file of the original, imported on each host; where the lab has its socket is all that is added. */
async function importOriginal(cluster: Cluster): Promise<void> {
  const { addresses } = cluster.observatory;
  const interfaces = addresses.map((address) => `  eth0:${address}/32`);
  const notified = '  eth0:10.77.0.0/24 throttle 16\n  arp-cache';
  const settings = 'Spread = 4803@localhost\nGroup = lab\nMature = 1s\nPrefer None';
  const original = `${settings}\nVirtualInterfaces {\n${interfaces.join('\n')}\n}\nNotify {\n${notified}\n}\n`;
  for (const agent of cluster.agents) {
    const file = `${agent.host.folder}/wackamole.conf`;
    writeFileSync(file, original);
    const imported = await agent.run(['config', 'import', file]);
    expect(imported, imported.stderr).toMatchObject({ code: 0 });
    const own = `member: ${agent.host.name}\ncontrol: { socket: ${agent.socket} }\n`;
    writeFileSync(agent.configFile, `${imported.stdout}${own}`);
    const checked = await agent.run(['config', 'check', agent.configFile]);
    expect(checked, checked.stderr).toMatchObject({ code: 0 });
  }
}

for (const kind of NO_WORLD === undefined ? daemonKinds() : (['double'] as const)) {
  const what = `agents on Spread: ${nameOfKind(kind)}`;
  describe.skipIf(NO_WORLD !== undefined)(what, { timeout: TEST_MAX }, () => {
    it('agent killed: its guardian clears the host, the others hear it from their daemons at once', async () => {
      await withSpread(kind, async ({ cluster }) => {
        const victim = await expectSurvived(cluster, (name) => cluster.agent(name).signal('SIGKILL'), {
          goneWithin: BY_GUARDIAN,
          how: 'process',
        });
        await expectRejoined(cluster, () => cluster.agent(victim).start());
      });
    });

    it('whoever comes from the original imports the old file, and is running', async () => {
      const survive = async ({ cluster }: Stage) => {
        const kill = (name: string) => cluster.agent(name).signal('SIGKILL');
        await expectSurvived(cluster, kill, { goneWithin: BY_GUARDIAN, how: 'process' });
      };
      await withSpread(kind, survive, { prepare: importOriginal });
    });

    it('agent stopped politely: handed over', async () => {
      await withSpread(kind, async ({ cluster }) => {
        const victim = await expectSurvived(cluster, (name) => cluster.agent(name).stop(), {
          outageBelow: HANDOFF_MAX,
          how: 'leave',
        });
        expect(await cluster.agent(victim).exited()).toEqual({ code: 0, signal: null });
        await expectRejoined(cluster, () => cluster.agent(victim).start());
      });
    });

    it('daemon killed: its host releases at once, the others take over, and it rejoins when the daemon is back', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        const victim = await expectSurvived(cluster, (name) => site.signal(name, 'SIGKILL'), {
          outageBelow: RING_MAX,
          goneWithin: AT_ONCE,
        });
        expect(cluster.agent(victim).logTail(200)).toContain('CONNECTION_CLOSED');
        await expectRejoined(cluster, () => site.start(victim));
      });
    });

    it('daemon stopped politely says no more than one that is killed', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        const victim = await expectSurvived(cluster, (name) => site.signal(name, 'SIGTERM'), {
          outageBelow: RING_MAX,
          goneWithin: AT_ONCE,
        });
        await expectRejoined(cluster, () => site.start(victim));
      });
    });

    it('daemon hangs: given up after daemon_timeout, and nobody takes over before its host has released', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        const victim = await expectSurvived(cluster, (name) => site.signal(name, 'SIGSTOP'), {
          outageBelow: DAEMON_TIMEOUT + RING_MAX,
          goneWithin: DAEMON_TIMEOUT + 1500,
        });
        expect(cluster.agent(victim).logTail(200)).toContain('has delivered nothing');
        await expectRejoined(cluster, () => site.signal(victim, 'SIGCONT'));
      });
    });

    it('daemon restarted before anybody noticed: its host releases, and all meet again', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        const victim = await victimOf(cluster);
        const at = monotonicNow();
        const sighting = await during(cluster, async () => {
          await site.signal(victim, 'SIGKILL');
          await site.start(victim);
          await cluster.joined();
          await cluster.served();
        });
        expectNeverTwo(sighting);
        expectOutageBelow(sighting, RING_MAX);
        expect(await releasedAfter(cluster, victim, at)).toBeLessThan(AT_ONCE + sighting.stall_ms);
      });
    });

    it('network cut and mended: each side serves, then one of all', async () => {
      await withSpread(kind, async ({ cluster }) => {
        const split = await during(cluster, async () => {
          await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
          await cluster.served([['a', 'b'], ['c']]);
        });
        expectNeverTwo(split);
        expectOutageBelow(split, RING_MAX);
        const healed = await during(
          cluster,
          async () => {
            await cluster.observatory.lab.heal();
            await cluster.joined();
            await cluster.served();
          },
          2000,
        );
        // Spread finds out after up to LookupTimeout that there is one network again; until then both sides serve.
        const together = healed.duplicates.filter(({ merging }) => !merging);
        expect(together, 'held by two at once, not by the merge').toEqual([]);
        const longest = Math.max(0, ...healed.duplicates.map(({ from, to }) => to - from));
        expect(longest, 'held by both sides (ms)').toBeLessThan(TIMES.lookup + TIMES.gather + RING_MAX);
      });
    });

    it('nobody hears b: it hears that others announce what it holds, and lets go', async () => {
      await withSpread(kind, async ({ cluster }) => {
        await expectMuteLetsGo(cluster, RING_MAX);
      });
    });

    it('with policy primary the smaller side of a cut serves nothing', async () => {
      await withSpread(
        kind,
        async ({ cluster }) => {
          const split = await during(cluster, async () => {
            await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
            await cluster.served([['a', 'b']]);
          });
          expectNeverTwo(split);
          expect(await heldBy(cluster, 'c')).toEqual([]);
          await cluster.observatory.lab.heal();
          await cluster.joined();
          await cluster.served();
        },
        { sections: { policy: 'primary' } },
      );
    });

    it('power of a host lost and back', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        const victim = await expectSurvived(cluster, (name) => cluster.host(name).powerOff(), {
          outageBelow: RING_MAX,
        });
        await expectRejoined(cluster, async () => {
          await cluster.host(victim).powerOn();
          await site.start(victim);
          cluster.agent(victim).start();
        });
      });
    });

    it('power lost, where takeovers are strict: nobody takes over before its lease must be over', async () => {
      const strict = { sections: { agent: { takeover: 'strict' } } };
      await withSpread(
        kind,
        async ({ cluster }) => {
          const victim = await victimOf(cluster);
          const held = await heldBy(cluster, victim);
          const sighting = await during(cluster, async () => {
            await cluster.host(victim).powerOff();
            await cluster.served([cluster.others(victim)]);
          });
          const waited = sighting.outages.filter(({ address }) => held.includes(address));
          expect(waited).toHaveLength(held.length);
          for (const { from, to } of waited) expect(to - from).toBeGreaterThan(RING_MIN + LEASE);
          expectNeverTwo(sighting);
          expectOutageBelow(sighting, RING_MAX + 2 * LEASE);
        },
        strict,
      );
    });

    it('everything restarted in turn, agents and daemons: always one, never two', async () => {
      await withSpread(kind, async ({ cluster, site }) => {
        for (const name of HOSTS) {
          const sighting = await during(cluster, async () => {
            await cluster.agent(name).stop();
            await site.signal(name, 'SIGTERM');
            await cluster.served([cluster.others(name)]);
            await sleep(200);
            await site.start(name);
            cluster.agent(name).start();
            await cluster.joined();
            await cluster.served();
          });
          expectNeverTwo(sighting);
          expectOutageBelow(sighting, HANDOFF_MAX);
        }
      });
    });
  });
}

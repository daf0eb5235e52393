/**
 * What hosts and links can do to agents on corosync besides what happens to their daemons (`corosync.test.ts`): the faults of `faults.test.ts`,
 * `fencing-freezes.test.ts` and `partitions.test.ts`, with the same demands. The stories of one description are told of one cluster,
 * each from where the last one left it: everything serves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import { NO_COROSYNC } from './corosync-site.ts';
import { GROUP, PATIENCE, RING_MAX, Stage, TEST_MAX } from './corosync-stage.ts';
import { cameUp, LEASE_BOUND, SLACK } from './fencing-scene.ts';
import {
  answered,
  during,
  eventually,
  expectMuteLetsGo,
  expectNeverTwo,
  expectOnlyVictimMoved,
  expectOutageBelow,
  expectRejoined,
  expectSurvived,
  HANDOFF_MAX,
  heldBy,
  TAKEOVER_MAX,
  victimOf,
} from './vocabulary.ts';

/** What `lease` is unless configured, ms. */
const LEASE = 3000;
/** What it says, and what to do. */
const NO_DAEMON =
  'CS_ERR_LIBRARY from cpg_initialize: no connection to corosync; start it on this host (systemctl start corosync)';
/** What `announce_refresh` is with corosync unless configured, ms. */
const REFRESH = 3000;
const HOSTS = ['a', 'b', 'c'];
const SECTIONS = { group: { ...GROUP, members: HOSTS } };
const KNET = { transport: 'knet' } as const;

describe.skipIf(NO_COROSYNC !== undefined)('hosts and links fail under agents on corosync', () => {
  const stage = new Stage();
  beforeAll(() => stage.open(SECTIONS, KNET), TEST_MAX);
  afterAll(() => stage.close());

  /** Agent and guardian of the host, and not its daemon. */
  function ours(name: string): readonly number[] {
    const daemon = stage.site.pid(name);
    return stage.cluster
      .host(name)
      .processes()
      .filter((pid) => pid !== daemon);
  }

  function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
    for (const pid of pids) process.kill(pid, signal);
  }

  /** None of them sees another die. */
  function killTogether(pids: readonly number[]): void {
    signalAll(pids, 'SIGSTOP');
    signalAll(pids, 'SIGKILL');
  }

  stage.tell(
    'agent and guardian killed in one instant while corosync lives: the lease ends the hold, and nobody takes over before',
    async () => {
      const { cluster } = stage;
      const victim = await expectSurvived(cluster, (name) => killTogether(ours(name)), {
        outageBelow: LEASE_BOUND + TAKEOVER_MAX,
        how: 'process',
      });
      await expectRejoined(cluster, () => cluster.agent(victim).start());
    },
  );

  stage.tell('agent, guardian and corosync killed in one instant: the same', async () => {
    const { cluster, site } = stage;
    const victim = await expectSurvived(cluster, (name) => cluster.host(name).killAll(), {
      outageBelow: LEASE_BOUND + RING_MAX,
    });
    await expectRejoined(cluster, async () => {
      await site.start(victim);
      cluster.agent(victim).start();
    });
  });

  stage.tell(
    'a holder answers no echoes, and all of its processes die: nobody takes its VIPs before they are free',
    async () => {
      const { cluster, site } = stage;
      const victim = await victimOf(cluster);
      const before = await cluster.observatory.holders();
      const deafen = async (deaf: 0 | 1) => {
        const done = await cluster
          .host(victim)
          .exec(['sysctl', '-qw', `net.ipv4.icmp_echo_ignore_all=${deaf}`]);
        expect(done.stderr).toBe('');
      };
      await deafen(1);
      const dead = await during(cluster, async () => {
        cluster.host(victim).killAll();
        await cluster.served([cluster.others(victim)]);
      });
      expectNeverTwo(dead);
      expectOnlyVictimMoved(before, dead.holders, victim);
      await deafen(0);
      await expectRejoined(cluster, async () => {
        await site.start(victim);
        cluster.agent(victim).start();
      });
    },
  );

  stage.tell(
    'agent and guardian frozen while corosync lives, thawed after the lease: the kernel drops the addresses, nothing comes back',
    async () => {
      const { cluster } = stage;
      const victim = await expectSurvived(cluster, (name) => signalAll(ours(name), 'SIGSTOP'), {
        outageBelow: LEASE_BOUND + TAKEOVER_MAX,
        goneWithin: LEASE_BOUND + SLACK,
      });
      await expectThawed(victim, () => signalAll(ours(victim), 'SIGCONT'));
    },
  );

  stage.tell('whole host frozen, corosync too, and thawed after the lease: the same', async () => {
    const { cluster } = stage;
    const victim = await expectSurvived(
      cluster,
      (name) => signalAll(cluster.host(name).processes(), 'SIGSTOP'),
      { outageBelow: LEASE_BOUND + RING_MAX, goneWithin: LEASE_BOUND + SLACK },
    );
    await sleep(1000);
    await expectThawed(victim, () => signalAll(cluster.host(victim).processes(), 'SIGCONT'));
  });

  async function expectThawed(victim: string, thaw: () => unknown): Promise<void> {
    const { cluster } = stage;
    expect(await heldBy(cluster, victim), 'held just before the thaw').toEqual([]);
    const since = monotonicNow();
    await expectRejoined(cluster, thaw);
    expect(await cameUp(cluster, victim, since), 'put up after the thaw').toEqual([]);
  }

  stage.tell('whole host frozen, thawed before the lease ends: never two', async () => {
    const { cluster } = stage;
    const victim = await victimOf(cluster);
    const held = await heldBy(cluster, victim);
    const sighting = await during(cluster, async () => {
      signalAll(cluster.host(victim).processes(), 'SIGSTOP');
      await sleep(1600);
      expect(await heldBy(cluster, victim), 'the kernel still has them').toEqual(held);
      signalAll(cluster.host(victim).processes(), 'SIGCONT');
      await cluster.joined();
      await cluster.served();
    });
    expectNeverTwo(sighting);
    expectOutageBelow(sighting, LEASE_BOUND + RING_MAX);
  });

  stage.tell(
    'all hosts frozen at once, for longer than the lease: nobody has anything before the thaw, everything is served after it',
    async () => {
      const { cluster } = stage;
      const all = (signal: NodeJS.Signals) => {
        for (const name of HOSTS) signalAll(cluster.host(name).processes(), signal);
      };
      const sighting = await during(cluster, async () => {
        all('SIGSTOP');
        await sleep(LEASE_BOUND + SLACK);
        const frozen = await cluster.observatory.holders();
        expect([...frozen.values()].flat(), 'addresses that outlived the lease').toEqual([]);
        all('SIGCONT');
        await cluster.joined();
        await cluster.served();
      });
      expectNeverTwo(sighting);
    },
  );

  stage.tell('switch port isolated, with carrier: both sides serve, and merge afterwards', async () => {
    const { cluster } = stage;
    await answered(cluster);
    const victim = await victimOf(cluster);
    const alone = await during(cluster, async () => {
      await cluster.host(victim).isolatePort();
      await cluster.served([cluster.others(victim), [victim]]);
    });
    expectNeverTwo(alone);
    expectOutageBelow(alone, RING_MAX);
    const merged = await during(cluster, async () => {
      await cluster.host(victim).plugCable();
      await cluster.joined();
      await cluster.served();
    });
    expectNeverTwo(merged);
    expectOutageBelow(merged, HANDOFF_MAX);
  });

  stage.tell('two of three lose power at once, and come back', async () => {
    const { cluster, site } = stage;
    const sighting = await during(cluster, async () => {
      await Promise.all(['a', 'b'].map((name) => cluster.host(name).powerOff()));
      await cluster.served([['c']]);
    });
    expectNeverTwo(sighting);
    expectOutageBelow(sighting, RING_MAX);
    await expectRejoined(cluster, async () => {
      for (const name of ['a', 'b']) {
        await cluster.host(name).powerOn();
        await site.start(name);
        cluster.agent(name).start();
      }
    });
    await cluster.balanced();
  });
});

describe.skipIf(NO_COROSYNC !== undefined)(
  'frames are lost in one direction under agents on corosync',
  () => {
    const stage = new Stage();
    beforeAll(() => stage.open({ ...SECTIONS, policy: 'primary' }, KNET), TEST_MAX);
    afterAll(() => stage.close());

    stage.tell(
      'nobody hears b: with policy primary it lets go when its corosync has lost quorum',
      async () => {
        const { cluster } = stage;
        const deaf = await during(cluster, async () => {
          await cluster.observatory.lab.loseOneWay([
            { from: 'b', to: 'a' },
            { from: 'b', to: 'c' },
          ]);
          await cluster.served([['a', 'c']]);
        });
        const longest = Math.max(0, ...deaf.duplicates.map(({ from, to }) => to - from));
        console.log(`held by b and by another for ${longest.toFixed(1)} ms at most`);
        expect(longest, 'held by b and by another (ms)').toBeLessThan(RING_MAX);
        expect(await heldBy(cluster, 'b')).toEqual([]);
        await cluster.observatory.lab.heal();
        await cluster.joined();
        await cluster.served();
      },
    );
  },
);

describe.skipIf(NO_COROSYNC !== undefined)(
  'frames are lost in one direction under agents on corosync, policy component',
  () => {
    const stage = new Stage();
    beforeAll(() => stage.open(SECTIONS, KNET), TEST_MAX);
    afterAll(() => stage.close());

    stage.tell('nobody hears b: it hears that others announce what it holds, and lets go', async () => {
      await expectMuteLetsGo(stage.cluster, RING_MAX);
    });

    stage.tell(
      'nobody hears b, which held nothing: it hears that others still have what it took over',
      async () => {
        const { cluster } = stage;
        await cluster.agent('b').stop();
        await cluster.served([cluster.others('b')]);
        await expectRejoined(cluster, () => cluster.agent('b').start());
        await expectMuteLetsGo(cluster, 2 * REFRESH + RING_MAX);
      },
    );

    stage.tell('b hears nobody: it takes everything, and the others, being more, go on serving', async () => {
      const { cluster } = stage;
      const others = cluster.others('b');
      const deaf = await during(
        cluster,
        async () => {
          await cluster.observatory.lab.loseOneWay(others.map((from) => ({ from, to: 'b' })));
          await cluster.served([others, ['b']]);
        },
        3 * REFRESH,
      );
      for (const [address, hosts] of deaf.holders) expect(hosts, `holders of ${address}`).toHaveLength(2);
      expectOutageBelow(deaf, HANDOFF_MAX);
      const said = JSON.stringify(await cluster.agent(others[0]!).status());
      expect(said).toContain('which this host holds, and does not hear this host, which others hear');
      await cluster.observatory.lab.heal();
      await cluster.joined();
      await cluster.served();
    });
  },
);

describe.skipIf(NO_COROSYNC !== undefined)(
  'frames are lost in one direction between two hosts under agents on corosync, policy component',
  () => {
    const stage = new Stage();
    const hosts = ['a', 'b'];
    beforeAll(
      () => stage.open({ group: { ...GROUP, members: hosts } }, { ...KNET, hosts: hosts.length }),
      TEST_MAX,
    );
    afterAll(() => stage.close());

    stage.tell('a does not hear b: b, which hears a, lets go, and a serves everything', async () => {
      await expectMuteLetsGo(stage.cluster, RING_MAX);
    });
  },
);

describe.skipIf(NO_COROSYNC !== undefined)('agents on corosync whose takeovers are strict', () => {
  const stage = new Stage();
  beforeAll(() => stage.open({ ...SECTIONS, agent: { takeover: 'strict' } }, KNET), TEST_MAX);
  afterAll(() => stage.close());

  stage.tell('power lost: nobody takes over before the lease must be over', async () => {
    const { cluster } = stage;
    await answered(cluster);
    const victim = await victimOf(cluster);
    const held = await heldBy(cluster, victim);
    const sighting = await during(cluster, async () => {
      await cluster.host(victim).powerOff();
      await cluster.served([cluster.others(victim)]);
    });
    const waited = sighting.outages.filter(({ address }) => held.includes(address));
    expect(waited).toHaveLength(held.length);
    for (const { from, to } of waited) expect(to - from).toBeGreaterThan(LEASE);
    expectNeverTwo(sighting);
    expectOutageBelow(sighting, 2 * LEASE + RING_MAX);
  });
});

describe.skipIf(NO_COROSYNC !== undefined)('an agent where corosync has never run', () => {
  const stage = new Stage();
  beforeAll(() => stage.build(SECTIONS, KNET), TEST_MAX);
  afterAll(() => stage.close());

  stage.tell('says so, holds nothing, and serves when the daemon comes up', async () => {
    const { cluster, site } = stage;
    cluster.agent('a').start();
    await eventually(
      'it says what is missing',
      () => cluster.agent('a').logTail(200).includes(NO_DAEMON),
      PATIENCE,
    );
    expect(await heldBy(cluster, 'a')).toEqual([]);
    expect((await cluster.agent('a').status())?.phase, 'between two attempts, or in one').toMatch(
      /^(detached|joining)$/,
    );
    await site.start('a');
    await cluster.served([['a']]);
  });
});

/**
 * The whole product on corosync: a real daemon on each host, agents with `engine: corosync`, and everything that happens to hosts,
 * agents, daemons and networks. Never two, always one, and what a daemon takes with it is released at once. The stories of one
 * description are told of one cluster, each from where the last one left it: everything serves.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import { NO_COROSYNC } from './corosync-site.ts';
import { AT_ONCE, GROUP, PATIENCE, RING_MAX, Stage, TEST_MAX } from './corosync-stage.ts';
import {
  BY_GUARDIAN,
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  expectRejoined,
  expectSurvived,
  HANDOFF_MAX,
  heldBy,
  TAKEOVER_MAX,
  victimOf,
} from './vocabulary.ts';

/** What `agent_timeout` is unless configured, ms. */
const AGENT_TIMEOUT = 3000;
/** What `lease` is unless configured, ms. */
const LEASE = 3000;
/** A question to the daemon is under way by then: it is asked each 250 ms. Nobody has given it up yet. */
const WAITING_MS = 500;
/** Ticks that a daemon that stands still leaves unanswered, and the release, ms. */
const STANDSTILL_MAX = 3000;
const HOSTS = ['a', 'b', 'c'];

describe.skipIf(NO_COROSYNC !== undefined)('agents on corosync', () => {
  const stage = new Stage();
  beforeAll(() => stage.open({ group: { ...GROUP, members: HOSTS } }, { transport: 'knet' }), TEST_MAX);
  afterAll(() => stage.close());

  stage.tell(
    'agent killed: its guardian clears the host, the others hear it from their daemons at once',
    async () => {
      const { cluster } = stage;
      const victim = await expectSurvived(cluster, (name) => cluster.agent(name).signal('SIGKILL'), {
        goneWithin: BY_GUARDIAN,
        how: 'process',
      });
      await expectRejoined(cluster, () => cluster.agent(victim).start());
    },
  );

  stage.tell('agent stopped politely: handed over', async () => {
    const { cluster } = stage;
    const victim = await expectSurvived(cluster, (name) => cluster.agent(name).stop(), {
      outageBelow: HANDOFF_MAX,
      how: 'leave',
    });
    expect(await cluster.agent(victim).exited()).toEqual({ code: 0, signal: null });
    await expectRejoined(cluster, () => cluster.agent(victim).start());
  });

  stage.tell(
    'daemon killed: its host releases at once, the others take over, and it rejoins when the daemon is back',
    async () => {
      const { cluster, site } = stage;
      const victim = await expectSurvived(cluster, (name) => site.signal(name, 'SIGKILL'), {
        outageBelow: RING_MAX,
        goneWithin: AT_ONCE,
      });
      expect(cluster.agent(victim).logTail(200)).toContain('CS_ERR_LIBRARY');
      await expectRejoined(cluster, () => site.start(victim));
    },
  );

  stage.tell(
    'agent frozen for longer than its lease, and thawed: its guardian clears the host, the others pass it over, and it hears of it',
    async () => {
      const { cluster } = stage;
      const victim = await expectSurvived(cluster, (name) => cluster.agent(name).signal('SIGSTOP'), {
        outageBelow: AGENT_TIMEOUT + TAKEOVER_MAX,
        goneWithin: LEASE,
        how: 'process',
      });
      await sleep(LEASE);
      expect(await heldBy(cluster, victim)).toEqual([]);
      await expectRejoined(cluster, () => cluster.agent(victim).signal('SIGCONT'));
      expect(cluster.agent(victim).logTail(200)).toContain('the others passed us over');
    },
  );

  stage.tell(
    'daemon killed while our thread waits for its answer: known at once, long before the thread comes back',
    async () => {
      const { cluster, site } = stage;
      const victim = await victimOf(cluster);
      await site.signal(victim, 'SIGSTOP');
      await sleep(WAITING_MS);
      const at = monotonicNow();
      const sighting = await during(cluster, async () => {
        await site.signal(victim, 'SIGKILL');
        await cluster.served([cluster.others(victim)]);
      });
      expectNeverTwo(sighting);
      expect(await stage.releasedAfter(victim, at)).toBeLessThan(AT_ONCE + sighting.stall_ms);
      expect(cluster.agent(victim).logTail(200)).toContain('corosync has closed the connection');
      await expectRejoined(cluster, () => site.start(victim));
    },
  );

  stage.tell(
    'daemon stands still: given up before a second and a half is over, and it rejoins when the daemon goes on',
    async () => {
      const { cluster, site } = stage;
      const victim = await expectSurvived(cluster, (name) => site.signal(name, 'SIGSTOP'), {
        outageBelow: RING_MAX,
        goneWithin: STANDSTILL_MAX,
      });
      expect(cluster.agent(victim).logTail(200)).toContain('corosync does not answer any more');
      // Several attempts to come back, none of which may keep the agent from the next.
      await sleep(3000);
      await expectRejoined(cluster, () => site.signal(victim, 'SIGCONT'));
    },
  );

  stage.tell('an agent stops though its daemon stands still', async () => {
    const { cluster, site } = stage;
    const victim = await victimOf(cluster);
    await site.signal(victim, 'SIGSTOP');
    await cluster.served([cluster.others(victim)]);
    await sleep(1000);
    await cluster.agent(victim).stop();
    expect(await cluster.agent(victim).exited()).toEqual({ code: 0, signal: null });
    await expectRejoined(cluster, async () => {
      await site.signal(victim, 'SIGCONT');
      cluster.agent(victim).start();
    });
  });

  stage.tell('daemon restarted before anybody noticed: its host releases, and all meet again', async () => {
    const { cluster, site } = stage;
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
    expect(await stage.releasedAfter(victim, at)).toBeLessThan(AT_ONCE + sighting.stall_ms);
  });

  stage.tell('network cut and mended: each side serves, then one of all', async () => {
    const { cluster } = stage;
    const { lab } = cluster.observatory;
    const split = await during(cluster, async () => {
      await lab.partition([['a', 'b'], ['c']]);
      await cluster.served([['a', 'b'], ['c']]);
    });
    expectNeverTwo(split);
    const healed = await during(cluster, async () => {
      await lab.heal();
      await cluster.joined();
      await cluster.served();
    });
    expectNeverTwo(healed);
    expectOutageBelow(healed, HANDOFF_MAX);
  });

  stage.tell('cable pulled and plugged', async () => {
    const { cluster } = stage;
    const victim = await expectSurvived(cluster, (name) => cluster.host(name).pullCable(), {
      outageBelow: RING_MAX,
    });
    await expectRejoined(cluster, () => cluster.host(victim).plugCable());
  });

  stage.tell('power of a host lost and back', async () => {
    const { cluster, site } = stage;
    const victim = await expectSurvived(cluster, (name) => cluster.host(name).powerOff(), {
      outageBelow: RING_MAX,
    });
    await expectRejoined(cluster, async () => {
      await cluster.host(victim).powerOn();
      await site.start(victim);
      cluster.agent(victim).start();
    });
  });

  stage.tell('everything restarted in turn, agents and daemons: always one, never two', async () => {
    const { cluster, site } = stage;
    for (const name of HOSTS) {
      const sighting = await during(cluster, async () => {
        await cluster.agent(name).stop();
        await site.signal(name, 'SIGTERM');
        await cluster.served([cluster.others(name)]);
        await site.start(name);
        cluster.agent(name).start();
        await cluster.joined();
        await cluster.served();
      });
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, HANDOFF_MAX);
    }
  });

  stage.tell('what killed daemons have left in shared memory goes with the site', async () => {
    const { site } = stage;
    expect(site.shared()).not.toEqual([]);
    await site.close();
    expect(site.shared()).toEqual([]);
  });
});

describe.skipIf(NO_COROSYNC !== undefined)('agents on corosync with policy primary', () => {
  const stage = new Stage();
  beforeAll(() => stage.open({ policy: 'primary' }, { transport: 'knet' }), TEST_MAX);
  afterAll(() => stage.close());

  stage.tell('the quorum of corosync decides: the smaller side of a cut serves nothing', async () => {
    const { cluster } = stage;
    const split = await during(cluster, async () => {
      await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
      await cluster.served([['a', 'b']]);
    });
    expectNeverTwo(split);
    expect(await heldBy(cluster, 'c')).toEqual([]);
    const healed = await during(cluster, async () => {
      await cluster.observatory.lab.heal();
      await cluster.joined();
      await cluster.served();
    });
    expectNeverTwo(healed);
    expect(healed.outage_ms, 'who had quorum serves on').toBeLessThan(HANDOFF_MAX + healed.stall_ms);
  });

  stage.tell('quorum lost with the second of three daemons, and back with it', async () => {
    const { cluster, site } = stage;
    for (const name of ['b', 'c']) await site.signal(name, 'SIGKILL');
    await cluster.observatory.until((holders) => [...holders.values()].every((hosts) => hosts.length === 0), {
      within: RING_MAX + PATIENCE,
      what: 'nobody holds anything without quorum',
    });
    await eventually('it says why', () =>
      cluster.agent('a').logTail(200).includes('corosync has no quorum here'),
    );
    await site.start('b');
    await cluster.served([['a', 'b']]);
    await site.start('c');
    await cluster.joined();
    await cluster.served();
  });
});

describe.skipIf(NO_COROSYNC !== undefined)('a machine without libcpg', () => {
  it('is told in one line what to install, by the agent and by its examination', {
    timeout: TEST_MAX,
  }, () => {
    const folder = mkdtempSync('/run/lab/without-');
    const file = `${folder}/w.yaml`;
    const control = `control: { socket: ${folder}/w.sock }`;
    const group = 'group: { engine: corosync }\nproviders: { memory: {} }\nvips: { v: 10.0.0.1 }';
    writeFileSync(file, `cluster: web\n${group}\n${control}\n`);
    writeFileSync(`${folder}/nothing`, '');
    const without = (...words: string[]) => {
      const hide = `mount --bind ${folder}/nothing "$(readlink -f "$(ldconfig -p | sed -n 's/.*libcpg.so.4.* => //p' | head -1)")"`;
      const script = `${hide} && exec "$0" "$@"`;
      const program = process.env['WACKAMOLE_PROGRAM']!;
      const argv = [
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        script,
        process.execPath,
        program,
        ...words,
      ];
      return spawnSync('unshare', argv, { encoding: 'utf8' });
    };
    const agent = without('agent', '-c', file);
    expect(agent.status).toBe(1);
    // Its log goes there too.
    const lines = agent.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    expect(lines).toEqual([
      expect.stringMatching(
        /^the agent cannot start: engine corosync needs libcpg4, .*apt install libcpg4/,
      ) as string,
    ]);
    const examined = without('config', 'check', '--host', file);
    expect(examined.stdout).toMatch(/^fail +corosync: .*apt install libcpg4/m);
    expect(examined.status).not.toBe(0);
  });
});

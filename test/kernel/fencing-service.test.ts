/** Under a service manager: what it hears over a real socket, when it must kill, and that the clean-up after an end leaves nothing. */
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { ip } from '../../src/lab/iproute.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { faultyPrefix, guardianOf, logged, plant, THREE } from './fencing-scene.ts';
import { ServiceDouble, type ServiceSettings } from './service-double.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  heldBy,
  NO_WORLD,
  STILL,
  withAgents,
  withCluster,
} from './vocabulary.ts';

const WATCHDOG = 3000;

/** All agents run, that of host a as a service. */
async function withService(
  settings: ServiceSettings,
  body: (cluster: Cluster, service: ServiceDouble) => Promise<void>,
): Promise<void> {
  await withAgents(THREE, async (cluster) => {
    const agent = cluster.agent('a');
    const service = new ServiceDouble(agent, { ...settings, prefix: faultyPrefix(agent) });
    try {
      service.start();
      for (const name of ['b', 'c']) cluster.agent(name).start();
      await cluster.served();
      await cluster.joined();
      await body(cluster, service);
    } finally {
      service.close();
    }
  });
}

describe.skipIf(NO_WORLD !== undefined)('the service manager', () => {
  it('hears READY when the agent has settled, its state, its pulse, a reload and the end', async () => {
    await withService({ watchdog: WATCHDOG }, async (cluster, service) => {
      await eventually('READY', () => service.times('READY') === 1);
      expect(service.heard.find((notice) => 'READY' in notice)).toMatchObject({
        MAINPID: String(service.agent.pid),
        STATUS: expect.stringMatching(/^settled/),
      });
      const held = await heldBy(cluster, 'a');
      await eventually('the status line says what is held', () =>
        service.status.startsWith(`settled; holds ${held.length} of 10 VIPs: vip-`),
      );
      const pulses = service.times('WATCHDOG');
      await sleep(WATCHDOG);
      expect(service.times('WATCHDOG') - pulses).toBeGreaterThanOrEqual(2);
      service.agent.signal('SIGHUP');
      await eventually(
        'the reload is over',
        () => service.times('RELOADING') === 1 && service.times('READY') === 2,
      );
      const reload = service.heard.find((notice) => 'RELOADING' in notice);
      const age = monotonicNow() - Number(reload?.['MONOTONIC_USEC']) / 1000;
      expect(age).toBeGreaterThan(0);
      expect(age).toBeLessThan(10_000);
      expect(await service.agent.stop()).toEqual({ code: 0, signal: null });
      expect(service.heard.at(-1)).toMatchObject({ STOPPING: '1' });
      await eventually('the clean-up is through', () => service.ends.length === 1);
      expect(service.ends[0]?.cleanup).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nothing to remove'),
      });
    });
  });

  it('may listen at an abstract name', async () => {
    await withService({ socket: '@manager/notify' }, async (_, service) => {
      await eventually('READY', () => service.times('READY') === 1);
      expect(service.times('WATCHDOG'), 'nobody asked for a pulse').toBe(0);
    });
  });

  it('is not told that an agent is ready which has not joined yet', async () => {
    const sections = { ...STILL, control: { socket: '/run/lab/taken/by/nobody' } };
    await withAgents({ ...THREE, sections }, async (cluster) => {
      const service = new ServiceDouble(cluster.agent('a'));
      writeFileSync('/run/lab/taken', 'a file where a folder would be');
      service.start();
      await eventually('it gives up', () => service.ends.length === 1);
      service.close();
      rmSync('/run/lab/taken');
      expect(service.ends[0]?.exit.code).toBe(1);
      expect(service.times('READY')).toBe(0);
    });
  });

  it('kills an agent whose main thread is blocked, cleans up, and starts it again', async () => {
    await withService({ watchdog: WATCHDOG, restart: true }, async (cluster, service) => {
      const sighting = await during(cluster, async () => {
        const at = monotonicNow();
        plant(service.agent, { thread: 'main', kind: 'block', for_ms: 3_600_000 });
        await eventually('it is killed', () => service.ends.length === 1);
        console.log(
          `main thread blocked: killed and cleaned up after ${(monotonicNow() - at).toFixed(0)} ms`,
        );
        await eventually('it is ready again', () => service.times('READY') === 2);
        await cluster.joined();
        await cluster.served();
      });
      expect(service.ends[0]).toMatchObject({ watchdog: true, cleanup: { code: 0 } });
      expectNeverTwo(sighting);
    });
  });

  it('gets no pulse from an agent whose guardian cannot run, and kills it', async () => {
    await withService({ watchdog: WATCHDOG, restart: true }, async (cluster, service) => {
      const sighting = await during(cluster, async () => {
        await eventually(
          'it is killed',
          () => {
            const guardian = service.agent.running ? guardianOf(service.agent) : undefined;
            if (guardian !== undefined && service.ends.length === 0) process.kill(guardian, 'SIGKILL');
            return service.ends.length === 1;
          },
          20_000,
        );
        await eventually('it is ready again', () => service.times('READY') === 2);
        await cluster.joined();
        await cluster.served();
      });
      expect(
        service.heard.some((notice) =>
          notice['STATUS']?.startsWith('not well: provider local: the guardian'),
        ),
      ).toBe(true);
      expect(service.ends[0]?.watchdog).toBe(true);
      // Nobody was there to remove anything but the clean-up.
      expect(service.ends[0]?.cleanup).toMatchObject({ code: 0, stdout: expect.stringContaining('removed') });
      expectNeverTwo(sighting);
    });
  });

  it('leaves an agent alone that helps itself: a new group thread instead of one that hangs', async () => {
    await withService({ watchdog: 10_000 }, async (cluster, service) => {
      plant(service.agent, { thread: 'group', kind: 'block', for_ms: 3_600_000 });
      await logged(service.agent, 'thread hangs');
      await cluster.joined();
      const pulses = service.times('WATCHDOG');
      await eventually('its pulse goes on', () => service.times('WATCHDOG') > pulses);
      await eventually('it says how it is', () => service.status.startsWith('settled'));
      expect(service.ends).toEqual([]);
    });
  });
});

describe.skipIf(NO_WORLD !== undefined)('cleanup', () => {
  /** Long enough that no lease ends meanwhile. */
  const LEASED = { ...THREE, sections: { ...STILL, providers: { local: { lease: '60s' } } } };

  it('after agent and guardian were killed: removes what they left, and nothing of others', async () => {
    await withCluster(LEASED, async (cluster) => {
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const left = await heldBy(cluster, victim);
      // In the subnet of a VIP, beside it, and one that only looks like ours.
      const strangers = ['10.77.0.231/16', '10.77.0.232/32', 'fd77::1:ffff/128'];
      await ip(
        strangers.map((address) => `addr add ${address} dev eth0`),
        victim,
      );
      agent.host.killAll();
      await agent.exited();
      expect(await heldBy(cluster, victim), 'the leases run for long').toEqual(left);
      writeFileSync(agent.configFile, '{ this is: [no configuration');

      const dry = await agent.run(['cleanup', '--dry-run', '--config', agent.configFile]);
      expect(dry.code).toBe(0);
      expect(dry.stdout.match(/^would remove /gm)).toHaveLength(left.length);
      expect(await heldBy(cluster, victim), 'a dry run removes nothing').toEqual(left);

      const sighting = await during(cluster, async () => {
        const real = await agent.run(['cleanup', '--config', agent.configFile]);
        expect(real).toMatchObject({ code: 0, stderr: '' });
        for (const address of left)
          expect(real.stdout).toMatch(new RegExp(`^removed ${address}/\\d+ from eth0$`, 'm'));
        expect(real.stdout.trim().split('\n')).toHaveLength(left.length);
        expect(await heldBy(cluster, victim)).toEqual([]);
        await cluster.served([cluster.others(victim)]);
      });
      expectNeverTwo(sighting);
      const addresses = (await agent.host.exec(['ip', '-o', 'address', 'show', 'dev', 'eth0'])).stdout;
      for (const stranger of [...strangers, agent.host.plan.ipv4, agent.host.plan.ipv6])
        expect(addresses).toContain(` ${stranger}`);

      const again = await agent.run(['cleanup', '--config', agent.configFile]);
      expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to remove') });
    });
  });

  it('refuses beside a running agent, and says so; forced, the agent finds its way back', async () => {
    await withCluster(THREE, async (cluster) => {
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const before = await cluster.observatory.holders();
      const refused = await agent.run(['cleanup', '--config', agent.configFile]);
      expect(refused).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('an agent is running'),
      });
      expect(await cluster.observatory.holders()).toEqual(before);
      const sighting = await during(cluster, async () => {
        const forced = await agent.run(['cleanup', '--force']);
        expect(forced.code, forced.stderr).toBe(0);
        await cluster.served();
      });
      expectNeverTwo(sighting);
    });
  });

  it('without the right to: says which addresses stay, and what is needed', async () => {
    await withCluster(LEASED, async (cluster) => {
      const victim = await cluster.busiest();
      const left = await heldBy(cluster, victim);
      cluster.host(victim).killAll();
      const { code, stderr, stdout } = await cluster
        .agent(victim)
        .run(['cleanup', '--force'], ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr.match(/CAP_NET_ADMIN/g)).toHaveLength(left.length);
      expect(await heldBy(cluster, victim)).toEqual(left);
    });
  });
});

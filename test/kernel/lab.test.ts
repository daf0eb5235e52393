/** The instruments themselves: what is done to the lab is what both observers see. No agent takes part. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { Observatory } from '../../src/lab/observatory.ts';
import { type VipPlan, vipPlans } from '../../src/lab/plan.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { eventually, NO_WORLD } from './vocabulary.ts';

const VIPS = vipPlans(10, 3);

async function put(lab: Lab, host: string, vips: readonly VipPlan[]): Promise<void> {
  for (const { address, family } of vips) {
    const prefix = family === 4 ? [`${address}/32`] : [`${address}/128`, 'nodad'];
    const done = await lab.host(host).exec(['ip', 'addr', 'add', ...prefix, 'dev', 'eth0']);
    expect(done.stderr).toBe('');
  }
}

async function withObservatory(
  hosts: number,
  body: (observatory: Observatory) => Promise<void>,
): Promise<void> {
  const observatory = await Observatory.open({ hosts, vips: VIPS });
  try {
    await body(observatory);
  } finally {
    await observatory.close();
  }
}

/** All VIPs on host a, answering. */
async function allOnA(observatory: Observatory): Promise<void> {
  await put(observatory.lab, 'a', VIPS);
  await eventually('all VIPs answer', () =>
    observatory.addresses.every((address) => observatory.client.up(address)),
  );
}

describe.skipIf(NO_WORLD !== undefined)('the lab', () => {
  it('sees nothing wrong when nothing is wrong, and asks at the pace it should', async () => {
    await withObservatory(3, async (observatory) => {
      await allOnA(observatory);
      await observatory.client.outages({ from: 0, to: 0 });
      const before = observatory.client.counts;
      const from = monotonicNow();
      await sleep(1000);
      const sighting = await observatory.sighting(from);
      expect(sighting.outages).toEqual([]);
      expect(sighting.duplicates).toEqual([]);
      const sent = (observatory.client.counts?.sent ?? 0) - (before?.sent ?? 0);
      expect(sent, 'requests sent in a second').toBeGreaterThan(2000);
    });
  });

  it('measures a cable that is out for 300 ms as an outage of that length for every VIP', async () => {
    await withObservatory(2, async (observatory) => {
      await allOnA(observatory);
      const from = monotonicNow();
      await observatory.lab.host('a').pullCable();
      await sleep(300);
      await observatory.lab.host('a').plugCable();
      await sleep(300);
      const { outages, outage_ms } = await observatory.sighting(from);
      expect(new Set(outages.map(({ address }) => address)).size).toBe(VIPS.length);
      expect(outage_ms).toBeGreaterThan(270);
      expect(outage_ms).toBeLessThan(900);
    });
  });

  it('sees a duplicate of connected hosts, none of separated ones, and a merging one after the heal', async () => {
    await withObservatory(3, async (observatory) => {
      const { lab } = observatory;
      const [first] = VIPS;
      await put(lab, 'a', [first!]);
      await lab.partition([['a'], ['b', 'c']]);
      await put(lab, 'b', [first!]);
      await sleep(50);
      expect((await observatory.custody()).duplicates).toEqual([]);
      await lab.heal();
      await sleep(50);
      await put(lab, 'c', [first!]);
      await sleep(50);
      const { duplicates } = await observatory.custody();
      expect(duplicates.map(({ hosts, merging }) => [hosts.join(' '), merging])).toEqual(
        expect.arrayContaining([
          ['a b', true],
          ['a c', false],
          ['b c', false],
        ]),
      );
    });
  });

  it('a partition keeps the carrier; a pulled cable does not; a host that boots remembers no address', async () => {
    await withObservatory(3, async ({ lab }) => {
      const carrier = async (host: string) =>
        (await lab.host(host).exec(['ip', '-br', 'link', 'show', 'eth0'])).stdout;
      await lab.partition([['a'], ['b'], ['c']]);
      expect(await carrier('b')).toMatch(/LOWER_UP/);
      await lab.host('b').pullCable();
      expect(await carrier('b')).toMatch(/NO-CARRIER/);
      await put(lab, 'c', VIPS);
      await lab.host('c').powerOff();
      await lab.host('c').powerOn();
      const { stdout } = await lab.host('c').exec(['ip', '-br', 'addr', 'show', 'eth0']);
      expect(stdout).toContain('10.77.0.3/16');
      expect(stdout).not.toContain(VIPS[0]!.address);
    });
  });

  it('power off kills whatever runs on the host, detached or not', async () => {
    await withObservatory(2, async ({ lab }) => {
      lab.host('a').spawn(['setsid', 'sh', '-c', 'trap "" TERM HUP; while :; do sleep 1; done']);
      await eventually('it runs', () => lab.host('a').processes().length > 0);
      await lab.host('a').powerOff();
      await eventually('nothing runs', () => lab.host('a').processes().length === 0);
    });
  });

  it('what is left in shared memory goes with its world', async () => {
    const left = `/dev/shm/left-${process.pid}`;
    expect(await enterWorld(['sh', '-c', `echo x > ${left} && test -s ${left}`])).toBe(0);
    expect(existsSync(left)).toBe(false);
  });

  it('a world dies with the process that made it, and is none to anybody else', async () => {
    expect(insideWorld()).toBe(true);
    expect(await enterWorld(['sh', '-c', 'exit 7'])).toBe(7);
    const world = new URL('../../src/lab/world.ts', import.meta.url).pathname;
    const script = `import { enterWorld } from ${JSON.stringify(world)}; await enterWorld(['sh', '-c', 'echo up; ip netns add x; sleep 1000']);`;
    const before = networks();
    const outer = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => outer.stdout.once('data', resolve));
    expect(networks().size).toBeGreaterThan(before.size);
    outer.kill('SIGKILL');
    await eventually('its network is gone', () => networks().size === before.size);
  });
});

/** Network namespaces that some process lives in. */
function networks(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      found.add(readlinkSync(`/proc/${entry}/ns/net`));
    } catch {
      // The process has just ended.
    }
  }
  return found;
}

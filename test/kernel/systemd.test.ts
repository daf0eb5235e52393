/**
 * The package on hosts that a real systemd runs: from its installation to the first VIP served, what systemd sees and does of an agent, and
 * an upgrade under traffic. Each host has systemd as its first process (booted-host.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, ClusterOptions } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { BootedHost } from './booted-host.ts';
import {
  active,
  CONFIG,
  configure,
  DEB,
  debContent,
  debFile,
  giveKey,
  installed,
  PATIENCE,
  packagedProblem,
  STRICT,
  withBareHosts,
} from './packaged-hosts.ts';
import { answered, during, eventually, expectNeverTwo, expectOutageBelow, heldBy } from './vocabulary.ts';

const why = packagedProblem === undefined ? '' : ` (skipped: ${packagedProblem})`;

/** From the beginning of the installation, ms. */
const INSTALLED_MAX = 5000;
/** A handoff on a machine that does nothing else; what the client itself was late by does not count. */
const HANDOFF_MAX = 50;
/** Of a machine that does: as everywhere in these tests. */
const BUSY_MAX = 1000;

/** Whether root may do here what systemd does for OOMScoreAdjust= and LimitNICE= (CAP_SYS_RESOURCE). */
const CAP_SYS_RESOURCE = 24n;
const MAY_RAISE_LIMITS =
  ((BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]}`) >>
    CAP_SYS_RESOURCE) &
    1n) ===
  1n;

let work = '';
let deb: Buffer;
/** The same program as of an older version. */
let oldDeb: Buffer;

beforeAll(() => {
  if (packagedProblem !== undefined) return;
  work = mkdtempSync(join(tmpdir(), 'wackamole-systemd-'));
  const older = join(work, 'older');
  must(['dpkg-deb', '--raw-extract', debFile(), older]);
  const version = '0.0.1';
  edit(join(older, 'DEBIAN/control'), /^Version: .*$/m, `Version: ${version}`);
  edit(join(older, 'usr/lib/wackamole/package.json'), /"version": ".*"/, `"version": "${version}"`);
  must(['dpkg-deb', '--root-owner-group', '-Znone', '--build', older, join(work, 'older.deb')]);
  rmSync(older, { recursive: true });
  deb = debContent();
  oldDeb = readFileSync(join(work, 'older.deb'));
}, 120_000);
afterAll(() => {
  if (work !== '') rmSync(work, { recursive: true, force: true });
});

function must(argv: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

function edit(file: string, what: RegExp, by: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(what, by));
}

/** Hosts that are up, with configuration and key in place and nothing installed. */
function withHosts(
  options: ClusterOptions,
  body: (cluster: Cluster, hosts: readonly BootedHost[]) => Promise<void>,
): Promise<void> {
  return withBareHosts(options, async (cluster, hosts) => {
    for (const host of hosts) await configure(cluster, host);
    await Promise.all(hosts.map(giveKey));
    await body(cluster, hosts);
  });
}

describe.skipIf(why !== '')(`under systemd${why}`, () => {
  it('two hosts: from the installation to the first VIP; what systemd sees, and does', async () => {
    await withHosts({ hosts: 2, vips: 4, ipv6: 1, patience_ms: PATIENCE }, async (cluster, hosts) => {
      await fromInstallationToFirstVip(cluster, hosts);
      const [a] = hosts as [BootedHost, BootedHost];
      await seen(cluster, a);
      await reloads(cluster, a);
      await startsAgain(cluster, a);
    });
  }, 300_000);

  it('three hosts: an upgrade, one after the other, under traffic', async () => {
    await withHosts({ hosts: 3, vips: 6, ipv6: 2, patience_ms: PATIENCE }, async (cluster, hosts) => {
      await Promise.all(hosts.map((host) => installed(host, oldDeb)));
      await cluster.served();
      await answered(cluster);
      const version = () => hosts[0]!.must(['wackamole', '--version']);
      expect((await version()).trim()).toBe('0.0.1');
      const sighting = await during(cluster, async () => {
        for (const host of hosts) {
          await installed(host, deb);
          expect(await active(host)).toBe('active');
          await cluster.served();
        }
      });
      expect((await version()).trim()).not.toBe('0.0.1');
      for (const host of hosts) {
        expect(await host.property('NRestarts'), 'nothing crashed').toBe('0');
        expect(await host.must(['wackamole', 'status', '--json'])).toMatch(/"phase": "settled"/);
      }
      console.log(
        `upgrade of three hosts: worst outage ${sighting.outage_ms.toFixed(0)} ms (the client itself was late by ${sighting.stall_ms.toFixed(0)} ms)`,
      );
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, STRICT ? HANDOFF_MAX : BUSY_MAX);
    });
  }, 300_000);
});

async function fromInstallationToFirstVip(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const { addresses, client } = cluster.observatory;
  await Promise.all(hosts.map((host) => host.write(DEB, deb)));
  const at = monotonicNow();
  const installing = Promise.all(hosts.map((host) => installed(host, deb)));
  await eventually('a VIP is served', () => addresses.some((address) => client.up(address)), 60_000);
  const first = monotonicNow() - at;
  await eventually('every VIP is served', () => addresses.every((address) => client.up(address)), 60_000);
  const all = monotonicNow() - at;
  // It goes on with what other packages want to do (the index of the manual pages) when the service is up.
  await installing;
  const ended = monotonicNow() - at;
  await cluster.served();
  await answered(cluster);
  console.log(
    `installed on two hosts at once: first VIP served after ${first.toFixed(0)} ms, all after ${all.toFixed(0)} ms, the end of dpkg after ${ended.toFixed(0)} ms`,
  );
  if (STRICT) expect(all).toBeLessThan(INSTALLED_MAX);
  for (const host of hosts) {
    expect(await active(host)).toBe('active');
    expect((await host.must(['systemctl', 'is-enabled', 'wackamole'])).trim()).toBe('enabled');
  }
}

/** Its user, rights and priority, and the line that `systemctl status` shows. */
async function seen(cluster: Cluster, host: BootedHost): Promise<void> {
  const held = await heldBy(cluster, host.host.name);
  await eventually('the status line says what is held', async () =>
    (await host.property('StatusText')).startsWith(`settled; holds ${held.length} of 4 VIPs`),
  );
  expect(await host.property('StatusText')).toMatch(/; members: (?:a, b|b, a)$/);
  const pid = await host.property('MainPID');
  const status = await host.must(['cat', `/proc/${pid}/status`]);
  expect(status).toMatch(/^CapEff:\t0000000000003000$/m);
  expect(status).toMatch(/^CapBnd:\t0000000000003000$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  expect(await host.must(['stat', '-c', '%U', `/proc/${pid}`])).toBe('wackamole\n');
  if (MAY_RAISE_LIMITS) {
    expect(await host.must(['cat', `/proc/${pid}/oom_score_adj`])).toBe('-900\n');
    expect(await host.journal()).not.toContain('running at ordinary priority');
  }
  const stat = await host.must(['cat', `/proc/${pid}/stat`]);
  expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16], 'nice').toBe('-20');
  const compiled = await host.must(['find', '/var/cache/wackamole', '-type', 'f', '-user', 'wackamole']);
  expect(compiled.split('\n').length, 'what the runtime has compiled').toBeGreaterThan(2);
  expect(compiled, 'what the check of the configuration found').toMatch(/\/config-[0-9a-f]{16}$/m);
}

async function reloads(cluster: Cluster, host: BootedHost): Promise<void> {
  await host.must(['systemctl', 'reload', 'wackamole']);
  expect(await active(host)).toBe('active');
  const right = await host.must(['cat', CONFIG]);
  await host.write(CONFIG, '{ "cluster": 1 }');
  expect((await host.run(['systemctl', 'reload', 'wackamole'])).code, 'a wrong file is refused').not.toBe(0);
  expect(await active(host)).toBe('active');
  await host.write(CONFIG, right);
  await cluster.served();
}

/** Killed: cleaned up after, started again, and nothing moves for it. */
async function startsAgain(cluster: Cluster, host: BootedHost): Promise<void> {
  const { name } = host.host;
  const others = cluster.others(name);
  const sighting = await during(cluster, async () => {
    for (let time = 1; time <= 2; time += 1) {
      await host.must(['systemctl', 'kill', '--signal=KILL', 'wackamole']);
      await eventually(
        'it is started again',
        async () => (await host.property('NRestarts')) === String(time),
      );
      await eventually('it is back', async () => (await active(host)) === 'active', 30_000);
      await cluster.served();
      expect(await heldBy(cluster, name), 'who comes back is given nothing').toEqual([]);
      for (const other of others) expect(await heldBy(cluster, other)).toHaveLength(4);
    }
  });
  expectNeverTwo(sighting);
  expect(await host.journal()).toContain('nothing to remove');
}

/**
 * The package on hosts that a real systemd runs: from its installation to the first VIP served, what systemd sees and does of an agent, and
 * an upgrade under traffic. Each host has systemd as its first process (booted-host.ts).
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, type ClusterOptions } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { BootedHost, bootProblem } from './booted-host.ts';
import { answered, during, eventually, expectNeverTwo, expectOutageBelow, heldBy } from './vocabulary.ts';

const PACKAGES = process.env['WACKAMOLE_PACKAGES'] ?? '/nowhere';
const problem = existsSync(PACKAGES)
  ? bootProblem()
  : 'no packages were built: there is no dpkg-deb, or a filter left them out';
const why = problem === undefined ? '' : ` (skipped: ${problem})`;

const KEY = `${randomBytes(32).toString('hex')}\n`;
const CONFIG = '/etc/wackamole/wackamole.yaml';
/** From the beginning of the installation, ms. */
const INSTALLED_MAX = 5000;
/** A handoff on a machine that does nothing else; what the client itself was late by does not count. */
const HANDOFF_MAX = 50;
/** Of a machine that does: as everywhere in these tests. */
const BUSY_MAX = 1000;
/** Hosts that boot, packages that unpack: a busy machine takes its time, ms. */
const PATIENCE = 60_000;
const STRICT = process.env['WACKAMOLE_STRICT'] === '1';

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
  if (problem !== undefined) return;
  work = mkdtempSync(join(tmpdir(), 'wackamole-systemd-'));
  const file = join(PACKAGES, readdirSync(PACKAGES).find((name) => name.endsWith(`_${architecture()}.deb`))!);
  const older = join(work, 'older');
  must(['dpkg-deb', '--raw-extract', file, older]);
  const version = '0.0.1';
  edit(join(older, 'DEBIAN/control'), /^Version: .*$/m, `Version: ${version}`);
  edit(join(older, 'usr/lib/wackamole/package.json'), /"version": ".*"/, `"version": "${version}"`);
  must(['dpkg-deb', '--root-owner-group', '-Znone', '--build', older, join(work, 'older.deb')]);
  rmSync(older, { recursive: true });
  deb = readFileSync(file);
  oldDeb = readFileSync(join(work, 'older.deb'));
}, 120_000);
afterAll(() => {
  if (work !== '') rmSync(work, { recursive: true, force: true });
});

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

function must(argv: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

function edit(file: string, what: RegExp, by: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(what, by));
}

/** Hosts that are up, with configuration and key in place and nothing installed. */
async function withHosts(
  options: ClusterOptions,
  body: (cluster: Cluster, hosts: readonly BootedHost[]) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.open(options);
  const hosts: BootedHost[] = [];
  try {
    for (const host of cluster.observatory.lab.hosts) hosts.push(await BootedHost.boot(host));
    for (const host of hosts) await configure(cluster, host);
    await body(cluster, hosts);
  } catch (error) {
    const journals = await Promise.all(
      hosts.map(async (host) => `--- ${host.host.name}\n${await host.journal()}`),
    );
    if (error instanceof Error) error.message += `\n${journals.join('\n').slice(-6000)}`;
    throw error;
  } finally {
    for (const host of hosts) await host.off();
    await cluster.close();
  }
}

async function configure(cluster: Cluster, host: BootedHost): Promise<void> {
  const group = { key_file: '/etc/wackamole/cluster.key' };
  const socket = { control: { socket: undefined } };
  const sections = cluster.agent(host.host.name).configuration({ ...socket, group });
  await host.write(CONFIG, JSON.stringify(sections));
  await host.write('/etc/wackamole/cluster.key', KEY, '600');
}

async function installed(host: BootedHost, content: Buffer): Promise<string> {
  await host.write('/var/tmp/wackamole.deb', content);
  return host.must(['dpkg', '--force-unsafe-io', '--install', '/var/tmp/wackamole.deb']);
}

/** The key is the agent's: a user that comes with the package. */
async function ownKey(host: BootedHost): Promise<void> {
  await host.must(['systemd-sysusers', '-'], 'u wackamole - - /var/lib/wackamole /usr/sbin/nologin\n');
  await host.must(['chown', 'wackamole:', '/etc/wackamole/cluster.key']);
}

const active = (host: BootedHost, unit?: string) => host.property('ActiveState', unit);

describe.skipIf(why !== '')(`under systemd${why}`, () => {
  it('two hosts: from the installation to the first VIP; what systemd sees, and does', async () => {
    await withHosts({ hosts: 2, vips: 4, ipv6: 1, patience_ms: PATIENCE }, async (cluster, hosts) => {
      await Promise.all(hosts.map(ownKey));
      await fromInstallationToFirstVip(cluster, hosts);
      const [a] = hosts as [BootedHost, BootedHost];
      await seen(cluster, a);
      await reloads(cluster, a);
      await startsAgain(cluster, a);
    });
  }, 300_000);

  it('three hosts: an upgrade, one after the other, under traffic', async () => {
    await withHosts({ hosts: 3, vips: 6, ipv6: 2, patience_ms: PATIENCE }, async (cluster, hosts) => {
      await Promise.all(hosts.map(ownKey));
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

  it('without a configuration nothing is started, and it says what is left to do; purged, nothing is left', async () => {
    await withHosts({ hosts: 1, vips: 1 }, async (_, [host]) => {
      if (host === undefined) return;
      await host.must(['rm', '-rf', '/etc/wackamole']);
      const said = await installed(host, deb);
      expect(said).toContain('nothing was started');
      expect(await active(host)).toBe('inactive');
      expect((await host.run(['systemctl', 'is-enabled', 'wackamole'])).stdout.trim()).toBe('disabled');
      expect(await host.must(['id', 'wackamole'])).toContain('wackamole');
      await host.must(['dpkg', '--purge', 'wackamole']);
      const places = ['/etc', '/usr/bin', '/usr/lib', '/usr/share', '/var/cache', '/var/lib'];
      const left = await host.must([
        'find',
        ...places,
        '-xdev',
        '-newer',
        '/etc/machine-id',
        '-iname',
        '*wackamole*',
        '-print',
      ]);
      const ours = left.split('\n').filter((path) => path !== '' && !path.startsWith('/var/lib/dpkg/'));
      expect(ours).toEqual([]);
    });
  }, 120_000);
});

async function fromInstallationToFirstVip(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const { addresses, client } = cluster.observatory;
  await Promise.all(hosts.map((host) => host.write('/var/tmp/wackamole.deb', deb)));
  const at = monotonicNow();
  const installing = Promise.all(hosts.map((host) => installed(host, deb)));
  await eventually('a VIP is served', () => addresses.some((address) => client.up(address)), 60_000);
  const first = monotonicNow() - at;
  await installing;
  await cluster.served();
  await answered(cluster);
  const all = monotonicNow() - at;
  console.log(
    `installed on two hosts at once: first VIP served after ${first.toFixed(0)} ms, all after ${all.toFixed(0)} ms`,
  );
  if (STRICT) expect(first).toBeLessThan(INSTALLED_MAX);
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
  expect(await host.property('StatusText')).toMatch(/; members: a, b$/);
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
  expect(compiled.split('\n').length, 'what the runtime has compiled').toBeGreaterThan(10);
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

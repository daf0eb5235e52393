/**
 * Agents of two clusters side by side on hosts that a real systemd runs, from the package's installation to its removal, and the service
 * without a package: what happens to one agent does not touch the addresses of the other, and in the end nothing is left.
 */
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { servedOnce } from '../../src/lab/cluster.ts';
import type { Sighting } from '../../src/lab/observatory.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { BootedHost } from './booted-host.ts';
import {
  active,
  configure,
  DEB,
  debContent,
  giveKey,
  installed,
  PATIENCE,
  packagedProblem,
  withBareHosts,
} from './packaged-hosts.ts';
import {
  answered,
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  heldBy,
  STILL,
  TAKEOVER_MAX,
} from './vocabulary.ts';

const why = packagedProblem === undefined ? '' : ` (skipped: ${packagedProblem})`;

const VIPS = 8;
/** `vip-7` and `vip-8` are IPv6, and so one of each cluster's. */
const CLUSTERS = { web: { port: 4873, vips: [1, 3, 5, 7] }, db: { port: 4973, vips: [2, 4, 6, 8] } } as const;
type Name = keyof typeof CLUSTERS;
const NAMES: readonly Name[] = ['web', 'db'];
/** `WatchdogSec=` of the unit, and what a busy machine adds, ms. */
const WATCHDOG_MAX = 40_000;

const unit = (name: Name) => `wackamole@${name}.service`;
const file = (name: Name) => `/etc/wackamole/${name}.yaml`;

/** The addresses of one of the clusters. */
function addressesOf(cluster: Cluster, name: Name): readonly string[] {
  const { vips } = cluster.observatory;
  return CLUSTERS[name].vips.map((number) => vips.find(({ id }) => id === `vip-${number}`)!.address);
}

async function configureBoth(cluster: Cluster, host: BootedHost): Promise<void> {
  for (const name of NAMES) {
    const { port, vips } = CLUSTERS[name];
    const own = vips.map((number) => `vip-${number}`);
    const others = cluster.observatory.vips.map(({ id }) => id).filter((id) => !own.includes(id));
    const { hosts } = cluster.observatory.lab;
    const group = {
      listen: `${host.host.plan.ipv4}:${port}`,
      peers: Object.fromEntries(hosts.map(({ name: peer, plan }) => [peer, `${plan.ipv4}:${port}`])),
    };
    const withoutOthers = Object.fromEntries(others.map((id) => [id, undefined]));
    const sections = { cluster: name, group, vips: withoutOthers };
    await configure(cluster, host, { file: file(name), sections });
  }
  await giveKey(host);
}

/** Lines in the journals of a cluster's agents. */
async function said(
  hosts: readonly BootedHost[],
  { by, what }: { readonly by: Name; readonly what: RegExp },
) {
  const journals = await Promise.all(hosts.map((host) => host.journal(unit(by))));
  return journals.flatMap((text) => text.split('\n').filter((line) => what.test(line)));
}

/** While something is done to the agent of one cluster, nothing moves in the other one, if that has no view change of its own. */
async function sparing(
  { cluster, hosts }: Scene,
  { spared, action }: { readonly spared: Name; readonly action: () => Promise<void> },
): Promise<Sighting> {
  const views = { by: spared, what: /"view installed"/ };
  const before = await said(hosts, views);
  const at = monotonicNow();
  const sighting = await during(cluster, action);
  const addresses = addressesOf(cluster, spared);
  const { holds } = await cluster.observatory.custody();
  const moved = holds.filter(
    ({ address, from, to }) => addresses.includes(address) && (from > at || (to ?? 0) > at),
  );
  expect(await said(hosts, { by: spared, what: /behind our back|gone from the interface/ })).toEqual([]);
  if ((await said(hosts, views)).length === before.length)
    expect(moved, `what came and went of ${spared}`).toEqual([]);
  expectNeverTwo(sighting);
  return sighting;
}

interface Scene {
  readonly cluster: Cluster;
  readonly hosts: readonly BootedHost[];
}

describe.skipIf(why !== '')(`clusters side by side under systemd${why}`, () => {
  it('installed, killed, hung, restarted, removed: each touches its own; then without a package', async () => {
    const options = { hosts: 2, vips: VIPS, ipv6: 2, patience_ms: PATIENCE, sections: STILL };
    await withBareHosts(options, async (cluster, hosts) => {
      const scene = { cluster, hosts };
      const [a, b] = hosts as [BootedHost, BootedHost];
      await startsNothing(hosts);
      await bothServe(scene);
      await killed(scene, a);
      await hung(scene, b);
      await restarted(scene, a);
      await removed(cluster, a);
      await withoutPackage(cluster, a);
      await purged(cluster, b);
    });
  }, 600_000);
});

async function startsNothing(hosts: readonly BootedHost[]): Promise<void> {
  const deb = debContent();
  const said = await Promise.all(hosts.map((host) => installed(host, deb)));
  for (const text of said) expect(text).toContain('nothing was started');
  for (const host of hosts) {
    expect(await active(host)).toBe('inactive');
    expect((await host.run(['systemctl', 'is-enabled', 'wackamole'])).stdout.trim()).toBe('disabled');
    expect(await host.must(['id', 'wackamole'])).toContain('wackamole');
  }
}

async function bothServe({ cluster, hosts }: Scene): Promise<void> {
  for (const host of hosts) await configureBoth(cluster, host);
  await Promise.all(hosts.map((host) => host.must(['systemctl', 'enable', '--now', ...NAMES.map(unit)])));
  await cluster.served();
  await answered(cluster);
  for (const host of hosts)
    for (const name of NAMES) {
      const status = await host.must(['wackamole', 'status', '--json', '--config', file(name)]);
      expect(status).toContain(`"cluster": "${name}"`);
      await eventually(
        'its own members and VIPs are shown',
        async () =>
          /^settled; holds \d of 4 VIPs.*; members: (?:a, b|b, a)$/.test(
            await host.property('StatusText', unit(name)),
          ),
        PATIENCE,
      );
    }
}

/** Agent and guardian at once: what is left is the clean-up's, and the other agent's is left alone. */
async function killed(scene: Scene, host: BootedHost): Promise<void> {
  const { cluster } = scene;
  for (const name of NAMES) {
    const spared = NAMES.find((other) => other !== name)!;
    await sparing(scene, {
      spared,
      action: async () => {
        await host.must(['systemctl', 'kill', '--signal=KILL', unit(name)]);
        await eventually(
          'it is started again',
          async () => (await host.property('NRestarts', unit(name))) === '1',
          PATIENCE,
        );
        await eventually('it is back', async () => (await active(host, unit(name))) === 'active', PATIENCE);
        await cluster.served();
      },
    });
  }
}

/** A main process that stands still: served elsewhere long before the service manager ends it. */
async function hung(scene: Scene, host: BootedHost): Promise<void> {
  const { cluster } = scene;
  const { name } = host.host;
  const mine = addressesOf(cluster, 'web');
  const sighting = await sparing(scene, {
    spared: 'db',
    action: async () => {
      const pid = await host.property('MainPID', unit('web'));
      await host.must(['kill', '-STOP', pid]);
      await cluster.observatory.until(
        (holders) =>
          servedOnce(new Map([...holders].filter(([at]) => mine.includes(at))), [cluster.others(name)]),
        { within: PATIENCE, what: 'what the hung agent held is served by the other host' },
      );
      await eventually(
        'the watchdog strikes',
        async () => (await host.property('NRestarts', unit('web'))) === '1',
        WATCHDOG_MAX,
      );
      await eventually('it is back', async () => (await active(host, unit('web'))) === 'active', PATIENCE);
      await cluster.served();
    },
  });
  expect(await host.journal(unit('web'))).toMatch(/Watchdog timeout \(limit 10s\)!/);
  expectOutageBelow(sighting, TAKEOVER_MAX);
}

async function restarted(scene: Scene, host: BootedHost): Promise<void> {
  const sighting = await sparing(scene, {
    spared: 'web',
    action: async () => {
      await host.must(['systemctl', 'restart', unit('db')]);
      await scene.cluster.served();
    },
  });
  expectOutageBelow(sighting, HANDOFF_MAX);
}

/** While it serves: what it held is handed over, and of what it put up nothing is left. */
async function removed(cluster: Cluster, host: BootedHost): Promise<void> {
  const sighting = await during(cluster, async () => {
    await host.must(['dpkg', '--remove', 'wackamole']);
    expect(await heldBy(cluster, host.host.name)).toEqual([]);
    await cluster.served();
  });
  console.log(`package removed from a serving host: worst outage ${sighting.outage_ms.toFixed(0)} ms`);
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, HANDOFF_MAX);
  for (const name of NAMES) expect(await active(host, unit(name))).toBe('inactive');
  expect(await host.must(['ls', '/etc/wackamole'])).toContain('web.yaml');
}

/** From a folder of its own, as from a clone that was built. */
async function withoutPackage(cluster: Cluster, host: BootedHost): Promise<void> {
  const home = '/opt/wackamole/usr/lib/wackamole';
  const units = `${home}/src/install/systemd`;
  await host.must(['dpkg-deb', '--extract', DEB, '/opt/wackamole']);
  await host.must(['mkdir', '-p', units]);
  await host.must(['sh', '-c', `cp /opt/wackamole/usr/lib/systemd/system/*.service ${units}`]);
  await host.must(['cp', '/opt/wackamole/usr/lib/sysusers.d/wackamole.conf', `${units}/wackamole.sysusers`]);
  const program = [`${home}/bin/node`, `${home}/dist/wackamole.js`];
  const said = await host.must([...program, 'install', '--instance', 'web']);
  expect(said).toContain('ran systemctl daemon-reload');
  expect(said).toContain('no agent was started');
  expect(await active(host, unit('web'))).toBe('inactive');
  // Enabled as long as the package was there; its unit would be kept for it.
  await host.must(['systemctl', 'disable', unit('db')]);
  await host.must(['systemctl', 'enable', '--now', unit('web')]);
  await host.must(['systemctl', 'reload', unit('web')]);
  const other = cluster.others(host.host.name)[0]!;
  const move = ['/usr/local/bin/wackamole', 'move', 'vip-1', host.host.name, '--config', file('web')];
  await host.must(move);
  const [first] = addressesOf(cluster, 'web');
  await eventually(
    'it holds a VIP',
    async () => (await heldBy(cluster, host.host.name)).includes(first!),
    PATIENCE,
  );
  const sighting = await during(cluster, async () => {
    expect(await host.must([...program, 'uninstall', '--instance', 'web'])).toContain(
      'removed /etc/systemd/system',
    );
    await cluster.served();
  });
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, HANDOFF_MAX);
  expect(await heldBy(cluster, other)).toHaveLength(VIPS);
  expect(await active(host, unit('web'))).toBe('inactive');
  // Also beside the mask that the package left, which is no other unit of ours.
  expect((await host.run(['ls', '/usr/local/bin/wackamole'])).code).not.toBe(0);
}

async function purged(cluster: Cluster, host: BootedHost): Promise<void> {
  await host.must(['dpkg', '--purge', 'wackamole']);
  expect(await heldBy(cluster, host.host.name), 'addresses').toEqual([]);
  await host.must(['rm', '-r', '/etc/wackamole']);
  const places = ['/etc', '/usr/bin', '/usr/lib', '/usr/share', '/var/cache', '/var/lib'];
  const left = await host.must([
    'find',
    ...places,
    '-xdev',
    '-newer',
    '/etc/machine-id',
    '-iname',
    '*wackamole*',
  ]);
  const ours = left.split('\n').filter((path) => path !== '' && !path.startsWith('/var/lib/dpkg/'));
  expect(ours).toEqual([]);
}

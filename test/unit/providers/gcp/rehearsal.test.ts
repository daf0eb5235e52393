/** Rehearsal: each thing that would spoil a failover has a line that says how to mend it, and nothing is changed by asking. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { permissionsFor } from '../../../../providers/gcp/policy.ts';
import type { GcpParts } from '../../../../providers/gcp/provider.ts';
import { checkGuestAgent } from '../../../../providers/gcp/surroundings.ts';
import { clusterChecks } from '../../../../src/commander/cluster-checks.ts';
import type { GcpMode } from '../../../../src/config/config.ts';
import type { Check } from '../../../../src/provider/provider.ts';
import { ALIAS_VIPS, Scene, type SceneOptions, SIGNAL, vip } from '../../../cloud/gce/scene.ts';
import { configOf } from '../../config/parse-text.ts';

let scene: Scene;
/** Methods that may be asked in a rehearsal. */
const HARMLESS =
  /^(GET|POST) .*(:testIamPermissions|\/testIamPermissions)$|\.(Get|List|AggregatedList|GetGuestAttributes|TestIamPermissions)$/;

async function rehearse(
  options: SceneOptions,
  spoil: () => void = () => undefined,
): Promise<readonly Check[]> {
  scene = await Scene.open({ ...options, asleep: true });
  spoil();
  return scene.host(0).provider.test(scene.vips, SIGNAL);
}

afterEach(async () => {
  await scene.end();
});

function verdictOf(checks: readonly Check[], what: string): string {
  return checks
    .filter((check) => check.what === what)
    .map(({ verdict }) => verdict)
    .join(', ');
}

const LONG = 120_000;

describe.each<GcpMode>(['alias-ip', 'external-ip', 'route'])('all is well in mode %s', (mode) => {
  it(
    'passes, asks for each permission, and changes nothing',
    async () => {
      const checks = await rehearse({
        mode,
        vips:
          mode === 'external-ip'
            ? [vip('a', '34.1.1.1')]
            : [vip('a', '10.9.0.1'), vip('b', '10.0.0.50')].slice(
                mode === 'route' ? 0 : 1,
                mode === 'route' ? 1 : 2,
              ),
      });
      expect(checks.filter(({ verdict, what }) => verdict !== 'pass' && what !== 'guest agent')).toEqual([]);
      const asked = checks.map(({ what }) => what);
      for (const [permission] of permissionsFor(mode)) expect(asked).toContain(`permission ${permission}`);
      for (const what of [
        'credentials',
        'token scopes',
        'interface',
        'end point',
        'clock',
        'metadata server',
        'room',
        'address',
      ])
        expect(asked).toContain(what);
      const actions = [...new Set(scene.cloud.requests.map(({ action }) => action))];
      expect(actions.length).toBeGreaterThan(3);
      expect(actions.filter((action) => !HARMLESS.test(action))).toEqual([]);
      expect(scene.host(0).metadata.asked.filter((each) => !each.startsWith('GET'))).toEqual([]);
    },
    LONG,
  );
});

describe('what would spoil a failover', () => {
  it(
    'no service account: said quickly, and nothing else is asked',
    async () => {
      const began = performance.now();
      const openCompute = vi.fn<GcpParts['openCompute']>();
      const checks = await rehearse({ parts: { openCompute } }, () => {
        scene.host(0).metadata.state = 'no-account';
      });
      expect(verdictOf(checks, 'credentials')).toBe('fail');
      // Loading the SDK is what would take time.
      expect(openCompute).not.toHaveBeenCalled();
      expect(checks.at(-1)!.mend).toContain('service account');
      expect(performance.now() - began).toBeLessThan(20_000);
      expect(scene.cloud.requests).toEqual([]);
    },
    LONG,
  );

  it(
    'no metadata server at all',
    async () => {
      const checks = await rehearse({}, () => (scene.host(0).metadata.state = 'hung'));
      expect(verdictOf(checks, 'credentials')).toBe('fail');
    },
    LONG,
  );

  it(
    'scopes that are too narrow',
    async () => {
      const checks = await rehearse(
        {},
        () => (scene.host(0).metadata.scopes = ['https://www.googleapis.com/auth/devstorage.read_only']),
      );
      expect(verdictOf(checks, 'token scopes')).toBe('fail');
    },
    LONG,
  );

  it.each([
    ...new Set(
      (['alias-ip', 'external-ip', 'route'] as const).flatMap((mode) =>
        permissionsFor(mode).map(([permission]) => `${mode} ${permission}`),
      ),
    ),
  ])(
    'a permission that is missing: %s',
    async (row) => {
      const [mode, permission] = row.split(' ') as [GcpMode, string];
      const vips = mode === 'external-ip' ? [vip('a', '34.1.1.1')] : undefined;
      const checks = await rehearse({ mode, ...(vips !== undefined && { vips }) }, () =>
        scene.cloud.denied.add(permission),
      );
      const bad = checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'unknown');
      expect(bad.map(({ what, detail, mend }) => `${what} ${detail} ${mend}`).join('\n')).toContain(
        permission.replace('compute.', ''),
      );
    },
    LONG,
  );

  it(
    'a clock that is off',
    async () => {
      const checks = await rehearse({}, () => (scene.cloud.clockAhead = 600_000));
      expect(verdictOf(checks, 'clock')).toBe('fail');
    },
    LONG,
  );

  it(
    'a missing label, and guest attributes that are off',
    async () => {
      const checks = await rehearse({}, () => {
        delete scene.host(0).instance.labels['wackamole-cluster'];
        scene.host(0).instance.metadata['enable-guest-attributes'] = 'FALSE';
      });
      expect(verdictOf(checks, 'label')).toBe('fail');
      expect(verdictOf(checks, 'fence')).toBe('warn');
    },
    LONG,
  );

  it(
    'a metadata server that lags behind',
    async () => {
      const checks = await rehearse({}, () => {
        scene.host(0).instance.nics[0]!.aliases = [{ range: '10.0.0.50/32' }];
        scene.host(0).metadata.stale = true;
      });
      expect(verdictOf(checks, 'metadata server')).toBe('warn');
    },
    LONG,
  );

  it(
    'another instance than this one',
    async () => {
      const checks = await rehearse({
        config: { project: 'proj-test', zone: 'europe-west3-b', instance: 'vm-2' },
      });
      expect(verdictOf(checks, 'metadata server')).toBe('fail');
    },
    LONG,
  );

  it(
    'an interface, instance or zone that is not there',
    async () => {
      expect(verdictOf(await rehearse({ config: { interface: 'nic3' } }), 'interface')).toBe('fail');
      await scene.end();
      expect(verdictOf(await rehearse({ config: { zone: 'europe-west3-c' } }), 'interface')).toBe('fail');
    },
    LONG,
  );

  it(
    'strangers that have an address, as alias or as their own',
    async () => {
      const checks = await rehearse({}, () => {
        const stranger = scene.project.addInstance('db', { primary: '10.0.0.53' });
        stranger.nics[0]!.aliases = [{ range: '10.0.0.50/32' }];
      });
      expect(
        checks
          .filter(({ what }) => what === 'strangers')
          .map(({ vip: id }) => id)
          .sort((one, other) => String(one).localeCompare(String(other))),
      ).toEqual(['a', 'c']);
    },
    LONG,
  );

  it(
    'no room for all, addresses outside, an instance that may not forward',
    async () => {
      expect(verdictOf(await rehearse({ config: { alias_limit: 2 } }), 'room')).toBe('warn');
      await scene.end();
      expect(verdictOf(await rehearse({ vips: [vip('x', '10.1.0.1')] }), 'address')).toBe('fail');
      await scene.end();
      expect(
        verdictOf(
          await rehearse(
            { mode: 'route', vips: [vip('x', '10.9.0.1')] },
            () => (scene.host(0).instance.canIpForward = false),
          ),
          'address',
        ),
      ).toBe('fail');
      await scene.end();
      expect(
        verdictOf(await rehearse({ mode: 'external-ip', vips: [vip('x', '34.9.9.9')] }), 'address'),
      ).toBe('fail');
    },
    LONG,
  );

  it(
    'an API that answers with errors alone',
    async () => {
      const checks = await rehearse({}, () => void scene.cloud.faults.meet('server-error'));
      expect(verdictOf(checks, 'interface')).toBe('fail');
      for (const { verdict, mend } of checks) expect(verdict === 'pass' || Boolean(mend)).toBe(true);
    },
    LONG,
  );
});

describe('room, in numbers', () => {
  const FILE = (limit: number) => `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }
providers: { gcp: { kind: gcp, mode: alias-ip, alias_limit: ${limit} } }
vips: { a: 10.0.0.50, b: { addresses: [10.0.0.51, 10.0.0.52] }, c: 10.0.0.53, d: { addresses: [10.0.0.54, 10.0.0.55] } }
`;
  const VIPS = [...ALIAS_VIPS, vip('d', '10.0.0.54', '10.0.0.55')];

  /** This host has an alias that is a stranger to the cluster, and the first VIP. */
  const rehearsed = (limit: number) =>
    rehearse({ vips: VIPS, config: { alias_limit: limit } }, () => {
      scene.host(0).instance.nics[0]!.aliases = [{ range: '10.0.0.200/32' }, { range: '10.0.0.50/32' }];
    });

  /** As `providers test` adds it up over the cluster. */
  const after = (failures: number, { limit, checks }: { limit: number; checks: readonly Check[] }) => {
    const config = configOf(FILE(limit));
    const own = checks.map((check) => ({ ...check, provider: 'gcp' }));
    return clusterChecks({ config, status: undefined, routes: [], failures, checks: own }).filter(
      ({ what }) => what.startsWith('room'),
    );
  };

  it.each([
    // Six addresses are configured on three hosts; the stranger takes one of the limit on each. `left`: after one, two failed.
    { limit: 8, slots: 7, free: 6, verdict: 'pass', left: ['pass', 'pass'] },
    { limit: 5, slots: 4, free: 3, verdict: 'warn', left: ['pass', 'fail'] },
    { limit: 3, slots: 2, free: 1, verdict: 'warn', left: ['fail', 'fail'] },
  ])(
    'a limit of $limit: $slots for VIPs, $free free now, and after failures',
    async ({ limit, slots, free, verdict, left }) => {
      const checks = await rehearsed(limit);
      const room = checks.find(({ what }) => what === 'room')!;
      expect(room).toMatchObject({ verdict, slots4: slots });
      expect(room.detail).toBe(`${slots} addresses, ${free} more fit now, and 6 are configured`);
      expect([1, 2].map((failures) => after(failures, { limit, checks })[0])).toMatchObject([
        {
          what: 'room after 1 host failed',
          verdict: left[0],
          detail: expect.stringContaining(`2 hosts with room for ${slots} IPv4 addresses each`),
        },
        {
          what: 'room after 2 hosts failed',
          verdict: left[1],
          detail: expect.stringContaining(`1 host with room for ${slots} IPv4 addresses each`),
        },
      ]);
    },
    LONG,
  );

  it(
    'is told to the allocator, and told again when a stranger takes some of it',
    async () => {
      scene = await Scene.open({ config: { alias_limit: 5, look_interval_ms: 1_000 }, hosts: 1 });
      const told = () =>
        scene.host(0).events.flatMap((event) => (event.kind === 'slots' ? [event.slots] : []));
      expect(told()).toEqual([5]);
      scene.host(0).instance.nics[0]!.aliases = [{ range: '10.0.0.200/32' }, { range: '10.0.0.201/32' }];
      await expect.poll(told, { timeout: 20_000 }).toEqual([5, 3]);
    },
    LONG,
  );

  it(
    'an external address: one an interface, none where a stranger’s lies there',
    async () => {
      const options = { mode: 'external-ip', vips: [vip('a', '34.1.1.1'), vip('b', '34.1.1.2')] } as const;
      const room = async (spoil?: () => void) =>
        (await rehearse(options, spoil)).find(({ what }) => what === 'room')!;
      expect(await room()).toMatchObject({
        slots4: 1,
        verdict: 'warn',
        detail: '1 addresses, 1 more fit now, and 2 are configured',
      });
      await scene.end();
      const configs = [{ name: 'External NAT', natIp: '35.0.0.1' }];
      expect(await room(() => (scene.host(0).instance.nics[0]!.accessConfigs = configs))).toMatchObject({
        slots4: 0,
        detail: '0 addresses, 0 more fit now, and 2 are configured',
      });
    },
    LONG,
  );
});

describe('Google’s guest agent', () => {
  const root = `${mkdtempSync(join(tmpdir(), 'wackamole-guest-'))}/`;
  const write = (text: string) => {
    mkdirSync(`${root}usr/bin`, { recursive: true });
    mkdirSync(`${root}etc/default`, { recursive: true });
    writeFileSync(`${root}usr/bin/google_guest_agent`, '');
    writeFileSync(`${root}etc/default/instance_configs.cfg`, text);
  };

  it('is told apart: absent, at work, switched off', async () => {
    scene = await Scene.open({ asleep: true, hosts: 0 });
    expect(checkGuestAgent('alias-ip', root)).toMatchObject({ verdict: 'warn' });
    write('[IpForwarding]\nethernet_proto_id = 66\nip_aliases = true\n');
    expect(checkGuestAgent('alias-ip', root)).toMatchObject({
      verdict: 'pass',
      detail: expect.stringContaining('nothing else should'),
    });
    write('[IpForwarding]\nip_aliases = false\n');
    expect(checkGuestAgent('alias-ip', root)).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('ip_aliases is off'),
    });
    expect(checkGuestAgent('route', root)).toMatchObject({ verdict: 'pass' });
    rmSync(root, { recursive: true });
  });
});

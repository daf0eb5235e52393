/** The rehearsal: finds what would spoil a failover, says how to mend it, and provably changes nothing. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkEgress, checkRivals } from '../../../../providers/aws/surroundings.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import { FakeImds } from '../../../cloud/ec2/fake-imds.ts';
import { NEVER, Stage, type StageOptions, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage | undefined;
let imds: FakeImds | undefined;

afterEach(async () => {
  await stage?.close();
  await imds?.close();
  stage = imds = undefined;
});

const private4 = vip('one', '10.0.0.101');
const both = vip('both', '10.0.0.102', '2001:db8::102');

async function rehearsed(options: StageOptions, vips: readonly Vip[], prepare?: (stage: Stage) => void) {
  stage = await Stage.open({ hosts: 2, ...options });
  prepare?.(stage);
  return stage.members[0]!.provider.test(vips, NEVER);
}

const bad = (checks: Awaited<ReturnType<typeof rehearsed>>) =>
  checks
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ what, vip: id }) => (id === undefined ? what : `${what} ${id}`));

describe('a rehearsal', () => {
  it.each<[StageOptions['mode'], readonly Vip[], (stage: Stage) => void]>([
    ['secondary-ip', [private4, both], () => undefined],
    [
      'elastic-ip',
      [vip('elastic', '198.51.100.1')],
      ({ region }) => void region.addElasticIp('198.51.100.1'),
    ],
    [
      'route',
      [vip('routed', '172.31.0.1', 'fd00::1')],
      ({ region }) => void region.addTable({ tags: { 'wackamole:cluster': 'web' } }),
    ],
  ])(
    'of %s passes where all is well, asks for each permission, and changes nothing',
    async (mode, vips, prepare) => {
      let before = '';
      const checks = await rehearsed({ mode }, vips, (on) => {
        prepare(on);
        before = stateOf(on);
      });
      expect(bad(checks)).toEqual([]);
      expect(stateOf(stage!)).toBe(before);
      for (const { action, mutating, code, input } of stage!.fake.requests) {
        // The four that have no dry run: only with an address that Amazon keeps, and refused.
        if (mutating)
          expect([action, code, Object.values(input)]).toEqual([
            expect.stringMatching(/^(Una|A)ssign/),
            'InvalidParameterValue',
            expect.toSatisfy(reserved),
          ]);
      }
      const asked = checks.map(({ what }) => what).filter((what) => what.startsWith('permission'));
      const expected = {
        'secondary-ip': 'AssignPrivateIpAddresses',
        'elastic-ip': 'AssociateAddress',
        route: 'CreateRoute',
      }[mode];
      expect(asked).toContain(`permission ${expected}`);
    },
  );

  it('names each permission that is missing', async () => {
    const checks = await rehearsed({ mode: 'secondary-ip' }, [both], ({ fake }) => {
      for (const action of ['AssignPrivateIpAddresses', 'UnassignIpv6Addresses', 'CreateTags'])
        fake.deny.add(action);
    });
    expect(bad(checks)).toEqual(['permission AssignPrivateIpAddresses', 'permission UnassignIpv6Addresses']);
    const failed = checks.find(({ what }) => what === 'permission AssignPrivateIpAddresses');
    expect(failed?.mend).toContain('providers policy aws');
    expect(checks.find(({ what }) => what.includes('CreateTags'))?.verdict).toBe('warn');
  });

  it('fails for what this host could never carry, or a stranger has', async () => {
    const vips = [private4, vip('stray', '10.9.9.9'), vip('stranger', '10.0.0.103')];
    const checks = await rehearsed({ mode: 'secondary-ip' }, vips, ({ region, subnet }) => {
      region.addEni(subnet, '10.0.0.60').secondaries.add('10.0.0.103');
    });
    expect(bad(checks)).toEqual(['address stray', 'address stranger']);
  });

  it('fails for routes through an interface that checks its destination', async () => {
    const checks = await rehearsed(
      { mode: 'route' },
      [vip('routed', '172.31.0.1')],
      ({ region, members }) => {
        region.addTable({ tags: { 'wackamole:cluster': 'web' } });
        members[0]!.eni.sourceDestCheck = true;
      },
    );
    expect(checks.find(({ vip: id, verdict }) => id === 'routed' && verdict === 'fail')?.detail).toContain(
      '--no-source-dest-check',
    );
  });

  it('warns where the last survivor had not room for all', async () => {
    const vips = [1, 2, 3].map((at) => vip(`v${at}`, `10.0.0.${100 + at}`));
    stage = await Stage.open({ mode: 'secondary-ip', hosts: 1, region: { ipv4PerInterface: 2 } });
    imds = new FakeImds(stage.region, [stage.members[0]!.eni]);
    await imds.listen();
    const provider = stage.provider(stage.members[0]!.eni, { metadata_endpoint: imds.url });
    const room = (await provider.test(vips, NEVER)).find(({ what }) => what === 'room for IPv4');
    expect(room).toMatchObject({
      verdict: 'warn',
      detail: expect.stringMatching(/^1 addresses \(\S+\), 1 of them free now, and 3 are configured$/),
      mend: expect.stringContaining('larger'),
      slots4: 1,
    });
    stage.members[0]!.eni.secondaries.add('10.0.0.101');
    const taken = (await provider.test(vips, NEVER)).find(({ what }) => what === 'room for IPv4');
    expect(taken?.detail).toContain('1 addresses');
    expect(taken?.detail).toContain(', 0 of them free now');
  });

  it('says soon that there are no credentials, and asks nothing more', async () => {
    const names = [
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_EC2_METADATA_DISABLED',
      'AWS_SHARED_CREDENTIALS_FILE',
      'AWS_CONFIG_FILE',
      'HOME',
    ];
    const before = names.map((name) => process.env[name]);
    stage = await Stage.open({ mode: 'secondary-ip', hosts: 1 });
    try {
      for (const name of names) delete process.env[name];
      process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
      process.env['HOME'] = '/nonexistent';
      const began = performance.now();
      const checks = await stage.members[0]!.provider.test([private4], NEVER);
      expect(performance.now() - began).toBeLessThan(15_000);
      expect(checks.find(({ what }) => what === 'credentials')).toMatchObject({
        verdict: 'fail',
        mend: expect.stringContaining('instance profile'),
      });
      expect(stage.fake.requests).toEqual([]);
    } finally {
      names.forEach((name, at) => {
        const value = before[at];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      });
    }
  });
});

describe('the surroundings of a rehearsal', () => {
  it('warn of agents that set addresses by themselves', () => {
    const root = mkdtempSync(join(tmpdir(), 'wackamole-rivals-'));
    try {
      expect(checkRivals(root).verdict).toBe('pass');
      mkdirSync(join(root, 'usr/share/amazon-ec2-net-utils'), { recursive: true });
      expect(checkRivals(root)).toMatchObject({
        verdict: 'warn',
        detail: expect.stringContaining('amazon-ec2-net-utils'),
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('fail where the way to the API leads through a VIP', () => {
    const routes =
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nens5\t00000000\t6500000A\t0003\t0\t0\t0\t00000000\n';
    expect(checkEgress([private4], routes)).toMatchObject({
      vip: 'one',
      verdict: 'fail',
      mend: expect.stringContaining('end point'),
    });
    expect(checkEgress([both], routes).verdict).toBe('pass');
  });
});

function stateOf({ region }: Stage): string {
  return JSON.stringify(region.state, (_, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );
}

/** The second address of the stage's subnets, which Amazon keeps. */
function reserved(values: unknown): boolean {
  return (values as string[]).some((value) => value === '10.0.0.1' || value === '2001:db8::1');
}

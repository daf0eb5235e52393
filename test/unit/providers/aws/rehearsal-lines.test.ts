/** Line by line what a rehearsal looks at: each is there where all is well, and each says so where it is not. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAwsProvider } from '../../../../providers/aws/provider.ts';
import type { AwsMode } from '../../../../src/config/config.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { Check } from '../../../../src/provider/provider.ts';
import { FakeImds } from '../../../cloud/ec2/fake-imds.ts';
import type { EniState } from '../../../cloud/ec2/region.ts';
import { CLUSTER, NEVER, Stage, type StageOptions, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
let imds: FakeImds | undefined;

afterEach(async () => {
  await stage.close();
  await imds?.close();
  imds = undefined;
});

const VIPS: Readonly<Record<AwsMode, readonly Vip[]>> = {
  'secondary-ip': [vip('four', '10.0.0.101'), vip('six', '2001:db8::102')],
  'elastic-ip': [vip('four', '198.51.100.1'), vip('more', '198.51.100.2')],
  route: [vip('four', '172.31.0.1'), vip('six', 'fd00::1')],
};

/** Two members, everything allocated; the metadata service of the first one knows what `seen` makes of its interface. */
async function rehearse(
  options: StageOptions,
  spoil: (on: Stage) => void = () => undefined,
  seen: (own: EniState) => readonly EniState[] = (own) => [own],
): Promise<readonly Check[]> {
  stage = await Stage.open({ hosts: 2, ...options });
  const { region, members, mode } = stage;
  if (mode === 'route') region.addTable({ tags: { 'wackamole:cluster': CLUSTER } });
  if (mode === 'elastic-ip') {
    for (const { addresses } of VIPS[mode]) region.addElasticIp(addresses[0]!.address);
    for (const { eni } of members) eni.secondaries.add(`${eni.primary}1`);
  }
  imds = new FakeImds(region, seen(members[0]!.eni));
  await imds.listen();
  spoil(stage);
  return stage.provider(members[0]!.eni, { metadata_endpoint: imds.url }).test(VIPS[mode], NEVER);
}

const lineOf = (checks: readonly Check[], what: string) => checks.find((check) => check.what === what);
const permissions = (checks: readonly Check[]) =>
  checks.flatMap(({ what }) => (what.startsWith('permission') ? [what.replace('permission ', '')] : []));
const withMembers = (address: string) => (on: Stage) => {
  const { eni } = on.member('b');
  on.region.tag(eni.id, { 'wackamole:cluster': CLUSTER });
  const elastic = on.region.elasticIp(address);
  if (elastic !== undefined)
    elastic.association = { id: 'eipassoc-b', eni: eni.id, privateAddress: eni.primary };
  else eni.ipv6.add(address);
};

describe('where all is well', () => {
  const SHOWS = 'CreateTags (shows the fence)';

  it.each<[AwsMode, (on: Stage) => void, readonly string[]]>([
    [
      'secondary-ip',
      () => undefined,
      [
        'AssignPrivateIpAddresses',
        'UnassignPrivateIpAddresses',
        'AssignIpv6Addresses',
        'UnassignIpv6Addresses',
        SHOWS,
      ],
    ],
    [
      'elastic-ip',
      withMembers('198.51.100.1'),
      ['AssociateAddress', 'DisassociateAddress', 'AssociateAddress', SHOWS],
    ],
    ['route', () => undefined, ['CreateRoute', 'ReplaceRoute', SHOWS]],
  ])('%s: every line is there and passes', async (mode, spoil, asked) => {
    const checks = await rehearse({ mode }, spoil);
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    const whats = checks.map(({ what }) => what);
    for (const what of [
      'guest agents',
      'way to the API',
      'region',
      'credentials',
      'identity',
      'interface',
      'end point',
      'clock',
      'metadata service',
      'room for IPv4',
      'address',
    ])
      expect(whats).toContain(what);
    if (mode !== 'elastic-ip') expect(whats).toContain('room for IPv6');
    expect(permissions(checks)).toEqual(asked);
    expect(lineOf(checks, 'identity')?.detail).toContain('assumed-role/wackamole/test, account 123456789012');
    expect(lineOf(checks, 'interface')?.detail).toContain('10.0.0.0/24), eu-test-1a, vpc-');
    expect(checks.filter(({ what }) => what === 'address').map(({ vip: id }) => id)).toEqual(
      VIPS[mode].map(({ id }) => id),
    );
  });

  it('a hundred routes are asked for once a table, by both verbs, whether they are there or not', async () => {
    const checks = await rehearse({ mode: 'route' }, ({ region }) => {
      const second = region.addTable({ tags: { 'wackamole:cluster': CLUSTER } });
      second.routes.set('172.31.0.1/32', {
        destination: '172.31.0.1/32',
        eni: stage.member('b').eni.id,
      });
      region.tag(stage.member('b').eni.id, { 'wackamole:cluster': CLUSTER });
    });
    expect(permissions(checks).filter((what) => what.endsWith('Route'))).toEqual([
      'CreateRoute',
      'ReplaceRoute',
      'CreateRoute',
      'ReplaceRoute',
    ]);
    expect(stage.fake.requests.every(({ mutating }) => !mutating)).toBe(true);
  });

  it('a route that is there, or is not, tells of the permission all the same', async () => {
    const checks = await rehearse({ mode: 'route' }, ({ fake, region, members }) => {
      fake.dryRunLooksFirst = true;
      // In the second table the first VIP has one.
      const { eni } = members[1]!;
      const route = { destination: '172.31.0.1/32', eni: eni.id };
      region.addTable({ tags: { 'wackamole:cluster': CLUSTER } }).routes.set(route.destination, route);
      region.tag(eni.id, { 'wackamole:cluster': CLUSTER });
    });
    const codes = stage.fake.requests.flatMap(({ action, code = 'done' }) =>
      action.endsWith('Route') ? [code] : [],
    );
    expect(codes.toSorted((one, other) => one.localeCompare(other))).toEqual([
      'DryRunOperation',
      'DryRunOperation',
      'InvalidParameterValue',
      'RouteAlreadyExists',
    ]);
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  });
});

describe('permissions', () => {
  it.each<[AwsMode, string]>([
    ['secondary-ip', 'AssignPrivateIpAddresses'],
    ['secondary-ip', 'UnassignPrivateIpAddresses'],
    ['secondary-ip', 'AssignIpv6Addresses'],
    ['secondary-ip', 'UnassignIpv6Addresses'],
    ['elastic-ip', 'AssociateAddress'],
    ['elastic-ip', 'DisassociateAddress'],
    ['route', 'CreateRoute'],
    ['route', 'ReplaceRoute'],
  ])('%s: %s is missing', async (mode, action) => {
    const checks = await rehearse({ mode }, (on) => {
      if (mode === 'elastic-ip') withMembers('198.51.100.1')(on);
      on.fake.deny.add(action);
    });
    const failed = checks.filter(({ verdict }) => verdict !== 'pass');
    expect(failed[0]).toMatchObject({
      what: `permission ${action}`,
      verdict: 'fail',
      mend: expect.stringContaining(`allow ec2:${action}`),
    });
    expect(new Set(failed.map(({ what }) => what)).size).toBe(1);
  });

  it.each<[AwsMode, string, string]>([
    ['secondary-ip', 'DescribeNetworkInterfaces', 'interface'],
    ['secondary-ip', 'DescribeSubnets', 'interface'],
    ['elastic-ip', 'DescribeAddresses', 'addresses'],
    ['elastic-ip', 'DescribeTags', 'addresses'],
    ['route', 'DescribeRouteTables', 'addresses'],
    ['route', 'DescribeTags', 'addresses'],
  ])('%s: %s, a read, is missing', async (mode, action, what) => {
    const checks = await rehearse({ mode }, ({ fake }) => void fake.deny.add(action));
    expect(lineOf(checks, what)).toMatchObject({
      verdict: 'fail',
      detail: expect.stringContaining(action),
      mend: expect.stringContaining(`allow ec2:${action}`),
    });
  });

  it.each<AwsMode>(['secondary-ip', 'elastic-ip', 'route'])(
    '%s: CreateTags alone spoils nothing, and is told',
    async (mode) => {
      const checks = await rehearse({ mode }, (on) => {
        if (mode === 'elastic-ip') withMembers('198.51.100.1')(on);
        on.fake.deny.add('CreateTags');
      });
      expect(checks.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
        { what: 'permission CreateTags (shows the fence)', verdict: 'warn' },
      ]);
    },
  );

  it('secondary-ip: what instances may carry', async () => {
    const checks = await rehearse({ mode: 'secondary-ip' }, ({ fake }) => {
      fake.deny.add('DescribeInstanceTypes');
    });
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
      { what: 'room', verdict: 'warn', mend: expect.stringContaining('allow ec2:DescribeInstanceTypes') },
    ]);
  });

  it('an IPv6 address that a member has: its interface is asked for, by an address that nobody can have', async () => {
    const checks = await rehearse({ mode: 'secondary-ip' }, withMembers('2001:db8::102'));
    const stripped = stage.fake.requests.filter(({ action }) => action === 'UnassignIpv6Addresses');
    expect(
      stripped.map(({ input }) => [
        input['NetworkInterfaceId'],
        input['Ipv6Address.1'] ?? input['Ipv6Addresses.1'],
      ]),
    ).toEqual(['a', 'b'].map((name) => [stage.member(name).eni.id, '2001:db8::1']));
    expect(permissions(checks).filter((what) => what === 'UnassignIpv6Addresses')).toHaveLength(2);
  });

  it('elastic-ip: of giving up nothing can be told while no member has an address', async () => {
    const checks = await rehearse({ mode: 'elastic-ip' });
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
      { what: 'permission DisassociateAddress', verdict: 'warn' },
    ]);
  });

  it('that could not be asked for are not told to be there', async () => {
    const checks = await rehearse({ mode: 'secondary-ip' }, ({ faults }) => {
      faults.meet('throttled', { actions: ['AssignPrivateIpAddresses'] });
    });
    expect(lineOf(checks, 'permission AssignPrivateIpAddresses')).toMatchObject({ verdict: 'unknown' });
  });
});

describe('what is not as it should be', () => {
  it('nobody says in which region', async () => {
    stage = await Stage.open({ mode: 'secondary-ip', hosts: 1 });
    const before = ['AWS_REGION', 'AWS_DEFAULT_REGION'].map((name) => [name, process.env[name]] as const);
    for (const [name] of before) delete process.env[name];
    try {
      const { region: _, ...config } = stage.config(stage.members[0]!.eni);
      const provider = createAwsProvider('aws', { config, cluster: CLUSTER });
      expect(lineOf(await provider.test(VIPS['secondary-ip'], NEVER), 'region')).toMatchObject({
        verdict: 'fail',
        mend: expect.stringContaining('`region`'),
      });
    } finally {
      for (const [name, value] of before) if (value !== undefined) process.env[name] = value;
    }
  });

  it('who we are cannot be asked: no failover needs it', async () => {
    const checks = await rehearse({ mode: 'secondary-ip' }, ({ fake }) => {
      fake.deny.add('GetCallerIdentity');
    });
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
      { what: 'identity', verdict: 'warn', mend: expect.stringContaining('.sts') },
    ]);
  });

  it('an interface that is not there', async () => {
    const config = { interfaces: ['eni-00000000000000099'] };
    stage = await Stage.open({ mode: 'secondary-ip', hosts: 1 });
    const provider = stage.provider(stage.members[0]!.eni, config);
    const checks = await provider.test(VIPS['secondary-ip'], NEVER);
    expect(lineOf(checks, 'interface')).toMatchObject({
      verdict: 'fail',
      mend: expect.stringContaining('`interfaces`'),
    });
  });

  it('an end point that takes long', async () => {
    let now = 0;
    const checks = await rehearse({ mode: 'secondary-ip', parts: { now: () => (now += 1_500) } });
    expect(lineOf(checks, 'end point')).toMatchObject({ verdict: 'warn', detail: '1500 ms for a read' });
  });

  it.each([
    [60_000, 'warn', 'behind'],
    [-60_000, 'warn', 'ahead of'],
    [270_000, 'fail', 'behind'],
  ] as const)('a clock that is %i ms off', async (ahead, verdict, word) => {
    const checks = await rehearse({ mode: 'secondary-ip' }, ({ fake }) => {
      fake.clockAhead = ahead;
    });
    expect(lineOf(checks, 'clock')).toMatchObject({
      verdict,
      detail: expect.stringContaining(`${word} Amazon's`),
      mend: expect.stringContaining('chrony'),
    });
  });

  it('a metadata service of another host', async () => {
    const checks = await rehearse({ mode: 'secondary-ip' }, undefined, () => [stage.member('b').eni]);
    expect(lineOf(checks, 'metadata service')).toMatchObject({
      verdict: 'fail',
      mend: expect.stringContaining('must be of this host'),
    });
  });

  it('a metadata service that lags behind', async () => {
    const late = (own: EniState): readonly EniState[] => [{ ...own, secondaries: new Set() }];
    const checks = await rehearse(
      { mode: 'secondary-ip' },
      (on) => void on.members[0]!.eni.secondaries.add('10.0.0.101'),
      late,
    );
    expect(lineOf(checks, 'metadata service')).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('does not know 10.0.0.101'),
    });
  });

  it('a metadata service that is away: then the room of the host is not known, either', async () => {
    stage = await Stage.open({ mode: 'secondary-ip', hosts: 1 });
    const checks = await stage.members[0]!.provider.test(VIPS['secondary-ip'], NEVER);
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
      { what: 'metadata service', verdict: 'warn', detail: expect.stringContaining('cannot be reached') },
      { what: 'room', verdict: 'warn', detail: expect.stringContaining('instance type is not known') },
    ]);
  });

  it('room for fewer addresses than are configured, for each family', async () => {
    const small = { ipv4PerInterface: 1, ipv6PerInterface: 0 };
    const checks = await rehearse({ mode: 'secondary-ip', region: small });
    for (const [family, slots] of [
      [4, { slots4: 0 }],
      [6, { slots6: 0 }],
    ] as const)
      expect(lineOf(checks, `room for IPv${family}`)).toMatchObject({ verdict: 'warn', ...slots });
  });

  it('too few private addresses for the public ones', async () => {
    const checks = await rehearse({ mode: 'elastic-ip' }, ({ members }) => {
      members[0]!.eni.secondaries.clear();
    });
    expect(lineOf(checks, 'room for IPv4')).toMatchObject({
      verdict: 'warn',
      slots4: 1,
      mend: expect.stringContaining('further secondary addresses'),
    });
  });

  it('an address that is not allocated, or with a stranger', async () => {
    const checks = await rehearse({ mode: 'elastic-ip' }, (on) => {
      withMembers('198.51.100.1')(on);
      on.region.state.tags.clear();
      on.region.state.elasticIps.delete(on.region.elasticIp('198.51.100.2')!.allocation);
    });
    const found = checks.filter(({ what }) => what === 'address');
    expect(found).toMatchObject([
      { vip: 'four', verdict: 'fail', detail: expect.stringContaining('no member of this cluster') },
      { vip: 'more', verdict: 'fail', mend: expect.stringContaining('allocate it') },
    ]);
  });
});

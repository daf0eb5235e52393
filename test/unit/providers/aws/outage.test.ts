/**
 * Ten minutes of 500s, in virtual time: what is held stays held, is named in the status with what to do, and the rest is another's; where the
 * API fails for one address alone the others go on; and the rest between looks, in which an idle provider reads once a minute. Amazon's
 * SDK is left out: its border answers.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Change, Ec2, Eni, RouteTable } from '../../../../providers/aws/ec2.ts';
import { Ec2Failure } from '../../../../providers/aws/failures.ts';
import { createAwsProvider } from '../../../../providers/aws/provider.ts';
import type { AwsMode, AwsProviderConfig } from '../../../../src/config/config.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { Provider, ProviderEvent } from '../../../../src/provider/provider.ts';
import { atOnce, NEVER, vip } from '../../../cloud/ec2/stage.ts';

const MINUTE = 60_000;
const ENI = 'eni-00000000000000001';
const VIPS: Readonly<Record<AwsMode, readonly Vip[]>> = {
  'secondary-ip': [vip('a', '10.0.0.101'), vip('b', '10.0.0.102', '10.0.0.103'), vip('c', '10.0.0.104')],
  'elastic-ip': [vip('a', '198.51.100.1'), vip('b', '198.51.100.2'), vip('c', '198.51.100.3')],
  route: [vip('a', '172.31.0.1'), vip('b', '172.31.0.2', '172.31.0.3'), vip('c', '172.31.0.4')],
};
/** Wanted later, when nothing can be had. */
const MORE: Readonly<Record<AwsMode, Vip>> = {
  'secondary-ip': vip('more', '10.0.0.110'),
  'elastic-ip': vip('more', '198.51.100.9'),
  route: vip('more', '172.31.0.9'),
};

/** A border that counts its reads, keeps what is put there, and fails when it is told to. */
function border(mode: AwsMode) {
  const state = {
    failing: false,
    /** A change that names it fails, and no other. */
    failingFor: undefined as string | undefined,
    reads: [] as string[],
    changes: [] as Change[],
    addresses: new Set<string>(),
    elastic: new Map<string, string>(),
    routes: new Set<string>(),
    tags: new Map<string, string>(),
  };
  const broken = (action: string) =>
    new Ec2Failure('unknown', { action, code: 'InternalError', said: 'An internal error has occurred' });
  const read = async <T>(action: string, answer: () => T): Promise<T> => {
    state.reads.push(action);
    if (state.failing) throw broken(action);
    return answer();
  };
  const eni = (): Eni => ({
    id: ENI,
    subnet: 'subnet-1',
    vpc: 'vpc-1',
    zone: 'z',
    account: '1',
    instance: 'i-1',
    description: 'host a',
    sourceDestCheck: false,
    addresses: [
      { address: '10.0.0.11', primary: true, publicIp: state.elastic.get('10.0.0.11') },
      ...[...state.addresses, ...(mode === 'elastic-ip' ? ['10.0.0.21', '10.0.0.22', '10.0.0.23'] : [])].map(
        (address) => ({ address, primary: false, publicIp: state.elastic.get(address) }),
      ),
    ],
    ipv6: [],
    tags: [...state.tags].map(([key, value]) => ({ key, value })),
  });
  const table = (): RouteTable => ({
    id: 'rtb-1',
    vpc: 'vpc-1',
    main: false,
    subnets: [],
    routes: [...state.routes].map((destination) => ({
      destination,
      eni: ENI,
      instance: undefined,
      other: undefined,
      blackhole: false,
    })),
  });
  const elasticIps = () =>
    VIPS['elastic-ip'].concat(MORE['elastic-ip']).flatMap(({ addresses }) =>
      addresses.map(({ address }) => {
        const on = [...state.elastic].find(([, publicIp]) => publicIp === address)?.[0];
        return {
          address,
          allocation: `eipalloc-${address}`,
          association: on === undefined ? undefined : `eipassoc-${address}`,
          eni: on === undefined ? undefined : ENI,
          instance: undefined,
          privateAddress: on,
          borderGroup: undefined,
        };
      }),
    );
  const done = (call: Change): void => {
    if (call.kind === 'assign') for (const address of call.addresses) state.addresses.add(address);
    if (call.kind === 'associate')
      state.elastic.set(call.privateAddress, call.allocation.replace('eipalloc-', ''));
    if (call.kind === 'route') state.routes.add(call.destination);
    if (call.kind === 'tag') state.tags.set(call.tag.key, call.tag.value);
  };
  const ec2: Partial<Ec2> = {
    enis: () => read('enis', () => [eni()]),
    elasticIps: () => read('elasticIps', elasticIps),
    routeTables: () => read('routeTables', () => [table()]),
    subnets: () =>
      read('subnets', () => [
        { id: 'subnet-1', vpc: 'vpc-1', zone: 'z', cidr: '10.0.0.0/24', ipv6Cidrs: [], freeAddresses: 200 },
      ]),
    tags: () =>
      read('tags', () => [...state.tags].map(([key, value]) => ({ resource: ENI, tag: { key, value } }))),
    instanceLimits: () => read('instanceLimits', () => undefined),
    change: async (call) => {
      state.changes.push(call);
      const hit = state.failingFor !== undefined && JSON.stringify(call).includes(state.failingFor);
      if (state.failing || hit) throw broken(call.kind);
      done(call);
    },
    clockAhead: undefined,
    close: () => undefined,
  };
  return { state, ec2: ec2 as Ec2 };
}

let provider: Provider;
let events: ProviderEvent[];
let world: ReturnType<typeof border>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(async () => {
  await provider.stop();
  vi.useRealTimers();
});

async function open(mode: AwsMode): Promise<void> {
  world = border(mode);
  events = [];
  const config: AwsProviderConfig = {
    kind: 'aws',
    mode,
    region: 'eu-test-1',
    interfaces: [ENI],
    tables: { ids: ['rtb-1'] },
    endpoint: 'http://127.0.0.1:1',
    metadata_endpoint: 'http://127.0.0.1:1',
    call_timeout_ms: 3_000,
    settle_timeout_ms: 3_000,
    look_interval_ms: MINUTE,
  };
  provider = createAwsProvider(
    'aws',
    { config, cluster: 'web' },
    {
      openEc2: async () => world.ec2,
      now: () => Date.now(),
      wall: () => Date.now(),
      random: () => 0.5,
      sleep: (length) => new Promise((resolve) => setTimeout(resolve, length)),
    },
  );
  await provider.start([...VIPS[mode], MORE[mode]], (event) => events.push(event));
}

async function take(vips: readonly Vip[], within = 2_000) {
  const taking = provider.acquire(atOnce(vips), 7, NEVER);
  await vi.advanceTimersByTimeAsync(within);
  return taking;
}

const troubles = () => events.flatMap((event) => (event.kind === 'trouble' ? [event.reason] : []));

describe.each(['secondary-ip', 'elastic-ip', 'route'] as const)('mode %s', (mode) => {
  const vips = VIPS[mode];

  async function holding(): Promise<void> {
    await open(mode);
    expect((await take(vips)).map(({ held }) => held)).toEqual(vips.map(() => true));
    // The looks that follow a change, and the fence where it is shown at rest.
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    events.length = 0;
    world.state.reads.length = 0;
    world.state.changes.length = 0;
  }

  it('an idle provider reads once a minute, and changes nothing', async () => {
    await holding();
    // Renewing is the agent's daily bread, and asks nobody.
    for (let at = 0; at < 20 * 60; at++) {
      await provider.renew(vips, NEVER);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(world.state.reads.length).toBeGreaterThanOrEqual(19);
    expect(world.state.reads.length).toBeLessThanOrEqual(20);
    expect(world.state.changes).toEqual([]);
  });

  it('ten minutes of 500s: what is held stays held, it is said with what to do, and it is well after them', async () => {
    await holding();
    world.state.failing = true;
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect((await provider.renew(vips, NEVER)).every(({ held, code }) => held && code === 'ok')).toBe(true);
    expect((await provider.inspect(vips, NEVER)).every(({ held }) => held)).toBe(true);
    expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
    expect(troubles().at(-1)).toMatch(
      /EC2 cannot be used: .*InternalError.*Health Dashboard.*3 VIPs held here stay as last known/,
    );
    // Of what is not here the others are told that it cannot be had here, and asked nevertheless it fails within its patience.
    expect(events.flatMap((event) => (event.kind === 'fitness' ? [[event.vip, event.fit]] : []))).toEqual([
      ['more', false],
    ]);
    const [more] = await take([MORE[mode]], 30_000);
    expect(more).toMatchObject({ vip: 'more', held: false, code: 'timeout' });
    // It asks more often than at rest, and not without measure.
    expect(world.state.reads.length).toBeGreaterThan(20);
    expect(world.state.reads.length).toBeLessThan((11 * MINUTE) / 2_500);
    expect(world.state.changes).toEqual([]);
    world.state.failing = false;
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(troubles().at(-1)).toBeUndefined();
    expect((await take([MORE[mode]]))[0]).toMatchObject({ held: true, code: 'ok' });
    expect((await provider.inspect(vips, NEVER)).map(({ held }) => held)).toEqual(vips.map(() => true));
  });

  it('500s for one address alone: the other VIPs are had, and it is said which one is not', async () => {
    await open(mode);
    world.state.failingFor = vips[0]!.addresses[0]!.address;
    const outcomes = await take(vips, 30_000);
    // One call carries all private addresses, so that its failure is everybody's.
    const alone = mode !== 'secondary-ip';
    expect(outcomes.map(({ held }) => held)).toEqual([false, alone, alone]);
    expect(outcomes[0]).toMatchObject({
      code: 'timeout',
      reason: expect.stringContaining('Health Dashboard'),
    });
  });
});

/** Hosts with several interfaces, and how many addresses they tell that they can hold. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAwsProvider } from '../../../../providers/aws/provider.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { Provider, ProviderEvent } from '../../../../src/provider/provider.ts';
import { FakeImds } from '../../../cloud/ec2/fake-imds.ts';
import type { EniState, SubnetState } from '../../../cloud/ec2/region.ts';
import { atOnce, CLUSTER, eventually, NEVER, Stage, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const ONE = vip('one', '10.0.0.101');
const OTHER = vip('other', '10.0.1.101');
const SIX = vip('six', '2001:db8:1::101');

let stage: Stage;
let second: SubnetState;
const hosts: { provider: Provider; enis: readonly EniState[]; events: ProviderEvent[]; imds: FakeImds }[] =
  [];

beforeEach(async () => {
  stage = await Stage.open({
    mode: 'secondary-ip',
    hosts: 0,
    region: { ipv4PerInterface: 4, ipv6PerInterface: 3 },
  });
  second = stage.region.addSubnet('10.0.1.0/24', { ipv6Cidr: '2001:db8:1::/64' });
});

afterEach(async () => {
  for (const { provider, imds } of hosts.splice(0)) {
    await provider.stop();
    await imds.close();
  }
  await stage.close();
});

/** A host with an interface in each of these subnets; `last`: of its own addresses. */
async function host(
  subnets: readonly SubnetState[],
  vips: readonly Vip[],
  { last = 11, used = [] }: { readonly last?: number; readonly used?: readonly string[] } = {},
) {
  const instance = stage.region.id('i');
  const enis = subnets.map((subnet, deviceIndex) => {
    const primary = `${subnet.cidr.replace(/0\/24$/, '')}${last + deviceIndex}`;
    return stage.region.addEni(subnet, primary, { instance, deviceIndex });
  });
  for (const address of used) enis[0]!.secondaries.add(address);
  const imds = new FakeImds(stage.region, enis);
  await imds.listen();
  const config = {
    ...stage.config(enis[0]!),
    interfaces: enis.map(({ id }) => id),
    metadata_endpoint: imds.url,
  };
  const provider = createAwsProvider('aws', { config, cluster: CLUSTER });
  const events: ProviderEvent[] = [];
  await provider.start(vips, (event) => events.push(event));
  const made = { provider, enis, events, imds };
  hosts.push(made);
  return made;
}

const slotsTold = (events: readonly ProviderEvent[]) =>
  events.flatMap((event) => (event.kind === 'slots' ? [[event.family, event.slots]] : []));

describe('several interfaces', () => {
  it('each address is had on the interface in its subnet, by one call each, and taken over from there', async () => {
    const vips = [ONE, OTHER, SIX];
    const [a, b] = [
      await host([stage.subnet, second], vips),
      await host([stage.subnet, second], vips, { last: 21 }),
    ];
    for (const [at, { provider, enis }] of [a, b].entries()) {
      const from = stage.fake.requests.length;
      const outcomes = await provider.acquire(atOnce(vips), at + 1, NEVER);
      expect(outcomes.map(({ held, code }) => [held, code])).toEqual(vips.map(() => [true, 'ok']));
      expect(enis.map(({ secondaries }) => [...secondaries])).toEqual([['10.0.0.101'], ['10.0.1.101']]);
      expect([...enis[1]!.ipv6]).toEqual(['2001:db8:1::101']);
      expect(stage.moving(from).toSorted((one, other) => one.localeCompare(other))).toEqual([
        'AssignIpv6Addresses',
        'AssignPrivateIpAddresses',
        'AssignPrivateIpAddresses',
        ...(at === 1 ? ['UnassignIpv6Addresses'] : []),
      ]);
      for (const { id } of enis)
        await eventually(
          () =>
            stage.region.state.tags
              .get(id)
              ?.get(`wackamole:${CLUSTER}:fence`)
              ?.startsWith(`${at + 1} `) === true,
          `the fence on ${id}`,
        );
    }
    expect(a.enis.flatMap(({ secondaries, ipv6 }) => [...secondaries, ...ipv6])).toEqual([]);
    await b.provider.release(vips, NEVER);
    expect(b.enis.flatMap(({ secondaries, ipv6 }) => [...secondaries, ...ipv6])).toEqual([]);
  });
});

describe('slots', () => {
  it('of each interface beside its own address; what is a stranger to the cluster takes some of them', async () => {
    const { events } = await host([stage.subnet, second], [ONE, OTHER], {
      used: ['10.0.0.101', '10.0.0.200'],
    });
    // Three beside the primary one on each, of which one is taken, and by no VIP.
    expect(slotsTold(events)).toEqual([
      [4, 5],
      [6, 6],
    ]);
  });

  it('of two interfaces in one subnet are those of the first, which has all of them', async () => {
    const vips = [1, 2, 3, 4].map((at) => vip(`v${at}`, `10.0.0.${100 + at}`));
    const { events, provider, enis } = await host([stage.subnet, stage.subnet], vips);
    expect(slotsTold(events)[0]).toEqual([4, 3]);
    const outcomes = await provider.acquire(atOnce(vips), 1, NEVER);
    expect(outcomes.map(({ code }) => code).toSorted((one, other) => one.localeCompare(other))).toEqual([
      'limit',
      'ok',
      'ok',
      'ok',
    ]);
    expect(enis[1]!.secondaries.size).toBe(0);
  });

  it('are told anew when an address there becomes a VIP', async () => {
    const { events, provider } = await host([stage.subnet], [ONE], { used: ['10.0.0.200'] });
    provider.configure([ONE, vip('more', '10.0.0.200')]);
    expect(slotsTold(events)).toEqual([
      [4, 2],
      [6, 3],
      [4, 3],
    ]);
  });
});

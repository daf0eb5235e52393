/** The suite of every provider against `aws` in its three ways, with the real SDK and a make-believe EC2. */
import type { Vip } from '../../src/model/vip.ts';
import { Stage, vip } from '../cloud/ec2/stage.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

/** Time enough for a look to notice within the suite's patience. */
const QUICK = { look_interval_ms: 1_000 } as const;

async function opened(
  stage: Stage,
  vips: readonly Vip[],
  remove: (vip: Vip) => void,
): Promise<ProviderStage> {
  const [member] = stage.members;
  return {
    provider: member!.provider,
    vips,
    remove: async (which) => remove(which),
    // The interface's source/destination check and the subnet are looked at at start alone: nothing can cripple it later but the API.
    end: () => stage.close(),
  };
}

describeProvider('aws, secondary-ip', async () => {
  const stage = await Stage.open({ mode: 'secondary-ip', hosts: 1, config: QUICK });
  const vips = [
    vip('one', '10.0.0.101'),
    vip('two', '10.0.0.102', '10.0.0.103'),
    vip('both', '10.0.0.104', '2001:db8::104'),
    vip('six', '2001:db8::105'),
  ];
  return opened(stage, vips, ({ addresses }) => {
    for (const { address } of addresses) {
      stage.members[0]!.eni.secondaries.delete(address);
      stage.members[0]!.eni.ipv6.delete(address);
    }
  });
});

describeProvider('aws, elastic-ip', async () => {
  const stage = await Stage.open({ mode: 'elastic-ip', hosts: 1, config: QUICK });
  const addresses = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4'];
  for (const address of addresses) stage.region.addElasticIp(address);
  for (const spare of ['10.0.0.201', '10.0.0.202', '10.0.0.203'])
    stage.members[0]!.eni.secondaries.add(spare);
  const vips = [
    vip('one', addresses[0]!),
    vip('two', addresses[1]!, addresses[2]!),
    vip('three', addresses[3]!),
  ];
  return opened(stage, vips, (which) => {
    for (const { address } of which.addresses) stage.region.elasticIp(address)!.association = undefined;
  });
});

describeProvider('aws, route', async () => {
  const stage = await Stage.open({ mode: 'route', hosts: 1, config: QUICK });
  const tables = [1, 2].map(() => stage.region.addTable({ tags: { 'wackamole:cluster': 'web' } }));
  const vips = [
    vip('one', '172.31.255.1'),
    vip('both', '172.31.255.2', 'fd00:77::2'),
    vip('three', '172.31.255.3'),
  ];
  return opened(stage, vips, ({ addresses: [address] }) => {
    for (const { routes } of tables) routes.delete(`${address!.address}/32`);
  });
});

/** Thread of `clouds.ts`: a make-believe cloud with this host and another one that dies again and again. Told to `lose`, it gives all VIPs to that one. */
import type { AwsMode, GcpMode, ProviderConfig } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import { workerHome } from '../../src/platform/worker-thread.ts';
import { FakeEc2 } from '../cloud/ec2/fake-ec2.ts';
import { Region } from '../cloud/ec2/region.ts';
import { FakeCompute } from '../cloud/gce/fake-compute.ts';
import { FakeMetadata } from '../cloud/gce/fake-metadata.ts';
import { type InstanceState, Project } from '../cloud/gce/project.ts';

export interface Wish {
  readonly kind: 'aws' | 'gcp';
  readonly mode: AwsMode | GcpMode;
  readonly vips: number;
}

/** To the thread: `lose` makes the other host holder of everything; `hang up` closes all connections; `report` asks for what was called since. */
export type Order = 'lose' | 'hang up' | 'report';

export type Told =
  | { readonly kind: 'open'; readonly settings: ProviderConfig; readonly vips: readonly Vip[] }
  | { readonly kind: 'done' }
  /** `first`: when the first changing call arrived, ms since 1970; `own`: what the cloud itself took until then to make up its answers, ms. */
  | {
      readonly kind: 'report';
      readonly first: number | undefined;
      readonly own: number;
      readonly changes: readonly string[];
    };

interface Cloud {
  readonly settings: ProviderConfig;
  readonly fake: FakeEc2 | FakeCompute;
  lose(vips: readonly Vip[]): void;
}

const SUBNET = '10.78.0.0/16';
const CLUSTER = 'bench';

function vipsOf({ kind, mode, vips: count }: Wish): readonly Vip[] {
  const [high, low] =
    mode === 'secondary-ip' || mode === 'alias-ip' ? [10, 78] : mode === 'route' ? [172, 31] : [198, 51];
  return Array.from({ length: count }, (_, at) => ({
    id: `v${at}`,
    addresses: [{ family: 4, address: `${high}.${low}.100.${at + 1}`, prefixLength: 32 }],
    prefer: [],
    weight: 1,
    policy: 'primary',
    providers: [kind],
  }));
}

const addressesOf = (vips: readonly Vip[]) =>
  vips.flatMap(({ addresses }) => addresses.map(({ address }) => address));

async function openAws(mode: AwsMode, vips: readonly Vip[]): Promise<Cloud> {
  const region = new Region({ vpcCidr: SUBNET, ipv4PerInterface: 400 });
  const fake = new FakeEc2(region);
  await fake.listen();
  const subnet = region.addSubnet(SUBNET);
  const tags = { 'wackamole:cluster': CLUSTER };
  const [self, other] = ['10.78.0.11', '10.78.0.12'].map((address) => {
    const eni = region.addEni(subnet, address, { sourceDestCheck: false });
    region.tag(eni.id, tags);
    // One private address for each Elastic IP.
    if (mode === 'elastic-ip')
      for (const at of vips.keys()) eni.secondaries.add(`10.78.${address.endsWith('1') ? 1 : 2}.${at + 1}`);
    return eni;
  }) as [ReturnType<Region['addEni']>, ReturnType<Region['addEni']>];
  if (mode === 'route') region.addTable({ tags });
  if (mode === 'elastic-ip') for (const address of addressesOf(vips)) region.addElasticIp(address);
  const lose = () => {
    for (const [at, address] of addressesOf(vips).entries()) {
      const elastic = region.elasticIp(address);
      if (elastic !== undefined)
        elastic.association = { id: `eipassoc-${at}`, eni: other.id, privateAddress: `10.78.2.${at + 1}` };
      else if (mode === 'route')
        for (const { routes } of region.state.tables.values())
          routes.set(`${address}/32`, { destination: `${address}/32`, eni: other.id });
      else {
        self.secondaries.delete(address);
        other.secondaries.add(address);
      }
    }
  };
  const settings: ProviderConfig = {
    kind: 'aws',
    mode,
    region: region.name,
    interfaces: [self.id],
    endpoint: fake.url,
    metadata_endpoint: 'http://127.0.0.1:1',
    call_timeout_ms: 3_000,
    settle_timeout_ms: 3_000,
    look_interval_ms: 60_000,
  };
  return { settings, fake, lose };
}

async function openGcp(mode: GcpMode, vips: readonly Vip[]): Promise<Cloud> {
  const project = new Project();
  project.aliasesPerNic = 400;
  const fake = new FakeCompute(project);
  await fake.listen();
  project.addSubnet('sub', SUBNET);
  const labels = { 'wackamole-cluster': CLUSTER };
  const [self, other] = ['10.78.0.11', '10.78.0.12'].map((primary, at) =>
    project.addInstance(`vm-${at}`, { primary, labels }),
  ) as [InstanceState, InstanceState];
  const metadata = new FakeMetadata(fake, self);
  await metadata.listen();
  if (mode === 'external-ip')
    for (const [at, address] of addressesOf(vips).entries())
      project.state.addresses.set(`address-${at}`, address);
  const lose = () => {
    const [mine, theirs] = [self.nics[0]!, other.nics[0]!];
    for (const nic of [mine, theirs]) nic.fingerprint = project.fingerprint();
    if (mode === 'alias-ip') {
      mine.aliases = [];
      theirs.aliases = addressesOf(vips).map((address) => ({ range: `${address}/32` }));
    } else if (mode === 'external-ip') {
      mine.accessConfigs = [];
      theirs.accessConfigs = [{ name: 'External NAT', natIp: addressesOf(vips)[0]! }];
    } else
      for (const [name, route] of project.state.routes)
        project.state.routes.set(name, {
          ...route,
          description: `wackamole ${CLUSTER} 1 since 2026-11-28T00:00:00.000Z`,
          instance: project.url(other),
        });
  };
  const settings: ProviderConfig = {
    kind: 'gcp',
    mode,
    interface: 'nic0',
    alias_limit: 400,
    priority: 1000,
    endpoint: fake.url,
    metadata_endpoint: metadata.url,
    call_timeout_ms: 5_000,
    operation_timeout_ms: 20_000,
    settle_timeout_ms: 5_000,
    look_interval_ms: 60_000,
  };
  return { settings, fake, lose };
}

const home = workerHome();
const wish = home.data as Wish;
const vips = vipsOf(wish);
const cloud =
  wish.kind === 'aws' ? await openAws(wish.mode as AwsMode, vips) : await openGcp(wish.mode as GcpMode, vips);
const tell = (told: Told) => home.post(told);
home.listen((message) => {
  const order = message as Order;
  if (order === 'report') {
    const requests = cloud.fake.requests.splice(0);
    const changes = requests.filter(({ mutating }) => mutating);
    const first = changes[0] === undefined ? undefined : performance.timeOrigin + changes[0].at;
    const until = changes[0]?.at ?? Number.POSITIVE_INFINITY;
    // One after the other, since it is one thread.
    const own = requests
      .filter(({ at }) => at < until)
      .reduce((sum, { at, answered = at }) => sum + answered - at, 0);
    return tell({ kind: 'report', first, own, changes: changes.map(({ action }) => action) });
  }
  if (order === 'lose') cloud.lose(vips);
  else cloud.fake.hangUp();
  tell({ kind: 'done' });
});
tell({ kind: 'open', settings: cloud.settings, vips });

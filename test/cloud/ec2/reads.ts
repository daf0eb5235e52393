/** The Describe calls of the fake: state to the SDK's shapes, filtered as EC2 does. */
import { Refused } from './refused.ts';
import type { ElasticIpState, EniState, Region, State, TableState } from './region.ts';

type Input = Readonly<Record<string, unknown>>;
type Answer = Readonly<Record<string, unknown>>;

export type Read = (region: Region, input: Input) => Answer;

interface Wanted {
  readonly name: string;
  readonly values: readonly string[];
}

/** Values of each filter a resource has, by name. */
type Facts = Readonly<Record<string, readonly (string | undefined)[]>>;

function filtersOf(input: Input): readonly Wanted[] {
  const filters = (input['Filters'] as readonly { Name?: string; Values?: string[] }[] | undefined) ?? [];
  return filters.map(({ Name = '', Values = [] }) => {
    if (Values.length > 200)
      throw new Refused('FilterLimitExceeded', 'The maximum number of filter values is 200');
    return { name: Name, values: Values };
  });
}

/** All filters, of each any value. An unknown one is refused, so that no test passes by a typing error. */
function passes(facts: Facts, filters: readonly Wanted[], tags: ReadonlyMap<string, string>): boolean {
  return filters.every(({ name, values }) => {
    if (name === 'tag-key') return values.some((value) => tags.has(value));
    if (name.startsWith('tag:')) return values.includes(tags.get(name.slice(4)) ?? '\u0000');
    const known = facts[name];
    if (known === undefined) throw new Refused('InvalidParameterValue', `The filter '${name}' is invalid`);
    return known.some((fact) => fact !== undefined && values.includes(fact));
  });
}

const noTags: ReadonlyMap<string, string> = new Map();

function tagSet(state: State, id: string): { Key: string; Value: string }[] {
  return [...(state.tags.get(id) ?? noTags)].map(([Key, Value]) => ({ Key, Value }));
}

function publicOf(state: State, eni: string, address: string): ElasticIpState | undefined {
  return [...state.elasticIps.values()].find(
    ({ association }) => association?.eni === eni && association.privateAddress === address,
  );
}

const networkInterfaces: Read = (region, input) => {
  const { shown } = region;
  const filters = filtersOf(input);
  const ids = input['NetworkInterfaceIds'] as readonly string[] | undefined;
  const missing = ids?.find((id) => !shown.enis.has(id));
  if (missing !== undefined)
    throw new Refused(
      'InvalidNetworkInterfaceID.NotFound',
      `The networkInterface ID '${missing}' does not exist`,
    );
  const found = [...shown.enis.values()].filter(
    (eni) =>
      !eni.hidden &&
      (ids?.includes(eni.id) ?? true) &&
      passes(eniFacts(region, shown, eni), filters, shown.tags.get(eni.id) ?? noTags),
  );
  return { NetworkInterfaces: found.map((eni) => eniShape(region, shown, eni)) };
};

function eniFacts(region: Region, state: State, eni: EniState): Facts {
  const addresses = [eni.primary, ...eni.secondaries];
  return {
    'network-interface-id': [eni.id],
    'subnet-id': [eni.subnet],
    'vpc-id': [region.vpcOf(eni)],
    'addresses.private-ip-address': addresses,
    'ipv6-addresses.ipv6-address': [...eni.ipv6],
    'association.public-ip': addresses.map((address) => publicOf(state, eni.id, address)?.address),
    'attachment.instance-id': [eni.instance],
  };
}

function eniShape(region: Region, state: State, eni: EniState): Answer {
  const subnet = state.subnets.get(eni.subnet)!;
  const associated = (address: string) => {
    const elastic = publicOf(state, eni.id, address);
    if (elastic === undefined) return {};
    return { Association: { PublicIp: elastic.address, AllocationId: elastic.allocation } };
  };
  return {
    NetworkInterfaceId: eni.id,
    SubnetId: eni.subnet,
    VpcId: region.vpcOf(eni),
    AvailabilityZone: subnet.zone,
    OwnerId: region.account,
    Description: eni.description,
    MacAddress: eni.mac,
    SourceDestCheck: eni.sourceDestCheck,
    Status: eni.instance === undefined ? 'available' : 'in-use',
    PrivateIpAddress: eni.primary,
    ...(eni.instance !== undefined && {
      Attachment: { InstanceId: eni.instance, DeviceIndex: eni.deviceIndex, Status: 'attached' },
    }),
    PrivateIpAddresses: [eni.primary, ...eni.secondaries].map((address) => ({
      PrivateIpAddress: address,
      Primary: address === eni.primary,
      ...associated(address),
    })),
    Ipv6Addresses: [...eni.ipv6].map((address) => ({ Ipv6Address: address })),
    TagSet: tagSet(state, eni.id),
  };
}

const addresses: Read = (region, input) => {
  const { shown } = region;
  const filters = filtersOf(input);
  const found = [...shown.elasticIps.values()].filter((elastic) =>
    passes(
      { 'public-ip': [elastic.address], 'allocation-id': [elastic.allocation] },
      filters,
      shown.tags.get(elastic.allocation) ?? noTags,
    ),
  );
  return {
    Addresses: found.map(({ address, allocation, association }) => ({
      PublicIp: address,
      AllocationId: allocation,
      Domain: 'vpc',
      NetworkBorderGroup: region.name,
      ...(association !== undefined && {
        AssociationId: association.id,
        NetworkInterfaceId: association.eni,
        NetworkInterfaceOwnerId: region.account,
        PrivateIpAddress: association.privateAddress,
        InstanceId: shown.enis.get(association.eni)?.instance,
      }),
      Tags: tagSet(shown, allocation),
    })),
  };
};

const routeTables: Read = (region, input) => {
  const { shown } = region;
  const filters = filtersOf(input);
  const found = [...shown.tables.values()].filter((table) =>
    passes(
      {
        'route-table-id': [table.id],
        'vpc-id': [region.vpc],
        'association.subnet-id': table.subnets,
        'association.main': [String(table.main)],
      },
      filters,
      shown.tags.get(table.id) ?? noTags,
    ),
  );
  return { RouteTables: found.map((table) => tableShape(region, shown, table)) };
};

function tableShape(region: Region, state: State, table: TableState): Answer {
  return {
    RouteTableId: table.id,
    VpcId: region.vpc,
    Associations: [
      ...(table.main ? [{ Main: true, RouteTableId: table.id }] : []),
      ...table.subnets.map((subnet) => ({ Main: false, SubnetId: subnet, RouteTableId: table.id })),
    ],
    Routes: [
      { DestinationCidrBlock: region.vpcCidr, GatewayId: 'local', State: 'active' },
      ...[...table.routes.values()].map(({ destination, eni, gateway }) => ({
        ...(destination.includes(':')
          ? { DestinationIpv6CidrBlock: destination }
          : { DestinationCidrBlock: destination }),
        ...(eni !== undefined && { NetworkInterfaceId: eni, InstanceId: state.enis.get(eni)?.instance }),
        ...(gateway !== undefined && { GatewayId: gateway }),
        State: eni !== undefined && !state.enis.has(eni) ? 'blackhole' : 'active',
      })),
    ],
    Tags: tagSet(state, table.id),
  };
}

const subnets: Read = (region, input) => {
  const { shown } = region;
  const found = [...shown.subnets.values()].filter((subnet) =>
    passes({ 'subnet-id': [subnet.id], 'vpc-id': [subnet.vpc] }, filtersOf(input), noTags),
  );
  return {
    Subnets: found.map(({ id, cidr, ipv6Cidr, zone, vpc }) => ({
      SubnetId: id,
      VpcId: vpc,
      CidrBlock: cidr,
      AvailabilityZone: zone,
      AvailableIpAddressCount: 200,
      Ipv6CidrBlockAssociationSet: ipv6Cidr === undefined ? [] : [{ Ipv6CidrBlock: ipv6Cidr }],
    })),
  };
};

const tags: Read = (region, input) => {
  const { shown } = region;
  const filters = filtersOf(input);
  const all = [...shown.tags].flatMap(([ResourceId, set]) =>
    [...set].map(([Key, Value]) => ({ ResourceId, Key, Value, ResourceType: resourceType(ResourceId) })),
  );
  return {
    Tags: all.filter(({ ResourceId, Key, Value, ResourceType }) =>
      passes(
        { key: [Key], value: [Value], 'resource-id': [ResourceId], 'resource-type': [ResourceType] },
        filters,
        noTags,
      ),
    ),
  };
};

function resourceType(id: string): string {
  if (id.startsWith('eni-')) return 'network-interface';
  if (id.startsWith('rtb-')) return 'route-table';
  return id.startsWith('eipalloc-') ? 'elastic-ip' : 'subnet';
}

const instanceTypes: Read = (region, input) => {
  const [type = ''] = (input['InstanceTypes'] as readonly string[] | undefined) ?? [];
  if (type !== region.instanceType)
    throw new Refused('InvalidInstanceType', `The following supplied instance types do not exist: [${type}]`);
  return {
    InstanceTypes: [
      {
        InstanceType: type,
        NetworkInfo: {
          Ipv4AddressesPerInterface: region.ipv4PerInterface,
          Ipv6AddressesPerInterface: region.ipv6PerInterface,
          MaximumNetworkInterfaces: 15,
        },
      },
    ],
  };
};

export const READS: Readonly<Record<string, Read>> = {
  DescribeNetworkInterfaces: networkInterfaces,
  DescribeAddresses: addresses,
  DescribeRouteTables: routeTables,
  DescribeSubnets: subnets,
  DescribeTags: tags,
  DescribeInstanceTypes: instanceTypes,
};

/** Calls of the fake that read, in the shapes of the API. */
import type { InstanceState, Project, State } from './project.ts';
import { Refused } from './refused.ts';

type Input = Readonly<Record<string, string>>;
type Read = (project: Project, input: Input, state: State) => object;

const BASE = 'https://www.googleapis.com/compute/v1/projects';

export const READS: Readonly<Record<string, Read>> = {
  'Instances.Get': (project, { instance, zone }, state) => shape(project, mustFind(state, instance, zone)),
  'Instances.AggregatedList': (project, { filter }, state) => {
    const label = /^labels\.([a-z0-9_-]+) = "([^"]*)"$/.exec(filter ?? '');
    if (filter !== undefined && label === null)
      throw new Refused(400, 'invalid', `Invalid value for field 'filter': '${filter}'`);
    const items: Record<string, object> = {
      [`regions/${project.region}`]: { warning: { code: 'NO_RESULTS_ON_PAGE' } },
    };
    for (const instance of state.instances.values()) {
      if (label !== null && instance.labels[label[1]!] !== label[2]) continue;
      const key = `zones/${instance.zone}`;
      const before = (items[key] as { instances: object[] } | undefined)?.instances ?? [];
      items[key] = { instances: [...before, shape(project, instance)] };
    }
    return { kind: 'compute#instanceAggregatedList', items };
  },
  'Instances.GetGuestAttributes': (_, { instance, zone, queryPath }, state) => {
    const { guestAttributes, metadata } = mustFind(state, instance, zone);
    if (metadata['enable-guest-attributes'] !== 'TRUE')
      throw new Refused(400, 'invalid', 'Guest attributes endpoint access is disabled.');
    const [namespace = '', wanted = ''] = (queryPath ?? '').split('/');
    const items = Object.entries(guestAttributes)
      .filter(([key]) => key === `${namespace}/${wanted}`)
      .map(([, value]) => ({ namespace, key: wanted, value }));
    if (items.length === 0)
      throw new Refused(404, 'notFound', `The resource 'guestAttributes/${queryPath}' was not found`);
    return { kind: 'compute#guestAttributes', queryPath, queryValue: { items } };
  },
  'Subnetworks.Get': (project, { subnetwork, region }, state) => {
    const subnet = state.subnets.get(subnetwork ?? '');
    if (subnet === undefined || region !== project.region) throw missing(`subnetworks/${subnetwork}`);
    return {
      kind: 'compute#subnetwork',
      name: subnet.name,
      region: `${BASE}/${project.id}/regions/${project.region}`,
      network: `${BASE}/${project.id}/global/networks/${subnet.network}`,
      ipCidrRange: subnet.cidr,
      secondaryIpRanges: subnet.secondary.map(({ name, cidr }) => ({ rangeName: name, ipCidrRange: cidr })),
    };
  },
  'Addresses.List': (project, { filter }, state) => {
    const wanted = valuesOf(filter, 'address');
    const holder = (address: string) =>
      [...state.instances.values()].find(({ nics }) =>
        nics.some(({ accessConfigs }) => accessConfigs.some(({ natIp }) => natIp === address)),
      );
    const items = [...state.addresses]
      .filter(([, address]) => wanted.includes(address))
      .map(([name, address]) => {
        const user = holder(address);
        return {
          name,
          address,
          addressType: 'EXTERNAL',
          status: user === undefined ? 'RESERVED' : 'IN_USE',
          users: user === undefined ? [] : [project.url(user)],
        };
      });
    return { kind: 'compute#addressList', items };
  },
  'Routes.List': (project, { filter }, state) => {
    const wanted = valuesOf(filter, 'destRange');
    const items = [...state.routes.values()]
      .filter(({ destination }) => wanted.includes(destination))
      .map((route) => ({
        id: route.id,
        name: route.name,
        network: `${BASE}/${project.id}/global/networks/${route.network}`,
        destRange: route.destination,
        priority: route.priority,
        description: route.description,
        nextHopInstance: route.instance,
      }));
    return { kind: 'compute#routeList', items };
  },
};

function valuesOf(filter: string | undefined, field: string): readonly string[] {
  const parts = (filter ?? '')
    .split(' OR ')
    .map((part) => new RegExp(`^\\(${field} = "([^"]+)"\\)$`).exec(part)?.[1]);
  if (parts.includes(undefined))
    throw new Refused(400, 'invalid', `Invalid value for field 'filter': '${filter}'`);
  return parts as string[];
}

export function mustFind(state: State, name = '', zone = ''): InstanceState {
  const found = state.instances.get(name);
  if (found === undefined || found.zone !== zone) throw missing(`zones/${zone}/instances/${name}`);
  return found;
}

export function missing(what: string): Refused {
  return new Refused(404, 'notFound', `The resource 'projects/proj-test/${what}' was not found`);
}

function shape(project: Project, instance: InstanceState): object {
  return {
    kind: 'compute#instance',
    id: '4711',
    name: instance.name,
    zone: `${BASE}/${project.id}/zones/${instance.zone}`,
    status: instance.status,
    canIpForward: instance.canIpForward,
    labels: instance.labels,
    metadata: { items: Object.entries(instance.metadata).map(([key, value]) => ({ key, value })) },
    networkInterfaces: instance.nics.map((nic) => ({
      name: nic.name,
      network: `${BASE}/${project.id}/global/networks/${nic.network}`,
      subnetwork: `${BASE}/${project.id}/regions/${project.region}/subnetworks/${nic.subnet}`,
      networkIP: nic.primary,
      fingerprint: nic.fingerprint,
      // Absent when there is none, as everything empty.
      ...(nic.aliases.length > 0 && {
        aliasIpRanges: nic.aliases.map(({ range, rangeName }) => ({
          ipCidrRange: range,
          ...(rangeName !== undefined && { subnetworkRangeName: rangeName }),
        })),
      }),
      ...(nic.accessConfigs.length > 0 && {
        accessConfigs: nic.accessConfigs.map(({ name, natIp }) => ({
          name,
          natIP: natIp,
          type: 'ONE_TO_ONE_NAT',
        })),
      }),
    })),
  };
}

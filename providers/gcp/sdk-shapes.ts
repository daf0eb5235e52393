/** From the SDK's nouns to ours. Everything may be missing in an answer; an answer that lacks what names it is left out. Pure. */
import {
  type Address,
  type Alias,
  type Instance,
  instanceOf,
  lastPart,
  type Nic,
  type Route,
  type Subnet,
} from './compute.ts';

export type Raw = Readonly<Record<string, unknown>>;

export function record(value: unknown): Raw {
  return Object(value) as Raw;
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function list(value: unknown): readonly Raw[] {
  return Array.isArray(value) ? value.map(record) : [];
}

export function instanceFrom(raw: Raw, project: string): Instance {
  return {
    ref: { project, zone: lastPart(text(raw['zone'])), instance: text(raw['name']) },
    status: text(raw['status']),
    canIpForward: raw['canIpForward'] === true,
    labels: strings(raw['labels']),
    metadata: Object.fromEntries(
      list(record(raw['metadata'])['items']).map(({ key, value }) => [text(key), text(value)]),
    ),
    nics: list(raw['networkInterfaces']).map(nicFrom),
  };
}

function nicFrom(raw: Raw): Nic {
  return {
    name: text(raw['name']),
    network: lastPart(text(raw['network'])),
    subnetwork: lastPart(text(raw['subnetwork'])),
    address: text(raw['networkIP']),
    fingerprint: text(raw['fingerprint']),
    aliases: list(raw['aliasIpRanges']).map(aliasFrom),
    accessConfigs: list(raw['accessConfigs']).map(({ name, natIP }) => ({
      name: text(name),
      ...(text(natIP) !== '' && { natIp: text(natIP) }),
    })),
  };
}

function aliasFrom(raw: Raw): Alias {
  const rangeName = text(raw['subnetworkRangeName']);
  return { range: text(raw['ipCidrRange']), ...(rangeName !== '' && { rangeName }) };
}

export function routeFrom(raw: Raw): Route {
  const url = text(raw['nextHopInstance']);
  const instance = instanceOf(url);
  const others = [
    'nextHopIp',
    'nextHopIlb',
    'nextHopGateway',
    'nextHopVpnTunnel',
    'nextHopNetwork',
    'nextHopPeering',
  ];
  const other = others.map((key) => text(raw[key])).find((each) => each !== '');
  return {
    name: text(raw['name']),
    network: lastPart(text(raw['network'])),
    destination: text(raw['destRange']),
    priority: Number(raw['priority'] ?? 1000),
    description: text(raw['description']),
    ...(instance !== undefined && { instance }),
    hop: lastPart(url === '' ? (other ?? 'something') : url),
  };
}

export function addressFrom(raw: Raw): Address {
  return {
    name: text(raw['name']),
    address: text(raw['address']),
    status: text(raw['status']),
    external: text(raw['addressType']) !== 'INTERNAL',
    users: Array.isArray(raw['users']) ? raw['users'].map(text) : [],
  };
}

export function subnetFrom(raw: Raw): Subnet {
  return {
    name: text(raw['name']),
    region: lastPart(text(raw['region'])),
    network: lastPart(text(raw['network'])),
    cidr: text(raw['ipCidrRange']),
    secondary: list(raw['secondaryIpRanges']).map(({ rangeName, ipCidrRange }) => ({
      name: text(rangeName),
      cidr: text(ipCidrRange),
    })),
  };
}

function strings(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, each]) => [key, text(each)]));
}

/**
 * What EC2 does, and what it refuses, call by call. Sources: EC2 API reference (the pages of the actions), the error texts seen in public
 * issues and code, named beside them.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { contains, reservedByAmazon } from '../../../providers/aws/subnets.ts';
import { Refused } from './refused.ts';
import type { EniState, Region } from './region.ts';

type Input = Readonly<Record<string, unknown>>;
type Answer = Readonly<Record<string, unknown>>;

export type Action = (region: Region, input: Input) => Answer;

function text(input: Input, name: string): string {
  const value = input[name];
  return typeof value === 'string' ? value : '';
}

const texts = (input: Input, name: string): readonly string[] =>
  (input[name] as readonly string[] | undefined) ?? [];

function eniOf(region: Region, id: string): EniState {
  const eni = region.state.enis.get(id);
  if (eni !== undefined) return eni;
  if (!/^eni-[0-9a-f]+$/.test(id))
    throw new Refused('InvalidNetworkInterfaceID.Malformed', `Invalid id: "${id}"`);
  throw new Refused('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
}

/** One bad address fails the whole call. */
const assignPrivate: Action = (region, input) => {
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  const addresses = [...new Set(texts(input, 'PrivateIpAddresses'))];
  const subnet = region.state.subnets.get(eni.subnet)!;
  const { vpc } = subnet;
  for (const address of addresses) {
    if (!isIPv4(address))
      throw new Refused('InvalidParameterValue', `Invalid value '${address}' for address`);
    // terraform-aws-cassandra#18
    if (!contains(subnet.cidr, address))
      throw new Refused(
        'InvalidParameterValue',
        `Address ${address} does not fall within the subnet's address range`,
      );
    if (reservedByAmazon(subnet.cidr, address))
      throw new Refused('InvalidParameterValue', `Address ${address} is in subnet's reserved address range`);
    const kept = region.kept.get(address);
    if (kept !== undefined) throw new Refused('InvalidParameterValue', kept);
  }
  const held = addresses.filter((address) => {
    const holder = region.holderOf(address, vpc);
    return holder !== undefined && holder.id !== eni.id;
  });
  // aws-sdk-go#2864: the primary address of another interface cannot be taken
  if (held.some((address) => region.holderOf(address, vpc)?.primary === address))
    throw new Refused('InvalidParameterValue', 'secondary-addresses');
  // Ansible ec2_eni: "[10.0.0.9] assigned, but move is not allowed."
  // Nothing is taken from another account's interface, whatever was allowed.
  const unmoved = held.filter(
    (address) => input['AllowReassignment'] !== true || region.holderOf(address, vpc)?.hidden === true,
  );
  if (unmoved.length > 0)
    throw new Refused('InvalidParameterValue', `[${unmoved.join(', ')}] assigned, but move is not allowed.`);
  const fresh = addresses.filter((address) => !eni.secondaries.has(address) && address !== eni.primary);
  // cilium#36428
  if (1 + eni.secondaries.size + fresh.length > region.ipv4PerInterface)
    throw new Refused('PrivateIpAddressLimitExceeded', 'Number of private addresses will exceed limit.');
  for (const address of fresh) {
    const from = region.holderOf(address, vpc);
    from?.secondaries.delete(address);
    eni.secondaries.add(address);
    // "If you move a secondary private IP address that is associated with an Elastic IP, the Elastic IP moves with it"
    for (const elastic of region.state.elasticIps.values())
      if (elastic.association?.privateAddress === address)
        elastic.association = { ...elastic.association, eni: eni.id };
    region.changed({ register: address, from: from?.id, to: eni.id });
  }
  return {
    NetworkInterfaceId: eni.id,
    AssignedPrivateIpAddresses: addresses.map((address) => ({ PrivateIpAddress: address })),
  };
};

/** Scoped to the interface: the addresses of another one are not touched. */
const unassignPrivate: Action = (region, input) => {
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  const addresses = texts(input, 'PrivateIpAddresses');
  if (addresses.includes(eni.primary))
    throw new Refused('InvalidParameterValue', `The primary IP address ${eni.primary} cannot be unassigned`);
  // Titus and CNI code match this text
  if (addresses.some((address) => !eni.secondaries.has(address)))
    throw new Refused(
      'InvalidParameterValue',
      `Some of the specified addresses are not assigned to interface ${eni.id}`,
    );
  for (const address of addresses) {
    eni.secondaries.delete(address);
    for (const elastic of region.state.elasticIps.values())
      if (elastic.association?.privateAddress === address) elastic.association = undefined;
    region.changed({ register: address, from: eni.id, to: undefined });
  }
  return {};
};

/** Knows no reassignment: whoever has it must be stripped first. */
const assignIpv6: Action = (region, input) => {
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  const addresses = texts(input, 'Ipv6Addresses');
  const subnet = region.state.subnets.get(eni.subnet)!;
  const { vpc } = subnet;
  for (const address of addresses) {
    if (!isIPv6(address) || subnet.ipv6Cidr === undefined || !contains(subnet.ipv6Cidr, address))
      throw new Refused(
        'InvalidParameterValue',
        `Address ${address} does not fall within the subnet's address range`,
      );
    if (reservedByAmazon(subnet.ipv6Cidr, address))
      throw new Refused('InvalidParameterValue', `Address ${address} is in subnet's reserved address range`);
    const holder = region.holderOf(address, vpc);
    if (holder !== undefined && holder.id !== eni.id)
      throw new Refused(
        'InvalidParameterValue',
        `The address ${address} is already assigned to ${holder.id}`,
      );
  }
  const fresh = addresses.filter((address) => !eni.ipv6.has(address));
  if (eni.ipv6.size + fresh.length > region.ipv6PerInterface)
    throw new Refused('Ipv6AddressLimitExceeded', 'Number of IPv6 addresses will exceed limit.');
  for (const address of fresh) {
    eni.ipv6.add(address);
    region.changed({ register: address, from: undefined, to: eni.id });
  }
  return { NetworkInterfaceId: eni.id, AssignedIpv6Addresses: [...addresses] };
};

const unassignIpv6: Action = (region, input) => {
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  const addresses = texts(input, 'Ipv6Addresses');
  if (addresses.some((address) => !eni.ipv6.has(address)))
    throw new Refused(
      'InvalidParameterValue',
      `Some of the specified addresses are not assigned to interface ${eni.id}`,
    );
  for (const address of addresses) {
    eni.ipv6.delete(address);
    region.changed({ register: address, from: eni.id, to: undefined });
  }
  return { NetworkInterfaceId: eni.id, UnassignedIpv6Addresses: [...addresses] };
};

const associate: Action = (region, input) => {
  const allocation = text(input, 'AllocationId');
  const elastic = region.state.elasticIps.get(allocation);
  if (elastic === undefined)
    throw new Refused('InvalidAllocationID.NotFound', `The allocation ID '${allocation}' does not exist`);
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  const privateAddress = text(input, 'PrivateIpAddress') || eni.primary;
  if (privateAddress !== eni.primary && !eni.secondaries.has(privateAddress))
    throw new Refused('InvalidParameterValue', `The address ${privateAddress} is not assigned to ${eni.id}`);
  const present = elastic.association;
  const same = present?.eni === eni.id && present.privateAddress === privateAddress;
  // nixops-aws#143
  if (present !== undefined && !same && input['AllowReassociation'] !== true)
    throw new Refused(
      'Resource.AlreadyAssociated',
      `resource ${allocation} is already associated with associate-id ${present.id}`,
    );
  if (same) return { AssociationId: present.id };
  // "…displaces the address that is associated with the private address"
  for (const other of region.state.elasticIps.values())
    if (other.association?.eni === eni.id && other.association.privateAddress === privateAddress)
      other.association = undefined;
  elastic.association = { id: region.id('eipassoc'), eni: eni.id, privateAddress };
  region.changed({ register: elastic.address, from: present?.eni, to: eni.id });
  return { AssociationId: elastic.association.id };
};

const disassociate: Action = (region, input) => {
  const id = text(input, 'AssociationId');
  const elastic = [...region.state.elasticIps.values()].find(({ association }) => association?.id === id);
  if (elastic === undefined)
    throw new Refused('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  const from = elastic.association?.eni;
  elastic.association = undefined;
  region.changed({ register: elastic.address, from, to: undefined });
  return {};
};

function routeParts(region: Region, input: Input) {
  const id = text(input, 'RouteTableId');
  const table = region.state.tables.get(id);
  if (table === undefined)
    throw new Refused('InvalidRouteTableID.NotFound', `The routeTable ID '${id}' does not exist`);
  const destination = text(input, 'DestinationCidrBlock') || text(input, 'DestinationIpv6CidrBlock');
  const eni = eniOf(region, text(input, 'NetworkInterfaceId'));
  // "route table rtb-… and interface eni-… belong to different networks"
  if (region.vpcOf(eni) !== region.vpc)
    throw new Refused(
      'InvalidParameterValue',
      `route table ${id} and interface ${eni.id} belong to different networks`,
    );
  // A more specific route than the local one is refused unless it leads to an interface of a middlebox in the VPC's own subnets.
  if (contains(region.vpcCidr, destination.split('/')[0]!))
    throw new Refused(
      'InvalidParameterValue',
      `The destination CIDR block ${destination} is within the VPC CIDR`,
    );
  return { table, destination, eni };
}

const createRoute: Action = (region, input) => {
  const { table, destination, eni } = routeParts(region, input);
  if (table.routes.has(destination))
    throw new Refused('RouteAlreadyExists', `The route identified by ${destination} already exists.`);
  table.routes.set(destination, { destination, eni: eni.id });
  region.changed({ register: `${destination} ${table.id}`, from: undefined, to: eni.id });
  return { Return: true };
};

const replaceRoute: Action = (region, input) => {
  const { table, destination, eni } = routeParts(region, input);
  const route = table.routes.get(destination);
  if (route === undefined)
    throw new Refused(
      'InvalidParameterValue',
      `There is no route defined for '${destination}' in the route table. Use CreateRoute instead.`,
    );
  const from = route.eni;
  route.eni = eni.id;
  region.changed({ register: `${destination} ${table.id}`, from, to: eni.id });
  return {};
};

const createTags: Action = (region, input) => {
  for (const resource of texts(input, 'Resources')) {
    const { state } = region;
    const known = [state.enis, state.tables, state.elasticIps, state.subnets].some((all) =>
      all.has(resource),
    );
    if (!known) throw new Refused('InvalidID', `The ID '${resource}' is not valid`);
    const tags = (input['Tags'] as readonly { Key?: string; Value?: string }[] | undefined) ?? [];
    for (const { Key = '', Value = '' } of tags) {
      // EC2 user guide, "Tag restrictions"
      if (Key.length > 128 || Value.length > 256 || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(`${Key}${Value}`))
        throw new Refused(
          'InvalidParameterValue',
          `Tag ${Key} has characters or a length that are not allowed`,
        );
      region.tag(resource, { [Key]: Value });
    }
  }
  region.changed();
  return {};
};

export const CHANGES: Readonly<Record<string, Action>> = {
  AssignPrivateIpAddresses: assignPrivate,
  UnassignPrivateIpAddresses: unassignPrivate,
  AssignIpv6Addresses: assignIpv6,
  UnassignIpv6Addresses: unassignIpv6,
  AssociateAddress: associate,
  DisassociateAddress: disassociate,
  CreateRoute: createRoute,
  ReplaceRoute: replaceRoute,
  CreateTags: createTags,
};

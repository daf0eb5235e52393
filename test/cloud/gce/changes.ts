/**
 * Calls of the fake that change something, with the rules of the API. What is refused at once is a `Refused`; what Google accepts and
 * then fails in the operation is a `Failed`. `begin` checks, and what it returns does it.
 */
import { BlockList } from 'node:net';
import type { InstanceState, NicState, Project } from './project.ts';
import { missing, mustFind } from './reads.ts';
import { Failed, Refused } from './refused.ts';

type Input = Readonly<Record<string, string>>;
type Body = Readonly<Record<string, unknown>>;
type Change = (project: Project, input: Input, body: Body) => () => void;

export const CHANGES: Readonly<Record<string, Change>> = {
  /** PATCH: a list that is absent stays; a fingerprint that is stale is 412; a range in use fails the operation (compute v1, `NetworkInterface`). */
  'Instances.UpdateNetworkInterface': (project, input, body) => {
    const { nic } = mustChange(project, input);
    if (body['fingerprint'] === undefined)
      throw new Refused(400, 'required', "Required field 'fingerprint' not specified");
    if (body['fingerprint'] !== nic.fingerprint)
      throw new Refused(
        412,
        'conditionNotMet',
        'Supplied fingerprint does not match current metadata fingerprint.',
      );
    const wanted = body['aliasIpRanges'] as
      | { ipCidrRange: string; subnetworkRangeName?: string }[]
      | undefined;
    return () => {
      // Optimistic locking is of no use unless it holds until the change is made: of two that were accepted the second fails here.
      if (body['fingerprint'] !== nic.fingerprint)
        throw new Failed(
          'CONDITION_NOT_MET',
          'Supplied fingerprint does not match current metadata fingerprint.',
        );
      if (wanted === undefined) return;
      const aliases = wanted.map(({ ipCidrRange, subnetworkRangeName }) => ({
        range: ipCidrRange,
        ...(subnetworkRangeName !== undefined && { rangeName: subnetworkRangeName }),
      }));
      checkAliases(project, nic, aliases);
      nic.aliases = aliases;
      nic.fingerprint = project.fingerprint();
    };
  },
  /** One ONE_TO_ONE_NAT config an interface; the address must be reserved here and unused. */
  'Instances.AddAccessConfig': (project, input, body) => {
    const { nic } = mustChange(project, input);
    const { name = 'External NAT', natIP } = body as { name?: string; natIP?: string };
    if (nic.accessConfigs.length > 0)
      throw new Refused(400, 'invalid', 'At most one access config currently supported.');
    const natIp = natIP ?? '';
    if (![...project.state.addresses.values()].includes(natIp))
      throw new Refused(
        400,
        'invalid',
        `Invalid value for field 'resource.natIP': '${natIp}'. The specified external IP address '${natIp}' was not found in region '${project.region}'.`,
      );
    return () => {
      if (project.holders().has(natIp))
        throw new Failed(
          'IP_IN_USE_BY_ANOTHER_RESOURCE',
          `IP '${natIp}' is already being used by another resource.`,
        );
      nic.accessConfigs = [{ name, natIp }];
      nic.fingerprint = project.fingerprint();
    };
  },
  'Instances.DeleteAccessConfig': (project, input) => {
    const { nic } = mustChange(project, input);
    if (!nic.accessConfigs.some(({ name }) => name === input['accessConfig']))
      throw new Refused(
        400,
        'invalid',
        `Invalid value for field 'accessConfig': '${input['accessConfig']}'. The specified access config '${input['accessConfig']}' does not exist.`,
      );
    return () => {
      nic.accessConfigs = nic.accessConfigs.filter(({ name }) => name !== input['accessConfig']);
      nic.fingerprint = project.fingerprint();
    };
  },
  'Routes.Insert': (project, _, body) => {
    const {
      name = '',
      destRange = '',
      network = '',
      nextHopInstance = '',
      description = '',
    } = body as Record<string, string>;
    const priority = Number(body['priority'] ?? 1000);
    if (project.state.routes.has(name))
      throw new Refused(409, 'alreadyExists', `The resource 'global/routes/${name}' already exists`);
    const [zone, instance] = nextHopInstance
      .split('/')
      .filter((_, at, parts) => ['zones', 'instances'].includes(parts[at - 1] ?? ''));
    const target = mustFind(project.state, instance, zone);
    const networkName = network.split('/').at(-1)!;
    for (const subnet of project.state.subnets.values())
      if (contains(subnet.cidr, destRange.split('/')[0]!))
        throw new Refused(
          400,
          'invalid',
          `Invalid value for field 'resource.destRange': '${destRange}'. ${destRange} hides the address space of the network.`,
        );
    return () => {
      // Two inserts at once: the second fails in its operation.
      if (project.state.routes.has(name))
        throw new Failed('RESOURCE_ALREADY_EXISTS', `The resource 'global/routes/${name}' already exists`);
      project.state.routes.set(name, {
        id: String(project.number()),
        name: name,
        network: networkName,
        destination: destRange,
        priority,
        description,
        instance: project.url(target),
      });
    };
  },
  'Routes.Delete': (project, { route = '' }) => {
    if (!project.state.routes.has(route)) throw missing(`global/routes/${route}`);
    return () => void project.state.routes.delete(route);
  },
};

function mustChange(
  project: Project,
  input: Input,
): { readonly instance: InstanceState; readonly nic: NicState } {
  const instance = mustFind(project.state, input['instance'], input['zone']);
  // On its way out: "The resource is not ready".
  if (instance.status === 'STOPPING')
    throw new Refused(400, 'resourceNotReady', `The resource 'instances/${instance.name}' is not ready`);
  const nic = instance.nics.find(({ name }) => name === input['networkInterface']);
  if (nic === undefined)
    throw new Refused(
      400,
      'invalid',
      `Invalid value for field 'networkInterface': '${input['networkInterface']}'. The specified network interface does not exist.`,
    );
  return { instance, nic };
}

function checkAliases(project: Project, nic: NicState, aliases: NicState['aliases']): void {
  const subnet = project.state.subnets.get(nic.subnet)!;
  if (aliases.length > project.aliasesPerNic)
    throw new Failed(
      'LIMIT_EXCEEDED',
      `Exceeded limit 'ALIAS_IP_RANGES_PER_NETWORK_INTERFACE' on resource. Limit: ${project.aliasesPerNic}`,
    );
  for (const { range, rangeName } of aliases) {
    const address = range.replace('/32', '');
    const cidr =
      rangeName === undefined ? subnet.cidr : subnet.secondary.find(({ name }) => name === rangeName)?.cidr;
    if (cidr === undefined || !contains(cidr, address))
      throw new Failed(
        'INVALID_USAGE',
        `Alias IP range '${range}' is outside of subnetwork '${subnet.name}'.`,
      );
    for (const other of project.state.instances.values())
      for (const each of other.nics) {
        if (each.network !== nic.network) continue;
        const taken =
          each.primary === address || (each !== nic && each.aliases.some((alias) => alias.range === range));
        if (taken)
          throw new Failed(
            'IP_IN_USE_BY_ANOTHER_RESOURCE',
            `IP range '${range}' is already being used by another resource '${other.name}'.`,
          );
      }
  }
}

function contains(cidr: string, address: string): boolean {
  const [base = '', length = ''] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(base, Number(length));
  return block.check(address);
}

/** The least a host's service account must be allowed for a configuration, as a custom role. Pure; Terraform and `providers policy` use the same. */
import type { GcpMode, GcpProviderConfig } from '../../src/config/config.ts';

/** As `gcloud iam roles create --file` takes it (JSON is YAML). */
export interface CustomRole {
  readonly title: string;
  readonly description: string;
  readonly stage: 'GA';
  readonly includedPermissions: readonly string[];
}

/** Where a permission is asked for by `testIamPermissions`; those of the network and of addresses bind to what is there. */
export type Where = 'instance' | 'subnetwork' | 'address' | 'project';

/** Permissions of every call we make, by mode (IAM permissions reference, Compute Engine). */
const NEEDED: Readonly<Record<GcpMode, readonly (readonly [permission: string, where: Where])[]>> = {
  'alias-ip': [
    ['compute.instances.updateNetworkInterface', 'instance'],
    ['compute.instances.getGuestAttributes', 'instance'],
    ['compute.subnetworks.use', 'subnetwork'],
    ['compute.instances.list', 'project'],
    ['compute.zoneOperations.get', 'project'],
  ],
  'external-ip': [
    ['compute.instances.addAccessConfig', 'instance'],
    ['compute.instances.deleteAccessConfig', 'instance'],
    ['compute.subnetworks.useExternalIp', 'subnetwork'],
    ['compute.addresses.use', 'address'],
    ['compute.addresses.list', 'project'],
    ['compute.zoneOperations.get', 'project'],
  ],
  route: [
    ['compute.routes.create', 'project'],
    ['compute.routes.delete', 'project'],
    ['compute.routes.list', 'project'],
    ['compute.networks.updatePolicy', 'project'],
    ['compute.instances.use', 'instance'],
    ['compute.globalOperations.get', 'project'],
  ],
};
const ALWAYS: readonly (readonly [permission: string, where: Where])[] = [
  ['compute.instances.get', 'instance'],
  ['compute.subnetworks.get', 'subnetwork'],
];

export function permissionsFor(mode: GcpMode): readonly (readonly [permission: string, where: Where])[] {
  return [...ALWAYS, ...NEEDED[mode]];
}

export function gcpRole({
  cluster,
  providers,
}: {
  readonly cluster: string;
  readonly providers: readonly Pick<GcpProviderConfig, 'mode'>[];
}): CustomRole {
  const permissions = providers.flatMap(({ mode }) => permissionsFor(mode).map(([permission]) => permission));
  return {
    title: `Wackamole ${cluster}`,
    description: `Moves the VIPs of cluster ${cluster}: for the service account of its hosts, in their project`,
    stage: 'GA',
    includedPermissions: [...new Set(permissions)].sort(),
  };
}

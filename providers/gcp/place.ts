/** Where this host stands in the cloud: by configuration where it says so, by the metadata server where not. */
import type { GcpProviderConfig } from '../../src/config/config.ts';
import { type Compute, type Instance, type InstanceRef, type Nic, type Subnet, wordsOf } from './compute.ts';
import type { Metadata } from './metadata.ts';

export interface Place {
  readonly self: InstanceRef;
  readonly region: string;
  readonly instance: Instance;
  readonly nic: Nic;
  readonly subnet: Subnet;
}

/** Rejects with an Error for a person. */
export async function refOf(
  config: GcpProviderConfig,
  metadata: Metadata,
  signal: AbortSignal,
): Promise<InstanceRef> {
  const { project, zone, instance } = config;
  if (project !== undefined && zone !== undefined && instance !== undefined)
    return { project, zone, instance };
  const told = await metadata.self(signal);
  return {
    project: project ?? told.project,
    zone: zone ?? told.zone,
    instance: instance ?? told.instance,
  };
}

/** Rejects with an Error for a person, or with a failure of the API. */
export async function findPlace(
  config: GcpProviderConfig,
  { compute, metadata }: { readonly compute: Compute; readonly metadata: Metadata },
  signal: AbortSignal,
): Promise<Place> {
  const self = await refOf(config, metadata, signal);
  const instance = await compute.instance(self, { signal });
  const nic = instance.nics.find(({ name }) => name === config.interface);
  if (nic === undefined) {
    const there = instance.nics.map(({ name }) => name).join(', ');
    throw new Error(
      `${wordsOf(self)} has no interface ${config.interface}: it has ${there}; correct \`interface\``,
    );
  }
  const region = self.zone.replace(/-[a-z]$/, '');
  const subnet = await compute.subnet({ project: self.project, region, name: nic.subnetwork }, { signal });
  return { self, region, instance, nic, subnet };
}

/** Instances that have an address of ours without being members: a failover would fail there. Asked in rehearsals alone: it lists a project. */
import type { Check } from '../../src/provider/provider.ts';
import { type Compute, type Instance, wordsOf } from './compute.ts';
import { GcpFailure } from './failures.ts';
import { CLUSTER_LABEL, isMember } from './fence.ts';
import type { PermissionQuestion } from './permissions.ts';
import { addressIn } from './subnets.ts';

export async function strangerChecks(
  compute: Compute,
  { cluster, place, vips }: PermissionQuestion,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  let strangers: readonly Instance[];
  try {
    const all = await compute.instances({ project: place.self.project }, { signal });
    strangers = all.filter(({ labels }) => !isMember(cluster, labels));
  } catch (error) {
    if (!(error instanceof GcpFailure)) throw error;
    const mend = 'run the test again';
    return [{ what: 'strangers', verdict: 'unknown', detail: error.message, mend }];
  }
  return vips.flatMap(({ id: vip, addresses }) =>
    addresses.flatMap(({ address }): readonly Check[] => {
      const holder = strangers.find((instance) => has(instance, address, place.nic.network));
      if (holder === undefined) return [];
      const detail = `${address} is with ${wordsOf(holder.ref)}, which is no member of this cluster`;
      const mend = `take it from there, or label that instance ${CLUSTER_LABEL}`;
      return [{ vip, what: 'strangers', verdict: 'fail', detail, mend }];
    }),
  );
}

function has({ nics }: Instance, address: string, network: string): boolean {
  return nics.some(
    (nic) =>
      nic.network === network &&
      (nic.address === address || nic.aliases.some(({ range }) => addressIn(range) === address)),
  );
}

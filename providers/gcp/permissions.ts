/** Whether we may do what the real calls need: asked resource by resource by `testIamPermissions`, which changes nothing. */
import type { GcpMode } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import type { Check } from '../../src/provider/provider.ts';
import { type Compute, type Instance, type Resource, wordsOf } from './compute.ts';
import { GcpFailure } from './failures.ts';
import { CLUSTER_LABEL, labelValue } from './fence.ts';
import type { Place } from './place.ts';
import { permissionsFor, type Where } from './policy.ts';

export interface PermissionQuestion {
  readonly mode: GcpMode;
  readonly cluster: string;
  readonly place: Place;
  readonly vips: readonly Vip[];
}

interface Asked {
  readonly resource: Resource;
  readonly words: string;
  readonly permissions: readonly string[];
}

export async function permissionChecks(
  compute: Compute,
  question: PermissionQuestion,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const asked = [...askedHere(question), ...(await askedOfOthers(compute, question, signal))];
  const answers = await Promise.all(asked.map((each) => answerTo(compute, each, signal)));
  return answers.flat();
}

function askedHere({ mode, place }: PermissionQuestion): readonly Asked[] {
  const { self, region, subnet } = place;
  const { project } = self;
  return [
    { resource: { kind: 'instance', ...self }, words: wordsOf(self), permissions: on(mode, 'instance') },
    {
      resource: { kind: 'subnetwork', project, region, name: subnet.name },
      words: subnet.name,
      permissions: on(mode, 'subnetwork'),
    },
    { resource: { kind: 'project', project }, words: `project ${project}`, permissions: on(mode, 'project') },
  ];
}

/** What we take from: the other members, and the addresses. What cannot be listed is not asked; its own check says why. */
async function askedOfOthers(
  compute: Compute,
  { mode, cluster, place, vips }: PermissionQuestion,
  signal: AbortSignal,
): Promise<readonly Asked[]> {
  const { project } = place.self;
  try {
    if (mode === 'external-ip') {
      const wanted = vips.flatMap(({ addresses }) => addresses.map(({ address }) => address));
      const found = await compute.addresses({ project, region: place.region, addresses: wanted }, { signal });
      return found.map(({ name }) => ({
        resource: { kind: 'address', project, region: place.region, name },
        words: `address ${name}`,
        permissions: on(mode, 'address'),
      }));
    }
    if (mode !== 'alias-ip') return [];
    const label = { key: CLUSTER_LABEL, value: labelValue(cluster) };
    const members = await compute.instances({ project, label }, { signal });
    return members
      .filter(({ ref }) => ref.instance !== place.self.instance)
      .map((member) => askedOf(member, mode));
  } catch (error) {
    if (error instanceof GcpFailure) return [];
    throw error;
  }
}

function askedOf({ ref }: Instance, mode: GcpMode): Asked {
  return { resource: { kind: 'instance', ...ref }, words: wordsOf(ref), permissions: on(mode, 'instance') };
}

function on(mode: GcpMode, where: Where): readonly string[] {
  return permissionsFor(mode).flatMap(([permission, place]) => (place === where ? [permission] : []));
}

async function answerTo(
  compute: Compute,
  { resource, words, permissions }: Asked,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  try {
    const granted = await compute.granted(resource, permissions, { signal });
    return permissions.map((permission): Check => {
      const what = `permission ${permission}`;
      if (granted.includes(permission)) return { what, verdict: 'pass', detail: `on ${words}` };
      const mend = 'grant this host’s service account the role that `wackamole providers policy gcp` prints';
      return { what, verdict: 'fail', detail: `not granted on ${words}`, mend };
    });
  } catch (error) {
    if (!(error instanceof GcpFailure)) throw error;
    const mend =
      resource.kind === 'project'
        ? 'enable the API cloudresourcemanager.googleapis.com in the project, so that it can be asked'
        : 'run the test again';
    return permissions.map(
      (permission): Check => ({
        what: `permission ${permission}`,
        verdict: 'unknown',
        detail: `on ${words}: ${error.message}`,
        mend,
      }),
    );
  }
}

/**
 * Questions about permission that can change nothing, whatever the answer: dry runs where EC2 has them, and where it has none (the four
 * calls that assign and unassign) an address that Amazon keeps for itself, which can be neither assigned nor be there.
 */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { Check } from '../../src/provider/provider.ts';
import { failureOf } from './attempt.ts';
import { actionOf, type Change, type Ec2 } from './ec2.ts';
import { type Ec2Failure, mendingOf } from './failures.ts';
import { fenceTag } from './fence.ts';
import type { Place } from './place.ts';
import type { Piece } from './sight.ts';
import { keptByAmazon } from './subnets.ts';

export interface Probe {
  readonly call: Change;
  /** EC2 can answer without doing it. */
  readonly dryRun: boolean;
  readonly vip?: VipId;
  /** Without it addresses move all the same. */
  readonly lesser?: boolean;
}

export interface ProbeQuestion {
  readonly mode: 'secondary-ip' | 'elastic-ip' | 'route';
  readonly place: Place;
  readonly cluster: string;
  readonly vips: readonly Vip[];
  readonly pieces: ReadonlyMap<VipId, readonly Piece[]>;
}

/** Pure. */
export function probesFor({ mode, place, cluster, vips, pieces }: ProbeQuestion): readonly Probe[] {
  const tags = place.interfaces.map(
    ({ eni }): Probe => ({
      call: { kind: 'tag', resource: eni.id, tag: fenceTag(cluster, { fence: 0, since: 0 }) },
      dryRun: true,
      lesser: true,
    }),
  );
  const own = vips.flatMap(({ id }) => pieces.get(id) ?? []);
  if (mode === 'secondary-ip') {
    const families = new Set(vips.flatMap(({ addresses }) => addresses.map(({ family }) => family)));
    return [...assignProbes(place, families), ...tags];
  }
  if (mode === 'elastic-ip') return [...own.flatMap((piece) => elasticIpProbes(piece, place)), ...tags];
  return [...own.map(routeProbe), ...tags];
}

function assignProbes(place: Place, families: ReadonlySet<4 | 6>): readonly Probe[] {
  return place.interfaces.flatMap(({ eni, subnet }) => {
    const reserved = {
      4: keptByAmazon(subnet.cidr),
      6: keptByAmazon(subnet.ipv6Cidrs[0] ?? ''),
    };
    return ([4, 6] as const).flatMap((family): readonly Probe[] => {
      const address = reserved[family];
      if (!families.has(family) || address === undefined) return [];
      const to = { family, eni: eni.id, addresses: [address] };
      return [
        { call: { kind: 'assign', ...to, steal: false }, dryRun: false },
        { call: { kind: 'unassign', ...to }, dryRun: false },
      ];
    });
  });
}

function elasticIpProbes(piece: Piece, place: Place): readonly Probe[] {
  const privateAddress = place.interfaces[0]?.eni.addresses.find(({ primary }) => primary)?.address ?? '';
  const associate: Probe = {
    call: {
      kind: 'associate',
      allocation: piece.register ?? '',
      eni: piece.eni,
      privateAddress,
      steal: true,
    },
    dryRun: true,
    vip: piece.vip,
  };
  const { seen } = piece;
  if (seen.state !== 'ours' || seen.token === undefined) return [associate];
  return [
    associate,
    { call: { kind: 'disassociate', association: seen.token }, dryRun: true, vip: piece.vip },
  ];
}

function routeProbe({ vip, family, address, register, seen, eni }: Piece): Probe {
  return {
    call: {
      kind: 'route',
      how: seen.state === 'free' ? 'create' : 'replace',
      table: register ?? '',
      family,
      destination: `${address}/${family === 4 ? 32 : 128}`,
      eni,
    },
    dryRun: true,
    vip,
  };
}

export async function askProbe(ec2: Ec2, probe: Probe, signal: AbortSignal): Promise<Check> {
  const { call, dryRun, vip, lesser } = probe;
  const failure = await failureOf(() => ec2.change(call, { signal, ...(dryRun && { dryRun }) }));
  return {
    ...(vip !== undefined && { vip }),
    ...judgeProbe(probe, failure),
    ...(lesser === true && { what: `permission ${actionOf(call)} (shows the fence)` }),
  };
}

/** Pure. */
export function judgeProbe(
  { call, lesser }: Probe,
  failure: Ec2Failure | undefined,
): Pick<Check, 'what' | 'verdict' | 'detail' | 'mend'> {
  const action = actionOf(call);
  const what = `permission ${action}`;
  const on = subjectOf(call);
  switch (failure?.kind) {
    case 'denied':
      return {
        what,
        verdict: lesser === true ? 'warn' : 'fail',
        detail: `not allowed ${on}`,
        mend: mendingOf('denied', action) ?? 'allow it',
      };
    case 'would-succeed':
      return { what, verdict: 'pass', detail: `allowed ${on}` };
    case 'refused':
    case 'not-here':
    case 'held':
    case 'limit':
      // EC2 came to look at the address, so the permission was there.
      return { what, verdict: 'pass', detail: `allowed ${on}` };
    default: {
      const detail = failure === undefined ? 'EC2 gave no answer that tells' : failure.message;
      return { what, verdict: 'unknown', detail, mend: 'run the test again; look at the policy of the role' };
    }
  }
}

function subjectOf(call: Change): string {
  switch (call.kind) {
    case 'assign':
    case 'unassign':
      return `on ${call.eni}`;
    case 'associate':
      return `of ${call.allocation} with ${call.eni}`;
    case 'disassociate':
      return `of ${call.association}`;
    case 'route':
      return `in ${call.table}`;
    case 'tag':
      return `on ${call.resource}`;
  }
}

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
    return [...assignProbes(place, families), ...stripProbes(own, place), ...tags];
  }
  if (mode === 'elastic-ip') return [...own.flatMap((piece) => elasticIpProbes(piece, place)), ...tags];
  return [...routeProbes(own), ...tags];
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

/** IPv6 is taken from the interface that has it, so that one is asked for as well. */
function stripProbes(own: readonly Piece[], { interfaces }: Place): readonly Probe[] {
  const holders = new Set(
    own.flatMap(({ family, seen }) =>
      family === 6 && seen.state === 'theirs' && seen.holder.member ? (seen.holder.eni ?? []) : [],
    ),
  );
  const kept = interfaces.flatMap(({ subnet }) => keptByAmazon(subnet.ipv6Cidrs[0] ?? '') ?? [])[0];
  if (kept === undefined) return [];
  return [...holders].map((eni) => ({
    call: { kind: 'unassign', family: 6, eni, addresses: [kept] },
    dryRun: false,
  }));
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
  const association = associationOf(piece);
  if (association === undefined) return [associate];
  return [associate, { call: { kind: 'disassociate', association }, dryRun: true, vip: piece.vip }];
}

/** Of whichever member has it: the dry run of giving it up is judged by the address and not by who asks. */
export function associationOf({ seen }: Piece): string | undefined {
  if (seen.state === 'free' || (seen.state === 'theirs' && !seen.holder.member)) return undefined;
  return seen.token;
}

/** Both verbs, whether the route is there or not: the first takeover may create it, and every later one replaces it. One each a table. */
function routeProbes(own: readonly Piece[]): readonly Probe[] {
  const byTable = new Map(own.toReversed().map((piece) => [piece.register ?? '', piece]));
  return [...byTable].toReversed().flatMap(([table, { family, address, eni }]) =>
    (['create', 'replace'] as const).map((how): Probe => {
      const destination = `${address}/${family === 4 ? 32 : 128}`;
      return { call: { kind: 'route', how, table, family, destination, eni }, dryRun: true };
    }),
  );
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
    case 'exists':
    case 'no-route':
    case 'limit':
      // EC2 came to look at the address or the route, so the permission was there.
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

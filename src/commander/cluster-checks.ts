/** What only the cluster as a whole can lack: room and votes after failures, and a way out that is a VIP of its own. Pure. */

import type { Config } from '../config/config.ts';
import { formatIp, parseIp } from '../config/ip.ts';
import type { Status } from '../model/status.ts';
import type { DefaultRoute, ProviderCheck } from './collaborators.ts';
import { count } from './format.ts';

export interface ClusterQuestion {
  readonly config: Config;
  /** Of the agent that runs here; absent: none does. */
  readonly status: Status | undefined;
  readonly routes: readonly DefaultRoute[];
  /** How many hosts shall be able to fail at once. */
  readonly failures: number;
  /** What the providers of this host said. */
  readonly checks: readonly ProviderCheck[];
}

export function clusterChecks(question: ClusterQuestion): readonly ProviderCheck[] {
  return [...routeChecks(question), ...roomChecks(question), ...quorumChecks(question)];
}

/** Whoever reaches its API, or its peers, by way of a VIP cannot take that VIP over. */
function routeChecks({ config, routes }: ClusterQuestion): ProviderCheck[] {
  const owners = new Map(
    config.vips.flatMap(({ id, addresses }) => addresses.map((a) => [a.address, id] as const)),
  );
  const through = routes.flatMap((route) => {
    const ip = route.gateway === undefined ? undefined : parseIp(route.gateway);
    const vip = ip === undefined ? undefined : owners.get(formatIp(ip));
    return vip === undefined ? [] : [{ vip, route }];
  });
  if (through.length === 0) {
    return [{ what: 'default route', verdict: 'pass', detail: 'leads through no VIP of this cluster' }];
  }
  const clouds = Object.values(config.providers).some(({ kind }) => kind !== 'local' && kind !== 'memory');
  return through.map(({ vip, route }) => ({
    vip,
    what: 'default route',
    verdict: clouds ? ('fail' as const) : ('warn' as const),
    detail: `leads by ${route.interfaceName} through ${route.gateway}, which is this VIP: while nobody serves it, this host reaches nothing beyond its link${clouds ? ', nor the API that would move it' : ''}`,
    mend: 'give this host a way of its own to where its providers and its peers are',
  }));
}

/** Absent: nobody knows. */
function memberCount({ config, status }: ClusterQuestion): number | undefined {
  const { group, member } = config;
  const named = group.engine === 'embedded' ? group.peers.map(({ name }) => name) : (group.members ?? []);
  const open = group.engine === 'embedded' ? group.multicast !== undefined : group.members === undefined;
  const present = status?.members.map(({ name }) => name) ?? [];
  if (open && present.length === 0) return undefined;
  return new Set([...named, member, ...present]).size;
}

function roomChecks(question: ClusterQuestion): ProviderCheck[] {
  const { config, failures } = question;
  const what = `room after ${count(failures, 'host')} failed`;
  const hosts = memberCount(question);
  if (hosts === undefined) {
    const mend = 'name all members in the file, or ask beside a running agent';
    return [{ what, verdict: 'unknown', detail: 'nobody knows how many hosts there are', mend }];
  }
  const left = hosts - failures;
  if (left < 1) {
    const mend = failures === 1 ? 'add a host' : 'add hosts, or ask for fewer with --failures';
    return [
      {
        what,
        verdict: 'fail',
        detail: `there ${hosts === 1 ? 'is 1 host' : `are ${hosts} hosts`}: nobody is left`,
        mend,
      },
    ];
  }
  const limited = Object.keys(config.providers).flatMap((provider) =>
    ([4, 6] as const).flatMap((family) => roomCheck({ ...question, provider, family, what, left })),
  );
  if (limited.length > 0) return limited;
  return [
    {
      what,
      verdict: 'pass',
      detail: `${count(left, 'host')} of ${hosts} remain, and no provider tells of a limit`,
    },
  ];
}

interface RoomQuestion extends ClusterQuestion {
  readonly provider: string;
  readonly family: 4 | 6;
  readonly what: string;
  /** Hosts that remain. */
  readonly left: number;
}

/** The other hosts are taken to have as much room as this one, which is all that can be known here. */
function roomCheck({ config, checks, provider, family, what, left }: RoomQuestion): ProviderCheck[] {
  const key = family === 4 ? 'slots4' : 'slots6';
  const limits = checks.flatMap((check) => (check.provider === provider ? (check[key] ?? []) : []));
  if (limits.length === 0) return [];
  const slots = Math.min(...limits);
  const carried = config.vips.filter(
    (vip) => vip.providers.find((name) => name in config.providers) === provider,
  );
  const needed = carried.reduce(
    (sum, { addresses }) => sum + addresses.filter((a) => a.family === family).length,
    0,
  );
  if (needed === 0) return [];
  const detail = `${count(left, 'host')} with room for ${slots} IPv${family} addresses each, if they are like this one; ${needed} are configured`;
  if (left * slots >= needed) return [{ provider, what, verdict: 'pass', detail }];
  const mend = `add ${count(Math.ceil(needed / Math.max(1, slots)) - left, 'host')}, or take a size of host with more room`;
  return [{ provider, what, verdict: 'fail', detail, mend }];
}

/** Of VIPs with policy `primary` nobody serves any without more than half of the votes. */
function quorumChecks(question: ClusterQuestion): ProviderCheck[] {
  const { config, status, failures } = question;
  const primary = config.vips.filter(({ policy }) => policy === 'primary').length;
  const { expected_votes: expected, votes } = config.quorum;
  if (primary === 0 || expected === undefined) return [];
  const { group } = config;
  const named = group.engine === 'embedded' ? group.peers.map(({ name }) => name) : (group.members ?? []);
  const names = new Set([...named, config.member, ...(status?.members.map(({ name }) => name) ?? [])]);
  const weights = [...names].map((name) => votes[name] ?? 1).sort((a, b) => b - a);
  const rest = weights.slice(failures).reduce((sum, weight) => sum + weight, 0);
  const what = `votes after ${count(failures, 'host')} failed`;
  const detail = `${rest} of ${expected} at worst, and more than half are needed for ${count(primary, 'VIP')} of policy primary`;
  if (rest * 2 > expected) return [{ what, verdict: 'pass', detail }];
  return [{ what, verdict: 'fail', detail, mend: 'add a member, a witness, or other `quorum.votes`' }];
}

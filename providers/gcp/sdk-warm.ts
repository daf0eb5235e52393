/**
 * The verbs of a takeover, said to nobody: the first call of each costs an SDK tens of milliseconds of loading, compiling and building, which
 * are spent here, while the provider is loaded, and not between a view and the call that moves its VIPs.
 */
import type { GcpMode } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Change, Compute, InstanceRef } from './compute.ts';
import { GcpFailure } from './failures.ts';

/** Until the compiler has seen enough; more changes nothing that can be measured. */
const TIMES = 25;
/** On a host that is busy with other things a cold start is better than a late one. */
const WARMING_MAX: Millis = 2_000;
/** Entries of an answer: a busy host's. With few of them the code that reads one entry stays cold, which costs 10 ms of processor a hundred. */
const ENTRIES = Array.from({ length: 100 }, (_, at) => at + 1);
const SIGNAL = new AbortController().signal;
const PROJECT = 'nobodys';
const AT: InstanceRef = { project: PROJECT, zone: 'z', instance: 'i' };
const INSTANCE = {
  kind: 'compute#instance',
  name: 'i',
  zone: `projects/${PROJECT}/zones/z`,
  labels: { a: 'b' },
  networkInterfaces: [
    {
      name: 'nic0',
      network: 'n',
      subnetwork: 's',
      networkIP: '10.0.0.1',
      fingerprint: 'AAAA',
      aliasIpRanges: ENTRIES.map((at) => ({ ipCidrRange: `10.0.1.${at}/32` })),
      accessConfigs: [{ name: 'External NAT', natIP: '198.51.100.1' }],
    },
  ],
};
const routeTo = (at: number) => ({
  id: `${at}`,
  name: `r-${at}`,
  network: `projects/${PROJECT}/global/networks/n`,
  destRange: `10.1.0.${at}/32`,
  priority: 1,
  description: 'd',
  nextHopInstance: `projects/${PROJECT}/zones/z/instances/i`,
});
/** Answers nobody gave, by the end of the path. */
const ANSWERS: readonly (readonly [RegExp, object])[] = [
  [
    /\/aggregated\/instances$/,
    { kind: 'compute#instanceAggregatedList', items: { 'zones/z': { instances: [INSTANCE] } } },
  ],
  [
    /\/getGuestAttributes$/,
    { kind: 'compute#guestAttributes', queryValue: { items: [{ namespace: 'w', key: 'k', value: 'v' }] } },
  ],
  [/\/instances\/i$/, INSTANCE],
  [
    /\/addresses$/,
    { kind: 'compute#addressList', items: [{ address: '198.51.100.1', addressType: 'EXTERNAL', users: [] }] },
  ],
  [/\/routes$/, { kind: 'compute#routeList', items: ENTRIES.map(routeTo) }],
];
const OPERATION = { kind: 'compute#operation', name: 'operation-1', status: 'DONE', progress: 100 };

/** In place of the network. */
export const nobody: typeof fetch = async (url, { method } = {}) => {
  const { pathname } = new URL(url instanceof Request ? url.url : url);
  const answer =
    method === undefined || method === 'GET' ? ANSWERS.find(([path]) => path.test(pathname))?.[1] : OPERATION;
  return new Response(JSON.stringify(answer ?? {}), { headers: { 'content-type': 'application/json' } });
};

const READS: Readonly<Record<GcpMode, (compute: Compute) => readonly Promise<unknown>[]>> = {
  'alias-ip': (compute) => [
    compute.instance(AT, { signal: SIGNAL }),
    compute.instances({ project: PROJECT, label: { key: 'a', value: 'b' } }, { signal: SIGNAL }),
    compute.guestAttribute(AT, 'w/k', { signal: SIGNAL }),
  ],
  'external-ip': (compute) => [
    compute.instance(AT, { signal: SIGNAL }),
    compute.addresses({ project: PROJECT, region: 'r', addresses: ['198.51.100.1'] }, { signal: SIGNAL }),
  ],
  route: (compute) => [
    compute.routes(
      { project: PROJECT, destinations: ENTRIES.map((at) => `10.1.0.${at}/32`) },
      { signal: SIGNAL },
    ),
  ],
};
const CHANGES: Readonly<Record<GcpMode, readonly Change[]>> = {
  'alias-ip': [
    {
      kind: 'aliases',
      on: AT,
      nic: 'nic0',
      fingerprint: 'AAAA',
      aliases: ENTRIES.map((at) => ({ range: `10.0.1.${at}/32` })),
    },
  ],
  'external-ip': [
    { kind: 'delete-access-config', on: AT, nic: 'nic0', name: 'c' },
    { kind: 'add-access-config', on: AT, nic: 'nic0', name: 'c', natIp: '198.51.100.1' },
  ],
  route: [
    { kind: 'delete-route', project: PROJECT, name: 'r' },
    {
      kind: 'insert-route',
      project: PROJECT,
      network: 'n',
      name: 'r',
      destination: '10.1.0.1/32',
      priority: 1,
      description: 'd',
      to: AT,
    },
  ],
};

/** `compute` must lead nowhere. What does not come to warmth here costs time later, and nothing else: its failure, for tests. */
export async function rehearseVerbs(compute: Compute, mode: GcpMode): Promise<GcpFailure | undefined> {
  try {
    const until = monotonicNow() + WARMING_MAX;
    for (let times = 0; times < TIMES && monotonicNow() < until; times += 1) {
      await Promise.all(READS[mode](compute));
      for (const change of CHANGES[mode]) await compute.change(change);
    }
    return undefined;
  } catch (error) {
    if (error instanceof GcpFailure) return error;
    throw error;
  }
}

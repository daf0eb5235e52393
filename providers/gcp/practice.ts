/**
 * Takeovers by Google's SDK on a project in memory, before the first real one: whatever runs for the first time costs tens of milliseconds of loading,
 * compiling and building, which are spent here, while the provider is loaded, and not between a view and the call that moves its VIPs.
 * It asks nobody and opens no socket.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GcpMode, GcpProviderConfig } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { fenceKey } from './alias.ts';
import type { Compute, Nic } from './compute.ts';
import { CLUSTER_LABEL, fenceText } from './fence.ts';
import { Ledger } from './ledger.ts';
import type { Place } from './place.ts';
import { modeOf } from './residence.ts';
import { openUnplugged } from './sdk.ts';
import { Taking } from './taking.ts';

/** Until the compiler has seen enough; more changes nothing that can be measured. */
const TIMES = 25;
/** On a host that is busy with other things a cold start is better than a late one. */
const PRACTICE_MAX: Millis = 2_000;
/** The first round reads the SDK. One that takes longer than this does not end as it should, and is not waited for. */
const ROUND_MAX: Millis = 10_000;
/** More than a round. */
const PATIENCE: Millis = 30_000;
const CLUSTER = 'practice';
const FENCE = fenceText(CLUSTER, { fence: 1, since: 0 });
/** Entries of an answer: a busy host's. With few of them the code that reads one entry stays cold, which costs 10 ms of processor a hundred. */
const ENTRIES = Array.from({ length: 100 }, (_, at) => at + 1);
/** An external address is one an interface; each route costs changes of its own. */
const VIPS: Readonly<Record<GcpMode, number>> = { 'alias-ip': 100, 'external-ip': 1, route: 5 };
const NETWORK: Readonly<Record<GcpMode, string>> = {
  'alias-ip': '10.0.1',
  'external-ip': '198.51.100',
  route: '10.9.0',
};
const PROJECT = 'nobodys';
const urlOf = (instance: string) => `projects/${PROJECT}/zones/z-a/instances/${instance}`;
const rangesOf = (mode: GcpMode) => ENTRIES.map((at) => `${NETWORK[mode]}.${at}/32`);

const nic: Nic = {
  name: 'nic0',
  network: 'n',
  subnetwork: 's',
  address: '10.0.0.11',
  fingerprint: 'AAAA',
  aliases: [],
  accessConfigs: [],
};
const self = { project: PROJECT, zone: 'z-a', instance: 'own' };
const PLACE: Place = {
  self,
  region: 'z',
  instance: { ref: self, status: 'RUNNING', canIpForward: true, labels: {}, metadata: {}, nics: [nic] },
  nic,
  subnet: { name: 's', region: 'z', network: 'n', cidr: '10.0.0.0/16', secondary: [] },
};

/** The project as far as a takeover sees it, with two instances. Whoever is `holder` has all of it; `gone`: the other one has given it up. */
class Memory {
  holder: 'own' | 'other' = 'other';
  gone = false;
  readonly #routes = new Map<string, object>();

  lose(): void {
    this.holder = 'other';
    this.gone = false;
    this.#routes.clear();
    for (const range of rangesOf('route')) {
      const name = `wackamole-${CLUSTER}-n-${range.slice(0, -3).replaceAll('.', '-')}`;
      this.#routes.set(name, routeOf(name, range, { description: FENCE, nextHopInstance: urlOf('other') }));
    }
  }

  answer(url: URL, method: string, body: string): object {
    if (method !== 'GET') {
      this.#change(url.pathname, method, body);
      return OPERATION;
    }
    const { pathname } = url;
    if (pathname.endsWith('/aggregated/instances'))
      return {
        kind: 'compute#instanceAggregatedList',
        items: { 'zones/z-a': { instances: [this.#instance('own'), this.#instance('other')] } },
      };
    if (pathname.endsWith('/getGuestAttributes')) return GUEST_ATTRIBUTES;
    if (pathname.endsWith('/addresses')) return { kind: 'compute#addressList', items: [this.#address()] };
    if (pathname.endsWith('/routes')) return { kind: 'compute#routeList', items: [...this.#routes.values()] };
    return this.#instance(pathname.endsWith('/own') ? 'own' : 'other');
  }

  /** Whatever it is, it frees what the other one has, or leads it here. */
  #change(path: string, method: string, body: string): void {
    if (path.includes('/routes')) {
      const route = body === '' ? {} : (JSON.parse(body) as { readonly name?: string });
      if (method === 'DELETE') this.#routes.delete(path.split('/').at(-1) ?? '');
      else this.#routes.set(route.name ?? '', { ...routeOf('', '', {}), ...route });
    } else if (path.includes('/other/')) this.gone = true;
    else this.holder = 'own';
  }

  #has(instance: 'own' | 'other'): boolean {
    return this.holder === instance && !(instance === 'other' && this.gone);
  }

  #instance(instance: 'own' | 'other'): object {
    const has = this.#has(instance);
    return {
      kind: 'compute#instance',
      id: '1',
      name: instance,
      status: 'RUNNING',
      canIpForward: true,
      zone: `projects/${PROJECT}/zones/z-a`,
      selfLink: urlOf(instance),
      labels: { [CLUSTER_LABEL]: CLUSTER },
      metadata: { kind: 'compute#metadata', items: [{ key: 'enable-guest-attributes', value: 'TRUE' }] },
      networkInterfaces: [
        {
          kind: 'compute#networkInterface',
          name: 'nic0',
          network: 'n',
          subnetwork: 's',
          networkIP: instance === 'own' ? '10.0.0.11' : '10.0.0.12',
          fingerprint: 'AAAA',
          aliasIpRanges: has ? rangesOf('alias-ip').map((ipCidrRange) => ({ ipCidrRange })) : [],
          accessConfigs: has
            ? [{ kind: 'compute#accessConfig', name: FENCE, natIP: `${NETWORK['external-ip']}.1` }]
            : [],
        },
      ],
    };
  }

  #address(): object {
    const users = this.holder === 'other' && this.gone ? [] : [urlOf(this.holder)];
    return {
      kind: 'compute#address',
      name: 'a',
      address: `${NETWORK['external-ip']}.1`,
      addressType: 'EXTERNAL',
      status: 'IN_USE',
      users,
    };
  }
}

const OPERATION = { kind: 'compute#operation', name: 'operation-1', status: 'DONE', progress: 100 };
const GUEST_ATTRIBUTES = {
  kind: 'compute#guestAttributes',
  queryValue: { items: [{ namespace: 'wackamole', key: fenceKey(CLUSTER), value: FENCE }] },
};

function routeOf(name: string, destRange: string, more: object): object {
  const network = `projects/${PROJECT}/global/networks/n`;
  return { kind: 'compute#route', id: '1', name, network, destRange, priority: 1000, ...more };
}

/**
 * While the provider is loaded, and not within the time that its start has. Rejects with an Error for a person where the SDK is not installed;
 * resolves with what kept it cold: that costs time later, and nothing else.
 */
export async function practise(mode: GcpMode): Promise<string | undefined> {
  const memory = new Memory();
  const compute = await openUnplugged((url, method, body) => memory.answer(url, method, body));
  try {
    const until = monotonicNow() + PRACTICE_MAX;
    for (let times = 0; times < TIMES && monotonicNow() < until; times += 1) {
      memory.lose();
      const failed = await takeOver(compute, mode, times + 2);
      if (failed !== undefined) return failed;
    }
    return undefined;
  } finally {
    compute.close();
  }
}

/** Resolves with why not. */
async function takeOver(compute: Compute, mode: GcpMode, fence: number): Promise<string | undefined> {
  const config: GcpProviderConfig = {
    kind: 'gcp',
    mode,
    interface: 'nic0',
    alias_limit: ENTRIES.length,
    priority: 1000,
    call_timeout_ms: PATIENCE,
    operation_timeout_ms: PATIENCE,
    settle_timeout_ms: PATIENCE,
    look_interval_ms: PATIENCE,
  };
  const taking = new Taking(
    vipsOf(mode),
    { settle: PATIENCE, patience: PATIENCE },
    {
      compute,
      mode: modeOf({ name: 'gcp', config, cluster: CLUSTER }, { compute, place: PLACE }),
      ledger: new Ledger(),
      now: monotonicNow,
      random: () => 0,
      sleep: (length) => delay(length),
      claimOf: () => ({ fence, startedAt: 0, lostUnder: undefined }),
      shown: { fence, since: 0 },
      wanted: () => true,
      acting: () => undefined,
    },
  );
  const taken = [...(await taking.run(AbortSignal.timeout(ROUND_MAX))).values()];
  return taken.find(({ outcome }) => !outcome.held || outcome.code !== 'ok')?.outcome.reason;
}

function vipsOf(mode: GcpMode): readonly Vip[] {
  return ENTRIES.slice(0, VIPS[mode]).map((at) => {
    const address = `${NETWORK[mode]}.${at}`;
    const addresses = [{ family: 4, address, prefixLength: 32 }] as const;
    return { id: address, addresses, prefer: [], weight: 1, policy: 'primary', providers: ['gcp'] };
  });
}

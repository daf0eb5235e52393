/**
 * Ten minutes of 500s, in virtual time: what is held stays held, is named in the status with what to do, and the rest is another's; and the
 * rest between looks, in which an idle provider reads once a minute. Google's SDK is left out: its border answers.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Compute, Instance } from '../../../../providers/gcp/compute.ts';
import { GcpFailure } from '../../../../providers/gcp/failures.ts';
import { createGcpProvider } from '../../../../providers/gcp/provider.ts';
import type { GcpMode, GcpProviderConfig } from '../../../../src/config/config.ts';
import type { Provider, ProviderEvent } from '../../../../src/provider/provider.ts';
import { ALIAS_VIPS, EXTERNAL_VIPS, ROUTE_VIPS } from '../../../cloud/gce/scene.ts';

const SIGNAL = new AbortController().signal;
const MINUTE = 60_000;
const SELF = { project: 'p', zone: 'r-a', instance: 'vm' };

const VIPS = { 'alias-ip': ALIAS_VIPS, 'external-ip': EXTERNAL_VIPS.slice(0, 1), route: ROUTE_VIPS };

const instance = (
  aliases: readonly string[],
  configs: Instance['nics'][number]['accessConfigs'],
): Instance => ({
  ref: SELF,
  status: 'RUNNING',
  canIpForward: true,
  labels: { 'wackamole-cluster': 'web' },
  metadata: {},
  nics: [
    {
      name: 'nic0',
      network: 'net',
      subnetwork: 'sub',
      address: '10.0.0.11',
      fingerprint: 'f',
      aliases: aliases.map((range) => ({ range })),
      accessConfigs: configs,
    },
  ],
});

/** A border that counts its reads, keeps what is put there, and fails when it is told to. */
function border() {
  const state = {
    failing: false,
    reads: [] as string[],
    changes: [] as string[],
    configs: [] as { name: string; natIp: string }[],
    aliases: [] as string[],
    routes: new Map<string, unknown>(),
  };
  const read = async <T>(method: string, answer: () => T): Promise<T> => {
    state.reads.push(method);
    if (state.failing)
      throw new GcpFailure('unknown', { method, reason: 'backendError', said: 'Internal error' });
    return answer();
  };
  const compute = {
    instance: () => read('instance', () => instance(state.aliases, state.configs)),
    instances: () => read('instances', () => [instance(state.aliases, state.configs)]),
    subnet: () =>
      read('subnet', () => ({
        name: 'sub',
        region: 'r',
        network: 'net',
        cidr: '10.0.0.0/24',
        secondary: [],
      })),
    routes: () => read('routes', () => [...state.routes.values()]),
    addresses: () =>
      read('addresses', () =>
        VIPS['external-ip'].flatMap(({ addresses }) =>
          addresses.map(({ address }) => ({
            name: address,
            address,
            status: 'RESERVED',
            external: true,
            users: state.configs.some(({ natIp }) => natIp === address)
              ? [`projects/${SELF.project}/zones/${SELF.zone}/instances/${SELF.instance}`]
              : [],
          })),
        ),
      ),
    guestAttribute: () => read('guestAttribute', () => undefined),
    change: async (change: Parameters<Compute['change']>[0]) => {
      state.changes.push(change.kind);
      if (state.failing)
        throw new GcpFailure('unknown', {
          method: change.kind,
          reason: 'backendError',
          said: 'Internal error',
        });
      if (change.kind === 'aliases') state.aliases = change.aliases.map(({ range }) => range);
      if (change.kind === 'add-access-config') state.configs.push({ name: change.name, natIp: change.natIp });
      if (change.kind === 'insert-route')
        state.routes.set(change.name, {
          name: change.name,
          network: change.network,
          destination: change.destination,
          priority: change.priority,
          description: change.description,
          instance: change.to,
          hop: change.to.instance,
        });
    },
    clockAhead: undefined,
    close: () => undefined,
  };
  return { state, compute: compute as unknown as Compute };
}

const CONFIG: Omit<GcpProviderConfig, 'mode'> = {
  kind: 'gcp',
  project: 'p',
  zone: 'r-a',
  instance: 'vm',
  interface: 'nic0',
  alias_limit: 100,
  priority: 1000,
  metadata_endpoint: 'http://127.0.0.1:1',
  call_timeout_ms: 5_000,
  operation_timeout_ms: 20_000,
  settle_timeout_ms: 5_000,
  look_interval_ms: MINUTE,
};

let provider: Provider;
let events: ProviderEvent[];
let world: ReturnType<typeof border>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(async () => {
  await provider.stop();
  vi.useRealTimers();
});

async function open(mode: GcpMode): Promise<void> {
  const vips = VIPS[mode];
  world = border();
  events = [];
  provider = createGcpProvider(
    'gcp',
    { config: { ...CONFIG, mode }, cluster: 'web' },
    {
      openCompute: async () => world.compute,
      now: () => Date.now(),
      wall: () => Date.now(),
      random: () => 0.5,
      sleep: (length) => new Promise((resolve) => setTimeout(resolve, length)),
    },
  );
  await provider.start(vips, (event) => events.push(event));
  const taking = provider.acquire(
    vips.map((vip) => ({ vip, guard: { kind: 'at-once' as const } })),
    7,
    SIGNAL,
  );
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await taking).map(({ held }) => held)).toEqual(vips.map(() => true));
  // The looks that follow a change.
  await vi.advanceTimersByTimeAsync(MINUTE);
  events.length = 0;
  world.state.reads.length = 0;
  world.state.changes.length = 0;
}

const troubles = () => events.flatMap((event) => (event.kind === 'trouble' ? [event.reason] : []));

describe.each(['alias-ip', 'external-ip', 'route'] as const)('an idle provider in mode %s', (mode) => {
  it('reads once a minute, and changes nothing', async () => {
    await open(mode);
    // Renewing is the agent's daily bread, and asks nobody.
    for (let at = 0; at < 20 * 60; at++) {
      await provider.renew(VIPS[mode], SIGNAL);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(world.state.changes).toEqual([]);
    expect(world.state.reads.length).toBeGreaterThanOrEqual(19);
    expect(world.state.reads.length).toBeLessThanOrEqual(20);
  });

  it('keeps what it holds through ten minutes of 500s, says so, and is well after them', async () => {
    await open(mode);
    const vips = VIPS[mode];
    world.state.failing = true;
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect((await provider.renew(vips, SIGNAL)).every(({ held, code }) => held && code === 'ok')).toBe(true);
    expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
    expect(troubles().at(-1)).toMatch(
      /Compute Engine cannot be used: .*backendError.*held here stay as last known/,
    );
    // Another VIP that is wanted here fails within its patience, so that another member gets it.
    const asking = provider.acquire(
      [{ vip: { ...vips[0]!, id: 'more' }, guard: { kind: 'at-once' } }],
      8,
      SIGNAL,
    );
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await asking).toMatchObject([{ vip: 'more', held: false, code: 'timeout' }]);
    // It asks more often than at rest, and not without measure.
    expect(world.state.reads.length).toBeLessThan((11 * MINUTE) / 2_500);
    world.state.failing = false;
    await vi.advanceTimersByTimeAsync(MINUTE);
    // What is left to say is that this make-believe instance has no metadata server to show a fence by.
    expect(troubles().at(-1) ?? '').not.toContain('cannot be used');
    expect((await provider.inspect(vips, SIGNAL)).map(({ held }) => held)).toEqual(vips.map(() => true));
  });
});

/** Builds checked configurations and VIPs for tests of the agent and the allocator. */
import type { Config } from '../../../src/config/config.ts';
import type { Vip } from '../../../src/model/vip.ts';

export function vip(id: string, overrides: Partial<Vip> = {}): Vip {
  const number = Number(/\d+/.exec(id)?.[0] ?? 0);
  return {
    id,
    addresses: [{ family: 4, address: `10.1.${number >> 8}.${number & 255}`, prefixLength: 32 }],
    prefer: [],
    weight: 1,
    policy: 'component',
    providers: ['memory'],
    ...overrides,
  };
}

export function vips(count: number, overrides: Partial<Vip> = {}): Vip[] {
  const width = String(count).length;
  return Array.from({ length: count }, (_, i) => vip(`v${String(i + 1).padStart(width, '0')}`, overrides));
}

export interface TestConfig {
  readonly member: string;
  readonly members: readonly string[];
  readonly vips: readonly Vip[];
  readonly overrides?: Partial<Config>;
}

export function config({ member, members, vips: list, overrides }: TestConfig): Config {
  return {
    cluster: 'test',
    member,
    group: {
      engine: 'embedded',
      listen: { host: '127.0.0.1', port: 4873 },
      peers: members.map((name, i) => ({ name, addresses: [{ host: `127.0.0.${i + 1}`, port: 4873 }] })),
      profile: 'lan',
      timers: {
        probe_interval_ms: 50,
        probe_timeout_ms: 200,
        heartbeat_interval_ms: 200,
        heartbeat_timeout_ms: 1000,
        seek_interval_ms: 50,
        link_hold_ms: 500,
        phase_timeout_ms: 200,
      },
    },
    providers: { memory: { kind: 'memory' } },
    vips: list,
    capacity: 1,
    agent: {
      maturity_ms: 5000,
      report_timeout_ms: 1000,
      stop_timeout_ms: 3000,
      stall_bound_ms: 1000,
      retry_min_ms: 200,
      retry_max_ms: 5000,
      takeover: 'at-once',
    },
    checks: [],
    balance: { enabled: true, interval_ms: 2000, moves_per_round_max: 2, hold_down_ms: 3000 },
    quorum: { votes: {} },
    default_policy: 'component',
    control: { socket: '/run/wackamole/test.sock' },
    log: { level: 'info' },
    digest: `digest-of-${list.map((v) => v.id).join(',').length}`,
    ...overrides,
  };
}

/** Everything one simulation is made of, drawn from its seed: the cluster, the network, and which faults at which rate. */
import type { Config, ProfileName } from '../config/config.ts';
import { PROFILES } from '../config/profiles.ts';
import type { Millis } from '../model/time.ts';
import type { PartitionPolicy, Vip } from '../model/vip.ts';
import type { FaultRates } from './faults/kinds.ts';
import { swarm } from './faults/kinds.ts';
import { Random } from './world/random.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly members: number;
  readonly vips: number;
  readonly policy: PartitionPolicy | 'mixed';
  readonly profile: ProfileName;
  /** Frames and heartbeats pass through the codec. */
  readonly encoded: boolean;
  /** One-way delay of the network. */
  readonly delay: { readonly min: Millis; readonly max: Millis };
  /** VIPs and group share one interface. */
  readonly oneNic: boolean;
  /** Most by which a host's clock runs wrong, as a share. */
  readonly drift: number;
  /** How long faults happen, and the mean time between two of them. */
  readonly length: Millis;
  readonly pace: Millis;
  readonly rates: FaultRates;
}

export interface Wishes {
  readonly members?: number;
  readonly vips?: number;
}

export function drawOptions(seed: number, wishes: Wishes = {}): SimulationOptions {
  const random = new Random(seed * 2 + 1);
  const large = random.chance(0.03);
  const members = large ? random.integer(10, 50) : random.integer(2, 7);
  const vips = random.chance(0.05) ? random.integer(50, large ? 100 : 500) : random.integer(1, 24);
  const policy = random.pick(['component', 'component', 'primary', 'mixed'] as const);
  return {
    seed,
    members: wishes.members ?? members,
    vips: wishes.vips ?? vips,
    policy,
    profile: random.pick(['lan', 'lan', 'fast'] as const),
    encoded: seed % 5 === 0,
    delay: { min: 0.05, max: random.pick([0.3, 1]) },
    oneNic: random.chance(0.5),
    drift: random.pick([0, 1e-4, 2e-3]),
    length: large ? 8_000 : random.between(8_000, 40_000),
    pace: random.pick([150, 600, 2_000, 6_000]),
    rates: swarm(random),
  };
}

export function vipsOf({ vips, policy }: SimulationOptions): Vip[] {
  const width = String(vips).length;
  return Array.from({ length: vips }, (_, i) => ({
    id: `v${String(i + 1).padStart(width, '0')}`,
    addresses: [
      { family: 4, address: `10.1.${i >> 8}.${i & 255}`, prefixLength: 32 },
      ...(i % 3 === 2
        ? [{ family: 6, address: `fd00::${(i + 1).toString(16)}`, prefixLength: 128 } as const]
        : []),
    ],
    prefer: i % 5 === 4 ? ['h00'] : [],
    weight: 1 + (i % 7 === 6 ? 1 : 0),
    policy: policy === 'mixed' ? (i % 2 === 0 ? 'component' : 'primary') : policy,
    providers: ['local'],
  }));
}

export function nameOfHost(index: number): string {
  return `h${String(index).padStart(2, '0')}`;
}

export function configOf(options: SimulationOptions, member: string, vips: readonly Vip[]): Config {
  const names = Array.from({ length: options.members }, (_, i) => nameOfHost(i));
  return {
    cluster: 'simulated',
    member,
    group: {
      engine: 'embedded',
      listen: { host: '127.0.0.1', port: 4873 },
      peers: names.map((name, i) => ({ name, addresses: [{ host: `127.0.0.${i + 1}`, port: 4873 }] })),
      profile: options.profile,
      timers: PROFILES[options.profile],
    },
    providers: {
      local: {
        kind: 'local',
        lease_ms: 3000,
        renew_interval_ms: 500,
        guardian_timeout_ms: 1000,
        announce_repeat_ms: [],
        probe_always: false,
        silence_probe_interval_ms: 4,
        silence_probes: 2,
        carrier_hold_ms: 500,
      },
    },
    vips,
    capacity: 1,
    agent: {
      maturity_ms: 5000,
      report_timeout_ms: 500,
      stop_timeout_ms: 5000,
      stall_bound_ms: 1000,
      retry_min_ms: 500,
      retry_max_ms: options.seed % 2 === 0 ? 2000 : 30_000,
      takeover: options.seed % 11 === 0 ? 'strict' : 'at-once',
    },
    balance: {
      enabled: options.seed % 4 !== 0,
      interval_ms: options.seed % 3 === 0 ? 2000 : 10_000,
      moves_per_round_max: 10,
      hold_down_ms: options.seed % 3 === 0 ? 3000 : 30_000,
    },
    quorum: { votes: {} },
    default_policy: 'component',
    control: { socket: '/run/wackamole/simulated.sock' },
    log: { level: 'info' },
    digest: digestOf(vips),
  };
}

function digestOf(vips: readonly Vip[]): string {
  const text = JSON.stringify(vips);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(16).padStart(16, '0');
}

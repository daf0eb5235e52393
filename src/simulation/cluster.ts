/** Who runs where, with which configuration: drawn for the simulator's own runs, an operator's for a rehearsal. */
import type { Config, DetectorTimers, HealthCheckConfig } from '../config/config.ts';
import { PROFILES } from '../config/profiles.ts';
import type { Vip } from '../model/vip.ts';
import type { SimulationOptions } from './options.ts';

export interface Cluster {
  /** Of the hosts, in order. */
  readonly names: readonly string[];
  /** Of the configuration as it was at first and shall be in the end. */
  readonly vips: readonly Vip[];
  readonly timers: DetectorTimers;
  /** Of the host at this place: that it is in a cloud, and its slots there; absent or undefined: it is on metal. */
  cloudOf?(index: number): { readonly slots: number | undefined } | undefined;
  /** The configuration of one member, with these VIPs. */
  configOf(member: string, vips: readonly Vip[]): Config;
}

export function drawnCluster(options: SimulationOptions): Cluster {
  const names = Array.from({ length: options.members }, (_, i) => nameOfHost(i));
  return {
    names,
    vips: vipsOf(options),
    timers: PROFILES[options.profile],
    cloudOf: (index) => cloudOf(options, index),
    configOf: (member, vips) => configOf(options, { member, names, vips }),
  };
}

/** Where some are on metal, those in the cloud have room for a part only. */
function cloudOf({ clouds, vips, seed }: SimulationOptions, index: number) {
  if (clouds === 'none' || (clouds === 'some' && index % 2 === 0)) return undefined;
  return { slots: clouds === 'some' && seed % 2 === 0 ? 1 + Math.floor(vips / 3) : undefined };
}

function nameOfHost(index: number): string {
  return `h${String(index).padStart(2, '0')}`;
}

function vipsOf({ vips, policy, placed }: SimulationOptions): Vip[] {
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
    ...(placed && constraintsOf(i)),
    policy: policy === 'mixed' ? (i % 2 === 0 ? 'component' : 'primary') : policy,
    providers: ['cloud', 'local'],
  }));
}

/** The first host may have all of them. */
function constraintsOf(index: number): Pick<Vip, 'constraints'> {
  const kinds: readonly Pick<Vip, 'constraints'>[] = [
    {},
    { constraints: { zones: ['a'] } },
    { constraints: { tags: { disk: 'fast' } } },
    { constraints: { spread: 'apart' } },
  ];
  return kinds[index % 4]!;
}

function placeOf(index: number): Pick<Config, 'zone' | 'tags'> {
  const zone = ['a', 'b', 'c', undefined][index % 4];
  return { ...(zone !== undefined && { zone }), ...(index % 2 === 0 && { tags: { disk: 'fast' } }) };
}

const WITNESS_QUICK = { lease_ms: 4_000, renew_ms: 900 } as const;
const WITNESS_USUAL = { lease_ms: 10_000, renew_ms: 2_000 } as const;

function quorumOf({ witness, seed }: SimulationOptions): Config['quorum'] {
  if (!witness) return { votes: {} };
  const times = seed % 2 === 0 ? WITNESS_QUICK : WITNESS_USUAL;
  return { votes: {}, witness: { kind: 's3', place: 'simulated', key: 'simulated', ...times } };
}

interface Place {
  readonly member: string;
  readonly names: readonly string[];
  readonly vips: readonly Vip[];
}

function configOf(options: SimulationOptions, { member, names, vips }: Place): Config {
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
        guardian_timeout_ms: 1500,
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
    checks: checksOf(options, vips),
    balance: {
      enabled: options.seed % 4 !== 0,
      interval_ms: options.seed % 3 === 0 ? 2000 : 10_000,
      moves_per_round_max: 10,
      hold_down_ms: options.seed % 3 === 0 ? 3000 : 30_000,
    },
    quorum: quorumOf(options),
    ...(options.placed && placeOf(names.indexOf(member))),
    default_policy: 'component',
    hooks: {
      commands: { on_up: [], on_down: [], post_up: [], post_down: [] },
      parallel: 1,
      stop_timeout_ms: 0,
    },
    control: { socket: '/run/wackamole/simulated.sock' },
    log: { level: 'info' },
    digest: digestOf(vips),
  };
}

/** Alike on all members: one that makes unfit, one that makes unfit and nobody serves, one that only lowers the rank. */
function checksOf({ seed }: SimulationOptions, vips: readonly Vip[]): HealthCheckConfig[] {
  if (seed % 2 === 1) return [];
  const probe = { kind: 'file', path: '/simulated', present: true } as const;
  const looks = { probe, interval_ms: 1000, timeout_ms: 500, rise: 1, fall: 1, hold_ms: 0 };
  const some = vips.filter((_, index) => index % 3 === 1).map(({ id }) => id);
  return [
    { name: 'service', ...looks, when_all_fail: 'keep' },
    { name: 'rank', ...looks, penalty: 10, when_all_fail: 'keep' },
    ...(some.length === 0
      ? []
      : [{ name: 'strict', ...looks, vips: some, when_all_fail: 'release' } as const]),
  ];
}

/** Stands in for the digest of a file; equal for equal VIPs. FNV-1a (Fowler, Noll, Vo). */
function digestOf(vips: readonly Vip[]): string {
  const known = DIGESTS.get(vips);
  if (known !== undefined) return known;
  const text = JSON.stringify(vips);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  const digest = hash.toString(16).padStart(16, '0');
  DIGESTS.set(vips, digest);
  return digest;
}

const DIGESTS = new WeakMap<readonly Vip[], string>();

/**
 * An operator's question to the simulator: the cluster of a configuration runs well, then some hosts fail at once. Who
 * serves what after that, how loaded are they, and how long did it take? Several runs, since it matters when a fault falls
 * between two probes. Nothing of it touches a host.
 */
import type { Config, LocalProviderConfig } from '../config/config.ts';
import { embeddedGroupOf } from '../config/engines.ts';
import type { Distribution, Rehearsed, RehearsedFault, SideOutcome } from '../model/rehearsal.ts';
import type { Millis } from '../model/time.ts';
import { recoveryBound, serveBound } from './checks/bounds.ts';
import type { Cluster } from './cluster.ts';
import type { FaultRates } from './faults/kinds.ts';
import { FAULTS } from './faults/kinds.ts';
import type { SimulationOptions } from './options.ts';
import { Outage } from './outage.ts';
import type { Host } from './world/host.ts';
import { LEASE_LATENESS } from './world/host.ts';
import { World } from './world/world.ts';

export interface RehearsalOptions {
  /** As any of the hosts would read it, engine `embedded`; the VIPs are carried by its provider of kind `local`. */
  readonly config: Config;
  readonly hosts: readonly string[];
  readonly faults: readonly RehearsedFault[];
  readonly runs: number;
}

/** What a provider of kind `local` does where the file has none. */
const LOCAL: LocalProviderConfig = {
  kind: 'local',
  lease_ms: 3_000,
  renew_interval_ms: 500,
  guardian_timeout_ms: 1_500,
  announce_repeat_ms: [],
  probe_always: false,
  silence_probe_interval_ms: 4,
  silence_probes: 2,
  carrier_hold_ms: 500,
};
/** Everything has to be well for so long before the faults. */
const WELL: Millis = 2_000;

interface Run {
  readonly sides: readonly (readonly Host[])[];
  readonly before: ReadonlyMap<Host, number>;
  readonly outages: readonly Outage[];
}

/** Throws a TypeError where the file says another engine, and an Error where the cluster does not come up. */
export function rehearse(options: RehearsalOptions): Rehearsed {
  const cluster = clusterOf(options);
  const runs = Array.from({ length: options.runs }, (_, at) => runOnce(at + 1, cluster, options.faults));
  const sides = runs[0]?.sides.map((_, side) => outcomeOf(runs, side)) ?? [];
  return { runs: runs.length, faults: options.faults, sides, watched_ms: watchedFor(cluster) };
}

function clusterOf({ config, hosts }: RehearsalOptions): Cluster {
  const group = embeddedGroupOf(config);
  const local = Object.values(config.providers).find(({ kind }) => kind === 'local') ?? LOCAL;
  const vips = config.vips.map((vip) => ({ ...vip, providers: ['local'] }));
  const peers = hosts.map((name, at) => ({
    name,
    addresses: [{ host: `127.0.0.${(at % 250) + 1}`, port: 1 }],
  }));
  return {
    names: hosts,
    vips,
    timers: group.timers,
    configOf: (member, own) => ({
      ...config,
      member,
      group: { ...group, peers },
      providers: { local },
      vips: own,
    }),
  };
}

function runOnce(seed: number, cluster: Cluster, faults: readonly RehearsedFault[]): Run {
  const world = new World(optionsOf(seed, cluster), { timeline: false, cluster });
  for (const host of world.hosts) world.agenda.at(world.random.between(0, 200), () => world.start(host));
  settle(world);
  // Where in the rhythm of probes and heartbeats it falls.
  const { probe_interval_ms, heartbeat_interval_ms } = cluster.timers;
  world.runUntil(world.now + world.random.between(0, probe_interval_ms + heartbeat_interval_ms));
  const before = new Map(world.hosts.map((host) => [host, vipsOn(world, host).length]));
  const sides = sidesOf(world.hosts, faults);
  const outages = sides.map((side) => new Outage(world, side));
  world.observers.push(...outages);
  world.disturb(world.hosts, 'the faults of the rehearsal');
  for (const fault of faults) strike(world, fault);
  world.runUntil(world.now + watchedFor(cluster));
  return { sides, before, outages };
}

function optionsOf(seed: number, { names, vips, timers }: Cluster): SimulationOptions {
  const far = timers.probe_interval_ms >= 400;
  const rates = Object.fromEntries(
    Object.keys(FAULTS).map((kind) => [kind, { weight: 0, length: [0, 0] }]),
  ) as unknown as FaultRates;
  return {
    seed,
    members: names.length,
    vips: vips.length,
    policy: 'mixed',
    profile: far ? 'wan' : 'lan',
    encoded: false,
    swift: true,
    delay: far ? { min: 5, max: 20 } : { min: 0.05, max: 0.3 },
    linkDelay: { min: 0.05, max: 0.3 },
    oneNic: false,
    drift: 0,
    newer: 0,
    clouds: 'none',
    older: 0,
    length: 0,
    pace: 0,
    rates,
    witness: false,
    placed: false,
  };
}

/** Runs until all are in one view, have agreed, and nothing has changed for a while. */
function settle(world: World): void {
  const end = world.now + recoveryBound(world.cluster.timers);
  let wellSince: number | undefined;
  while (wellSince === undefined || world.now - wellSince < WELL) {
    if (world.now > end)
      throw new Error('the cluster of this configuration does not come up in the simulator');
    world.runUntil(world.now + 100);
    if (isWell(world)) wellSince ??= world.now;
    else wellSince = undefined;
  }
}

function isWell(world: World): boolean {
  const views = new Set(world.hosts.map(({ agent }) => agent?.facts.view?.id));
  if (views.size !== 1 || views.has(undefined)) return false;
  return world.hosts.every(
    ({ agent }) => agent?.core.phase === 'settled' && agent.core.table?.busy === false,
  );
}

function watchedFor(cluster: Cluster): Millis {
  const { timers, names } = cluster;
  const config = cluster.configOf(names[0]!, []);
  const local = Object.values(config.providers).find(({ kind }) => kind === 'local') as LocalProviderConfig;
  const leaseBound = local.lease_ms + LEASE_LATENESS;
  return 2 * serveBound(timers, { leaseBound, maturity: config.agent.maturity_ms });
}

/** Those that live, by whom they still reach; the largest first. */
function sidesOf(hosts: readonly Host[], faults: readonly RehearsedFault[]): readonly (readonly Host[])[] {
  const dead = new Set(faults.filter(({ kind }) => kind === 'kill').flatMap((fault) => fault.hosts));
  const sides = new Map<string, Host[]>();
  for (const host of hosts) {
    if (dead.has(host.name)) continue;
    const place = placeOf(host, faults);
    const side = sides.get(place);
    if (side) side.push(host);
    else sides.set(place, [host]);
  }
  return [...sides.values()].sort((a, b) => b.length - a.length);
}

/** Which cuts it is inside of; hosts of the same place reach each other. */
function placeOf({ name }: Host, faults: readonly RehearsedFault[]): string {
  return faults.map((fault) => (fault.kind === 'cut' && fault.hosts.includes(name) ? '1' : '0')).join('');
}

function strike(world: World, { kind, hosts: names }: RehearsedFault): void {
  const hosts = world.hosts.filter(({ name }) => names.includes(name));
  if (kind === 'cut') {
    for (const inside of hosts) {
      for (const outside of world.hosts) {
        if (hosts.includes(outside)) continue;
        world.network.cut(inside, outside, true);
        world.network.cut(outside, inside, true);
      }
    }
    return world.network.changed();
  }
  for (const host of hosts) {
    if (kind === 'kill') host.powerOff();
    else if (kind === 'crash') host.agent?.die({ kernelTells: true });
    else host.agent?.command({ kind: 'drain', member: host.name });
  }
}

function vipsOn(world: World, host: Host) {
  return world.vips.filter(({ addresses }) => addresses.every(({ address }) => host.addresses.has(address)));
}

function outcomeOf(runs: readonly Run[], side: number): SideOutcome {
  const outages = runs.map((run) => run.outages[side]!);
  const hosts = runs[0]!.sides[side]!.map(({ name, index }) => {
    const same = runs.map((run) => run.sides[side]!.find((host) => host.index === index)!);
    const carried = runs.map((_, run) => outages[run]!.carriedBy(same[run]!));
    return {
      name,
      vips_before: distributionOf(runs.map((run, at) => run.before.get(same[at]!) ?? 0)),
      vips: distributionOf(carried.map((vips) => vips.length)),
      load: distributionOf(carried.map((vips) => vips.reduce((sum, { weight }) => sum + weight, 0))),
    };
  });
  const unserved = new Map(
    outages.flatMap((outage) => outage.unserved()).map(({ vip, reason }) => [vip, reason]),
  );
  return {
    hosts,
    interrupted: distributionOf(outages.map((outage) => outage.gaps().length)),
    until_served_ms: distributionOf(outages.map((outage) => Math.ceil(Math.max(0, ...outage.gaps())))),
    unserved: [...unserved].map(([vip, reason]) => ({ vip, reason })),
  };
}

function distributionOf(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
}

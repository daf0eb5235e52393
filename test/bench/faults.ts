/** The faults the bench measures, one fresh cluster each: what a client misses, and how long two hosts hold one VIP. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Duplicate, lastRelease, longestDuplicate } from '../../src/lab/custody.ts';
import type { LabHost } from '../../src/lab/host.ts';
import { heldOnce, Observatory, type Sighting } from '../../src/lab/observatory.ts';
import { vipPlans } from '../../src/lab/plan.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Subject, SubjectKind } from './subject.ts';

export interface Fault {
  readonly name: string;
  readonly what: string;
  /** Kinds of subject it is measured on; all unless said. */
  readonly only?: 'wackamole';
  /** Longer than the subject's own window, where repair takes its time, ms. */
  readonly window_ms_min?: number;
  /** The victim ends as a component of its own, where it may serve every VIP too. */
  readonly apart?: true;
  /** Does it to the victim; returns the instant it happened. */
  readonly happen: (scene: Scene) => Promise<number>;
}

export interface Scene {
  readonly observatory: Observatory;
  readonly subject: Subject;
  readonly victim: LabHost;
}

/** One run of one fault. Times in ms. */
export interface FaultRun {
  readonly outage_ms: number;
  /** Longest time two live, connected hosts held one VIP. */
  readonly duplicate_ms: number;
  /** The duplicate lasted until the end of the observation. */
  readonly stuck: boolean;
  /** Fault → last VIP of the victim held elsewhere; absent where that did not happen. */
  readonly takeover_ms?: number;
  /** Fault → last VIP of the victim off the victim's own interface; absent where it kept one, or held none. */
  readonly off_victim_ms?: number;
  /** Worst lateness of the client itself. */
  readonly stall_ms: number;
  /** Addresses that nobody held, or more than one, at the end. */
  readonly unsettled: number;
}

const HOSTS = 3;

async function now(action: () => unknown): Promise<number> {
  const at = monotonicNow();
  await action();
  return at;
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    what: 'daemon killed (SIGKILL)',
    happen: ({ subject, victim }) => now(() => subject.kill(victim)),
  },
  {
    name: 'kill-all',
    what: 'daemon and guardian killed',
    only: 'wackamole',
    happen: ({ subject, victim }) => now(() => subject.killAll(victim)),
  },
  { name: 'cable', what: 'cable pulled', happen: ({ victim }) => now(() => victim.pullCable()) },
  {
    name: 'port',
    what: 'switch port isolated',
    apart: true,
    happen: ({ victim }) => now(() => victim.isolatePort()),
  },
  { name: 'stop', what: 'polite stop', happen: ({ subject, victim }) => now(() => subject.stop(victim)) },
  {
    name: 'freeze',
    what: 'daemon frozen (SIGSTOP)',
    happen: ({ subject, victim }) => now(() => subject.freeze(victim)),
  },
  {
    name: 'thaw',
    what: 'frozen daemon thawed',
    happen: async ({ observatory, subject, victim }) => {
      subject.freeze(victim);
      await sleep(4000);
      await observatory.custody();
      return now(() => subject.thaw(victim));
    },
  },
  {
    name: 'heal',
    what: 'partition heals',
    window_ms_min: 15_000,
    happen: async (scene) => {
      await split(scene);
      await sleep(8000);
      return scene.observatory.lab.heal();
    },
  },
  {
    name: 'heal-late',
    what: 'long partition heals',
    window_ms_min: 15_000,
    happen: async (scene) => {
      await split(scene);
      await sleep(2000);
      // What a minute does: the kernels have forgotten the link addresses of those they cannot reach.
      const { hosts } = scene.observatory.lab;
      await Promise.all(hosts.map((host) => host.exec(['ip', 'neigh', 'flush', 'dev', 'eth0'])));
      await sleep(4000 + Math.random() * 1000);
      return scene.observatory.lab.heal();
    },
  },
];

/** The victim is alone, with the client. */
async function split({ observatory, victim }: Scene): Promise<void> {
  const others = observatory.lab.hosts.filter((host) => host !== victim).map(({ name }) => name);
  await observatory.lab.partition([[victim.name], others]);
}

/** One run in a lab of its own. Throws when the cluster does not even start. */
export async function runFault(
  kind: SubjectKind,
  options: { readonly fault: Fault; readonly vips: number },
): Promise<FaultRun> {
  return withCluster(kind, { vips: options.vips }, async (scene) => {
    const at = await options.fault.happen(scene);
    const window = Math.max(kind.traits.window_ms, options.fault.window_ms_min ?? 0);
    await sleep(window - (monotonicNow() - at));
    return judge(scene, { at, fault: options.fault });
  });
}

export interface ClusterOptions {
  readonly vips: number;
  /** VIPs that the client asks; ten unless said. */
  readonly asked?: number;
  readonly interval_ms?: number;
}

/** A fresh lab with the subject serving everything; disposed of afterwards. */
export async function withCluster<T>(
  kind: SubjectKind,
  options: ClusterOptions,
  body: (scene: Scene) => Promise<T>,
): Promise<T> {
  const vips = vipPlans(options.vips);
  const observatory = await Observatory.open({
    hosts: HOSTS,
    vips,
    asked: vips.slice(0, options.asked ?? 10),
    client: { interval_ms: options.interval_ms ?? 2 },
  });
  const subject = kind.create(observatory);
  try {
    for (const host of observatory.lab.hosts) subject.start(host);
    await served(observatory, kind.traits.start_ms_max);
    return await body({ observatory, subject, victim: await busiest(observatory) });
  } catch (error) {
    throw new Error(
      `${kind.traits.name}: ${error instanceof Error ? error.message : String(error)}\n${subject.complaint()}`,
    );
  } finally {
    await observatory.close();
  }
}

async function served(observatory: Observatory, within: number): Promise<void> {
  await observatory.until((holders) => heldOnce(holders), {
    within,
    what: 'a fresh cluster serves every VIP once',
  });
  // Elections and first announcements shall be over before anything is measured, and so shall the two seconds in which our
  // agents, fresh from a merge, ask the link even about what they saw released (agent/doubts.ts).
  await sleep(3000);
  await observatory.until((holders) => heldOnce(holders), { within, what: 'every VIP still held once' });
}

/** The host with the most VIPs; the first of them by name. */
async function busiest(observatory: Observatory): Promise<LabHost> {
  const holders = [...(await observatory.holders()).values()].flat();
  const count = (host: LabHost) => holders.filter((name) => name === host.name).length;
  return observatory.lab.hosts.toSorted((a, b) => count(b) - count(a))[0]!;
}

async function judge(
  { observatory, victim }: Scene,
  { at, fault }: { readonly at: number; readonly fault: Fault },
): Promise<FaultRun> {
  const to = monotonicNow();
  const sighting = await observatory.sighting(at, to);
  const takeover = await takeoverTime(observatory, { victim, at });
  const { holds } = await observatory.custody(to);
  const off = lastRelease(holds, { host: victim.name, at });
  return {
    outage_ms: sighting.outage_ms,
    duplicate_ms: longestDuplicate(sighting.duplicates, sighting.window),
    stuck: sighting.duplicates.some((duplicate) => lasting(duplicate, to)),
    ...(takeover === undefined ? {} : { takeover_ms: takeover }),
    ...(off === undefined ? {} : { off_victim_ms: off }),
    stall_ms: sighting.stall_ms,
    unsettled: unsettled(sighting, fault.apart === true ? [victim.name] : []),
  };
}

function lasting(duplicate: Duplicate, until: number): boolean {
  return duplicate.to >= until;
}

function unsettled({ holders }: Sighting, apart: readonly string[]): number {
  return [...holders.values()].filter((hosts) => hosts.filter((host) => !apart.includes(host)).length !== 1)
    .length;
}

/** From the fault to the last acquisition, by another host, of an address the victim held when it happened. */
export async function takeoverTime(
  observatory: Observatory,
  { victim, at }: { readonly victim: LabHost; readonly at: number },
): Promise<number | undefined> {
  const { holds } = await observatory.custody();
  const lost = new Set(
    holds
      .filter((hold) => hold.host === victim.name && hold.from < at && (hold.to ?? at) >= at)
      .map(({ address }) => address),
  );
  let last: number | undefined;
  for (const hold of holds) {
    if (hold.host === victim.name || hold.from < at || !lost.has(hold.address)) continue;
    lost.delete(hold.address);
    last = Math.max(last ?? 0, hold.from - at);
  }
  return lost.size === 0 ? last : undefined;
}

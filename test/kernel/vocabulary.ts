/**
 * The words the kernel tests are written in. Every test has a lab of its own; what is asserted is what a watcher of all hosts and
 * a client on the link saw, not what the agents believe. Bounds are generous: the machine may be busy.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Cluster, type ClusterOptions } from '../../src/lab/cluster.ts';
import { type Duplicate, lastRelease } from '../../src/lab/custody.ts';
import type { Sighting } from '../../src/lab/observatory.ts';
import { insideWorld } from '../../src/lab/world.ts';
import type { Departure } from '../../src/model/view.ts';
import { monotonicNow } from '../../src/platform/clock.ts';

/** So long nothing may move while a fault lasts, ms: two refreshes of the announcements. */
const QUIET = 7000;
/** A shorter duplicate is below what the watcher can tell apart, ms. */
const RESOLUTION = 1;

/** Why kernel tests cannot run here; they are skipped with it. */
export const NO_WORLD = insideWorld()
  ? undefined
  : 'not inside a world of namespaces: run them by `npm test`';

/** Detection, view change, takeover and a busy machine, ms. */
export const TAKEOVER_MAX = 3000;
/** A handoff or a takeover after a goodbye: nothing has to be detected, ms. */
export const HANDOFF_MAX = 1000;
/** The guardian of a dead agent removes everything in some ms; a lease would take 2 s at least. */
export const BY_GUARDIAN = 1000;
/** Two halves that meet must learn of each other before one lets go, ms. */
export const MERGE_MAX = 1500;

/** Runs `body` with all agents started and every VIP served; disposes of everything. On failure the agents' logs are shown. */
export async function withCluster(
  options: ClusterOptions,
  body: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  await withAgents(options, async (cluster) => {
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await answered(cluster);
    await body(cluster);
  });
}

/**
 * Waits until the client gets answers from every VIP: only then its kernel knows where each is, and will go on sending there
 * until somebody tells it better.
 */
export async function answered({ observatory }: Cluster): Promise<void> {
  const { addresses, client } = observatory;
  await eventually('every VIP answers', () => addresses.every((address) => client.up(address)));
}

/** Like {@link withCluster}, but no agent is started yet. */
export async function withAgents(
  options: ClusterOptions,
  body: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  if (NO_WORLD !== undefined) throw new Error(NO_WORLD);
  const cluster = await Cluster.open(options);
  try {
    await body(cluster);
  } catch (error) {
    if (error instanceof Error && !error.message.includes('--- log of'))
      error.message += `\n${cluster.logs()}`;
    throw error;
  } finally {
    await cluster.close();
  }
}

/** What both observers see from the beginning of `action` until `linger` ms after its end. */
export async function during(
  cluster: Cluster,
  action: () => Promise<unknown>,
  linger = 1000,
): Promise<Sighting> {
  const from = monotonicNow();
  await action();
  await sleep(linger);
  return cluster.observatory.sighting(from);
}

/** Promise 1: never two connected hosts. After a heal both may hold for a bounded moment. */
export function expectNeverTwo(sighting: Sighting): void {
  const twice = clean(sighting).map(duplicateText);
  expect(twice, `held by two at once: ${twice.join('; ')}`).toEqual([]);
  const merging = sighting.duplicates.filter((duplicate) => duplicate.merging);
  const longest = merging.reduce((most, { from, to }) => Math.max(most, to - from), 0);
  expect(longest, 'both halves held a VIP after they met (ms)').toBeLessThan(MERGE_MAX);
}

function clean({ duplicates }: Sighting): readonly Duplicate[] {
  return duplicates.filter(({ merging, oneWay, from, to }) => !merging && !oneWay && to - from > RESOLUTION);
}

function duplicateText({ address, hosts, from, to }: Duplicate): string {
  return `${address} on ${hosts.join(' and ')} for ${(to - from).toFixed(1)} ms`;
}

/** Promise 2: always one, but for a bounded moment. What the client itself was late by does not count. */
export function expectOutageBelow(sighting: Sighting, bound: number): void {
  expect(sighting.outage_ms, 'worst outage the client saw (ms)').toBeLessThan(bound + sighting.stall_ms);
  const open = sighting.outages.filter(({ open }) => open).map(({ address }) => address);
  expect(open, 'addresses that do not answer at the end').toEqual([]);
}

/** The addresses the host holds now. */
export async function heldBy(cluster: Cluster, host: string): Promise<readonly string[]> {
  const holders = await cluster.observatory.holders();
  return [...holders].filter(([, hosts]) => hosts.includes(host)).map(([address]) => address);
}

/** I5: whoever held something before and is still there holds it still. */
export function expectOnlyVictimMoved(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
  victim: string,
): void {
  for (const [address, hosts] of before) {
    if (!hosts.includes(victim)) expect(after.get(address), `holder of ${address}`).toEqual(hosts);
  }
}

/** The busiest of the hosts that hold VIPs of every family the cluster has: what is done to it is done to each family. */
export async function victimOf(cluster: Cluster): Promise<string> {
  const { vips } = cluster.observatory;
  const holders = await cluster.observatory.holders();
  const holds = (host: string) => vips.filter(({ address }) => holders.get(address)?.includes(host));
  const families = new Set(vips.map(({ family }) => family));
  const fit = cluster.names.filter(
    (host) => new Set(holds(host).map(({ family }) => family)).size === families.size,
  );
  const [victim] = fit.toSorted((a, b) => holds(b).length - holds(a).length);
  if (victim === undefined) throw new Error('no host holds VIPs of every family');
  return victim;
}

export interface Survival {
  /** Worst outage the client may see, ms; {@link TAKEOVER_MAX} unless given. */
  readonly outageBelow?: number;
  /** Longest time the victim itself may keep an address, ms; as long as its lease unless given. */
  readonly goneWithin?: number;
  /** What the survivors say of how it went; not looked at unless given. */
  readonly how?: Departure;
}

/** Does it to a host with VIPs of every family and expects the others to serve everything, quickly and alone; who it was. */
export async function expectSurvived(
  cluster: Cluster,
  fault: (victim: string) => unknown,
  { outageBelow = TAKEOVER_MAX, goneWithin = Number.POSITIVE_INFINITY, how }: Survival = {},
): Promise<string> {
  await answered(cluster);
  const victim = await victimOf(cluster);
  const before = await cluster.observatory.holders();
  const at = monotonicNow();
  const sighting = await during(cluster, async () => {
    await fault(victim);
    await cluster.served([cluster.others(victim)]);
  });
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, outageBelow);
  expectOnlyVictimMoved(before, sighting.holders, victim);
  if (how !== undefined) {
    const said = `departed: ${victim} (${how})`;
    for (const name of cluster.others(victim)) expect(cluster.agent(name).logTail(1000)).toContain(said);
  }
  if (goneWithin !== Number.POSITIVE_INFINITY) {
    const { holds } = await cluster.observatory.custody();
    expect(
      lastRelease(holds, { host: victim, at }),
      'until the victim let go of everything (ms)',
    ).toBeLessThan(goneWithin + sighting.stall_ms);
  }
  return victim;
}

/** The host comes back by that, is a member again, and moves nothing. */
export async function expectRejoined(cluster: Cluster, back: () => unknown): Promise<void> {
  const before = await cluster.observatory.holders();
  const sighting = await during(cluster, async () => {
    await back();
    await cluster.joined();
    await cluster.served();
  });
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, HANDOFF_MAX);
  expect(sighting.holders, 'a join moves nothing').toEqual(before);
}

/** Nothing moves for that long, ms. */
export async function expectQuiet(cluster: Cluster, length: number): Promise<void> {
  const from = monotonicNow();
  await sleep(length);
  const changes = (await cluster.observatory.watcher.changes()).filter(
    ({ at, address }) => at > from && cluster.observatory.addresses.includes(address),
  );
  expect(changes, 'address changes though nothing happens').toEqual([]);
}

/**
 * Nobody hears b any more, and it hears everybody: it lets go, the others serve, and nothing moves while that lasts. Then it is heard
 * again, and everything serves.
 * @param bound how long b may hold what another has, ms
 */
export async function expectMuteLetsGo(cluster: Cluster, bound: number): Promise<void> {
  const { lab } = cluster.observatory;
  const others = cluster.others('b');
  const idle = (await heldBy(cluster, 'b')).length === 0;
  const deaf = await during(cluster, async () => {
    await lab.loseOneWay(others.map((to) => ({ from: 'b', to })));
    // Who held nothing first takes what it believes to be nobody's.
    const holds = async () => !idle || (await heldBy(cluster, 'b')).length > 0;
    await eventually('b holds something', holds, 30_000);
    await cluster.served([others]);
  });
  const longest = Math.max(0, ...deaf.duplicates.map(({ from, to }) => to - from));
  console.log(`held by b and by another for ${longest.toFixed(1)} ms at most`);
  expect(longest, 'held by b and by another (ms)').toBeLessThan(bound);
  await expectQuiet(cluster, QUIET);
  expect(await heldBy(cluster, 'b')).toEqual([]);
  const status = JSON.stringify(await cluster.agent('b').status());
  expect(status).toContain('nobody seems to hear this host on eth0');
  expectNeverTwo(await whileHealing(cluster));
}

/** The network is whole again: all come into one view, and each VIP is served once. */
export function whileHealing(cluster: Cluster): Promise<Sighting> {
  const heal = async () => {
    await cluster.observatory.lab.heal();
    await cluster.joined();
    await cluster.served();
  };
  return during(cluster, heal, 2000);
}

/** Waits until the condition holds; `what` says for what, when it does not. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  within = 10_000,
): Promise<void> {
  const deadline = monotonicNow() + within;
  while (!(await holds())) {
    if (monotonicNow() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await sleep(30);
  }
}

/** Balancing off: then only what the test does moves anything. */
export const STILL = { balance: { enabled: false } };

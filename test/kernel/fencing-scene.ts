/** What the fencing tests share: whose addresses went when, whose guardian is whose, and faults planted in a running agent. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { AgentProcess } from '../../src/lab/agent-process.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Order } from './hooks/faults.ts';
import { during, eventually, expectNeverTwo, heldBy, STILL } from './vocabulary.ts';

export const THREE = { hosts: 3, vips: 10, ipv6: 3, sections: STILL };

/** What the `local` provider does unless configured otherwise, ms. */
export const GUARDIAN_TIMEOUT = 1500;
/** The lease, and how long past its whole seconds the kernel may show an address, ms. */
export const LEASE_BOUND = 3000 + 1100;
/** What a busy machine may add to a bound, ms. */
export const SLACK = 500;

/** Process id of the agent's guardian; undefined while it has none. */
export function guardianOf(agent: AgentProcess): number | undefined {
  for (const thread of readdirSync(`/proc/${agent.pid}/task`)) {
    const children = readFileSync(`/proc/${agent.pid}/task/${thread}/children`, 'latin1').trim();
    for (const pid of children === '' ? [] : children.split(' ').map(Number)) {
      if (commandOf(pid).startsWith('wackamole-guardian')) return pid;
    }
  }
  return undefined;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

export function guardianPid(agent: AgentProcess): number {
  const pid = guardianOf(agent);
  if (pid === undefined) throw new Error(`the agent of host ${agent.host.name} has no guardian`);
  return pid;
}

export interface Fenced {
  readonly victim: string;
  /** From the fault until the host's last address was gone, ms. */
  readonly gone: number;
  /** The longest that the client could not reach an address, ms. */
  readonly outage: number;
}

export interface FencedWish {
  /** For the line that is printed. */
  readonly what: string;
  /** Longest time from the fault until the host holds nothing, ms. */
  readonly goneWithin: number;
  /** Shortest; where something is to wait for a lease. */
  readonly goneAfter?: number;
  /** Who shall serve afterwards; the others unless said. */
  readonly survivors?: readonly string[];
}

/**
 * Does it to the busiest host. Expects that the watcher sees every address of it go within the time, the others serve
 * everything, and no address is ever on two hosts.
 */
export async function expectFenced(
  cluster: Cluster,
  fault: (victim: string) => unknown,
  wish: FencedWish,
): Promise<Fenced> {
  const victim = await cluster.busiest();
  const held = await heldBy(cluster, victim);
  expect(held.length, 'addresses that the victim holds').toBeGreaterThan(0);
  let at = 0;
  const sighting = await during(cluster, async () => {
    at = monotonicNow();
    await fault(victim);
    await cluster.served([wish.survivors ?? cluster.others(victim)]);
  });
  const gone = await goneAfter(cluster, { victim, held, at });
  const outage = sighting.outage_ms;
  console.log(`${wish.what}: gone after ${gone.toFixed(0)} ms, worst outage ${outage.toFixed(0)} ms`);
  expectNeverTwo(sighting);
  expect(gone, 'time until the last address was gone (ms)').toBeLessThan(wish.goneWithin + sighting.stall_ms);
  if (wish.goneAfter !== undefined) expect(gone, 'addresses went early (ms)').toBeGreaterThan(wish.goneAfter);
  return { victim, gone, outage };
}

/** From the instant until the first removal of each of these addresses on that host; the last of them, ms. */
export async function goneAfter(
  cluster: Cluster,
  { victim, held, at }: { victim: string; held: readonly string[]; at: number },
): Promise<number> {
  const changes = await cluster.observatory.watcher.changes();
  const removals = held.map((address) =>
    changes.find((one) => one.host === victim && one.address === address && !one.held && one.at >= at),
  );
  const missing = held.filter((_, index) => removals[index] === undefined);
  expect(missing, 'addresses that never went').toEqual([]);
  return Math.max(...removals.map((change) => change!.at)) - at;
}

/** Addresses that came up on the host since the instant. */
export async function cameUp(cluster: Cluster, host: string, since: number): Promise<readonly string[]> {
  const changes = await cluster.observatory.watcher.changes();
  return changes
    .filter(
      (one) =>
        one.host === host &&
        one.held &&
        one.at >= since &&
        cluster.observatory.addresses.includes(one.address),
    )
    .map(({ address }) => address);
}

const HOOK = fileURLToPath(new URL('./hooks/faults.ts', import.meta.url));

/** What has to stand before an agent's command line so that {@link plant} works on it. `flags`: further options of the runtime. */
export function faultyPrefix(agent: AgentProcess, flags: readonly string[] = []): readonly string[] {
  return [
    'env',
    `NODE_OPTIONS=${[`--import=${HOOK}`, ...flags].join(' ')}`,
    `FAULT_FILE=${faultFile(agent)}`,
  ];
}

export function plant(agent: AgentProcess, order: Order): void {
  writeFileSync(faultFile(agent), JSON.stringify(order));
  agent.signal('SIGUSR2');
}

function faultFile(agent: AgentProcess): string {
  return `${agent.host.folder}/fault.json`;
}

/** Starts all agents with the hook and waits until they serve. */
export async function serveFaulty(cluster: Cluster, flags: readonly string[] = []): Promise<void> {
  for (const agent of cluster.agents) agent.start(faultyPrefix(agent, flags));
  await cluster.served();
  await cluster.joined();
}

/** Waits until the agent's log has the words. */
export function logged(agent: AgentProcess, words: string, within?: number): Promise<void> {
  return eventually(
    `the log of ${agent.host.name} says: ${words}`,
    () => agent.logTail(10_000).includes(words),
    within,
  );
}

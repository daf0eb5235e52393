/**
 * From what was seen (addresses appearing and vanishing on hosts) and what was done (topology) to judgements: who held
 * which VIP when, and where two live, connected hosts held one at once. A pure function of the two histories.
 */
import type { Instant, Millis } from '../model/time.ts';
import { connected, type Topology } from './topology.ts';

/** An address appeared on, or vanished from, a host. */
export interface AddressChange {
  readonly at: Instant;
  readonly host: string;
  readonly address: string;
  readonly held: boolean;
}

/** One host's hold of one address; `to` absent: it still holds it. */
export interface Hold {
  readonly address: string;
  readonly host: string;
  readonly from: Instant;
  readonly to?: Instant;
}

/** Two live, connected hosts held one address. */
export interface Duplicate {
  readonly address: string;
  readonly hosts: readonly [string, string];
  readonly from: Instant;
  /** The end, or the end of the observation when it lasted longer. */
  readonly to: Instant;
  /** It began because a partition healed, not because somebody took an address. */
  readonly merging: boolean;
  /** Frames were being lost in one direction at its beginning. */
  readonly oneWay: boolean;
}

export interface Custody {
  readonly holds: readonly Hold[];
  readonly duplicates: readonly Duplicate[];
  /** Hosts that were on at the end. */
  readonly live: ReadonlySet<string>;
}

export interface Observation {
  /** The addresses to judge; others on the hosts are nobody's business. */
  readonly addresses: readonly string[];
  readonly changes: readonly AddressChange[];
  readonly topologies: readonly Topology[];
  /** End of the observation. */
  readonly until: Instant;
}

interface OpenDuplicate {
  readonly from: Instant;
  readonly merging: boolean;
  readonly oneWay: boolean;
}

type Step =
  | { readonly at: Instant; readonly rank: 0; readonly topology: Topology }
  | { readonly at: Instant; readonly rank: 1 | 2; readonly change: AddressChange };

/**
 * Replays both histories. Changes of one instant count as releases first: what the watcher read in one go
 * it cannot put in order.
 */
export function custodyOf(observation: Observation): Custody {
  const replay = new Replay();
  for (const step of orderedSteps(observation)) {
    if (step.rank === 0) replay.setTopology(step.topology);
    else replay.change(step.change);
  }
  return replay.finish(observation.until);
}

/** Who of the live hosts holds each of the addresses at the end of the observation. */
export function holdersAtEnd(
  custody: Custody,
  addresses: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>(addresses.map((address) => [address, []]));
  for (const hold of custody.holds) {
    if (hold.to === undefined && custody.live.has(hold.host)) holders.get(hold.address)?.push(hold.host);
  }
  return holders;
}

/** The longest of the duplicates, each clipped to the window. */
export function longestDuplicate(
  duplicates: readonly Duplicate[],
  window: { from: Instant; to: Instant },
): Millis {
  let longest = 0;
  for (const { from, to } of duplicates) {
    longest = Math.max(longest, Math.min(to, window.to) - Math.max(from, window.from));
  }
  return longest;
}

/**
 * From that instant until the host had let go of the last address it held then. Absent when it held none, or never let go of
 * one of them.
 */
export function lastRelease(
  holds: readonly Hold[],
  { host, at }: { readonly host: string; readonly at: Instant },
): Millis | undefined {
  let last: Millis | undefined;
  for (const hold of holds) {
    if (hold.host !== host || hold.from >= at || (hold.to ?? at) < at) continue;
    if (hold.to === undefined) return undefined;
    last = Math.max(last ?? 0, hold.to - at);
  }
  return last;
}

function orderedSteps(observation: Observation): readonly Step[] {
  const steps: Step[] = observation.topologies.map((topology) => ({ at: topology.at, rank: 0, topology }));
  const judged = new Set(observation.addresses);
  for (const change of observation.changes) {
    if (!judged.has(change.address)) continue;
    if (change.at <= observation.until) steps.push({ at: change.at, rank: change.held ? 2 : 1, change });
  }
  return steps.sort((a, b) => a.at - b.at || a.rank - b.rank);
}

/** The moving state of a replay. */
class Replay {
  readonly #holding = new Map<string, Map<string, Instant>>();
  readonly #open = new Map<string, OpenDuplicate>();
  readonly #holds: Hold[] = [];
  readonly #duplicates: Duplicate[] = [];
  #topology: Topology = { at: 0, components: new Map(), oneWay: false, what: 'nothing yet' };

  setTopology(topology: Topology): void {
    this.#topology = topology;
    for (const address of this.#holding.keys()) this.#compare(address, { at: topology.at, merging: true });
  }

  change({ at, host, address, held }: AddressChange): void {
    const holders = this.#holding.get(address) ?? new Map<string, Instant>();
    this.#holding.set(address, holders);
    const since = holders.get(host);
    if (held === (since !== undefined)) return;
    if (held) holders.set(host, at);
    else holders.delete(host);
    if (since !== undefined) this.#holds.push({ address, host, from: since, to: at });
    this.#compare(address, { at, merging: false });
  }

  finish(until: Instant): Custody {
    for (const [address, holders] of this.#holding) {
      for (const [host, from] of holders) this.#holds.push({ address, host, from });
    }
    for (const key of [...this.#open.keys()]) this.#close(key, until);
    return {
      holds: this.#holds,
      duplicates: this.#duplicates,
      live: new Set(this.#topology.components.keys()),
    };
  }

  /** Opens and closes duplicates of one address after something changed. */
  #compare(address: string, cause: { at: Instant; merging: boolean }): void {
    const pairs = new Set(this.#connectedPairs(address));
    for (const key of [...this.#open.keys()]) {
      if (key.startsWith(`${address} `) && !pairs.has(key)) this.#close(key, cause.at);
    }
    for (const key of pairs) {
      if (this.#open.has(key)) continue;
      this.#open.set(key, { from: cause.at, merging: cause.merging, oneWay: this.#topology.oneWay });
    }
  }

  #connectedPairs(address: string): readonly string[] {
    const hosts = [...(this.#holding.get(address)?.keys() ?? [])].sort();
    return hosts.flatMap((a, index) =>
      hosts
        .slice(index + 1)
        .filter((b) => connected(this.#topology, a, b))
        .map((b) => `${address} ${a} ${b}`),
    );
  }

  #close(key: string, at: Instant): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    const [address, a, b] = key.split(' ');
    if (open === undefined || address === undefined || a === undefined || b === undefined) return;
    // What begins and ends within one reading of the watcher has no length that anybody could measure.
    if (at > open.from) this.#duplicates.push({ address, hosts: [a, b], to: at, ...open });
  }
}

/**
 * Which hosts of the lab are live and connected, as a history: the lab changes it, the custody ledger reads it.
 * Pure. A host that is off is nowhere; one whose cable is pulled is a component of its own.
 */
import type { Instant } from '../model/time.ts';

/** One state of the network, from `at` until the next one. */
export interface Topology {
  readonly at: Instant;
  /** Host → component; a host that is off is absent. */
  readonly components: ReadonlyMap<string, string>;
  /** Whether frames are lost in one direction between hosts that count as connected. */
  readonly oneWay: boolean;
  /** What the lab did. */
  readonly what: string;
}

/** The present state of one host, as the lab keeps it. */
export interface HostConnection {
  powered: boolean;
  plugged: boolean;
  /** Which bridge the port belongs to; `undefined`: none (port isolated). */
  segment: number | undefined;
}

export function componentsOf(hosts: ReadonlyMap<string, HostConnection>): ReadonlyMap<string, string> {
  const components = new Map<string, string>();
  for (const [name, host] of hosts) {
    if (!host.powered) continue;
    const joined = host.plugged && host.segment !== undefined;
    components.set(name, joined ? `segment ${host.segment}` : `alone ${name}`);
  }
  return components;
}

/** Whether two hosts are live and in one component. */
export function connected(topology: Topology, a: string, b: string): boolean {
  const where = topology.components.get(a);
  return where !== undefined && where === topology.components.get(b);
}

/**
 * A member that may hold nothing has nothing up beyond a small bound: detached, outranked, just come out of a stall,
 * without a quorum for what needs one, draining.
 */
import type { Instant, Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Host } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { standingOf, voteLackedSince } from './quorum.ts';

/** Longest way from knowing to an address being gone, for an agent that runs and a provider that is well. */
const BOUND: Millis = 300;
const DRAIN_BOUND: Millis = 3_000;
/** Between two looks at the status. */
const LOOK: Millis = 500;

export class Barred implements Observer {
  readonly #world: World;
  /** Of each host, since when its agent runs undisturbed; NaN: it does not. */
  readonly #runsSince: Float64Array;
  readonly #drainingSince = new Map<Host, Instant>();
  #lookedAt: Instant = 0;

  constructor(world: World) {
    this.#world = world;
    this.#runsSince = new Float64Array(world.hosts.length).fill(Number.NaN);
  }

  sample(): void {
    const look = this.#world.drained && this.#world.now - this.#lookedAt >= LOOK;
    if (look) this.#lookedAt = this.#world.now;
    for (const host of this.#world.hosts) {
      const { agent } = host;
      if (
        !agent ||
        host.frozen ||
        agent.main.stalled ||
        agent.main.slowness > 0 ||
        this.#world.now < host.troubledUntil
      ) {
        this.#runsSince[host.index] = Number.NaN;
        this.#drainingSince.delete(host);
        continue;
      }
      if (Number.isNaN(this.#runsSince[host.index]!)) this.#runsSince[host.index] = this.#world.now;
      const since = this.#runsSince[host.index]!;
      if (host.addresses.size === 0) continue;
      this.#check(host, agent, since);
      if (look) this.#checkDrain(host, agent, since);
    }
  }

  #check(host: Host, agent: AgentProcess, runsSince: Instant): void {
    const { facts } = agent;
    const { now } = this.#world;
    const over = (since: Instant) => now - Math.max(since, runsSince) > BOUND;
    if (!facts.connected && over(facts.changedAt)) this.#breach(host, 'is detached');
    if (facts.connected && facts.outranked && over(facts.changedAt)) this.#breach(host, 'is outranked');
    if (facts.stalledAt > 0 && over(facts.stalledAt)) {
      for (const { putAt } of host.addresses.values())
        if (putAt < facts.stalledAt) this.#breach(host, 'came out of a stall');
    }
    if (!facts.view || !over(Math.max(facts.viewAt, host.configuredAt))) return;
    const standing = standingOf(this.#world, facts.view.members.length);
    if (standing === 'lost') this.#checkPrimary(host, 'a quorum');
    else if (standing === 'near' && over(voteLackedSince(this.#world, agent)))
      this.#checkPrimary(host, 'the vote of the witness');
  }

  #checkPrimary(host: Host, what: string): void {
    for (const { policy, addresses, id } of host.config.vips) {
      if (policy === 'primary' && addresses.some(({ address }) => host.addresses.has(address)))
        this.#breach(host, `holds ${id} without ${what}`);
    }
  }

  #checkDrain(host: Host, agent: AgentProcess, runsSince: Instant): void {
    const { group } = agent;
    const own = group && agent.core.table?.seats.get(group.member);
    const draining =
      own?.standing.draining === true &&
      agent.core.phase === 'settled' &&
      host.disturbedAt < this.#world.now - DRAIN_BOUND;
    if (!draining) {
      this.#drainingSince.delete(host);
      return;
    }
    const since = this.#drainingSince.get(host) ?? this.#world.now;
    this.#drainingSince.set(host, since);
    if (this.#world.now - Math.max(since, runsSince) > DRAIN_BOUND) this.#breach(host, 'is draining');
  }

  #breach(host: Host, why: string): never {
    throw new Breach('barred', `${host.name} ${why} and has ${[...host.addresses.keys()].join(', ')} up`);
  }
}

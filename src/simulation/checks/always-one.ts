/**
 * Promise 2: where a view has stood undisturbed for a bound, every address of its agreed VIPs is up on one of its
 * members, unless nobody may have it.
 */
import type { Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Host } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';

/** A doubt lasts as long as a lease (4.1 s), maturity takes 5 s, another attempt half a second. */
const BOUND: Millis = 10_000;
const LOOK: Millis = 1_000;

export class AlwaysOne implements Observer {
  readonly #world: World;
  #lookedAt = 0;
  checked = 0;

  constructor(world: World) {
    this.#world = world;
  }

  sample(): void {
    const { now, hosts, troubledUntil } = this.#world;
    if (now - this.#lookedAt < LOOK) return;
    this.#lookedAt = now;
    if (now < troubledUntil) return;
    const looked = new Set<string>();
    for (const { agent } of hosts) {
      const id = agent?.facts.view?.id;
      if (agent === undefined || id === undefined || looked.has(id)) continue;
      looked.add(id);
      const members = this.#quietMembers(agent);
      if (members) this.#check(agent, members);
    }
  }

  /** The hosts of the agent's view, if all of them have been left alone for the bound. */
  #quietMembers(agent: AgentProcess): Host[] | undefined {
    const { view, viewAt } = agent.facts;
    const { now, hosts } = this.#world;
    if (!view || now - viewAt < BOUND) return undefined;
    const members = hosts.filter(
      (host) =>
        host.agent?.facts.view?.id === view.id &&
        host.disturbedAt < now - BOUND &&
        host.troubledUntil < now &&
        host.agent.startedAt < now - BOUND &&
        !host.frozen,
    );
    return members.length === view.members.length ? members : undefined;
  }

  #check(agent: AgentProcess, members: readonly Host[]): void {
    const unserved = agent.host.config.vips.filter(({ addresses }) =>
      addresses.some(({ address }) => members.filter((host) => host.addresses.has(address)).length !== 1),
    );
    this.checked += 1;
    if (unserved.length === 0) return;
    const status = agent.core.status(0, 0);
    for (const { id } of unserved) {
      const vip = status.vips.find((one) => one.vip === id);
      if (vip?.allocated === undefined && this.#nobodyMay(id, members, status.members)) continue;
      throw new Breach(
        'always-one',
        `${id} is not up on exactly one of ${members.map(({ name }) => name).join(', ')}; ` +
          `${agent.host.name} tells ${vip?.state}, allocated to ${vip?.allocated}: ${vip?.reason}`,
      );
    }
  }

  /** Seen from outside: drained, unfit, outranked, without a quorum, or of two minds about what the VIP is. */
  #nobodyMay(
    id: string,
    members: readonly Host[],
    told: readonly { readonly name: string; readonly draining: boolean }[],
  ): boolean {
    const vip = members[0]?.config.vips.find((one) => one.id === id);
    const definitions = new Set(
      members.map(({ config }) => JSON.stringify(config.vips.find((one) => one.id === id))),
    );
    if (vip?.policy === 'primary' && 2 * members.length <= this.#world.hosts.length) return true;
    if (definitions.size > 1 || new Set(members.map(({ config }) => config.digest)).size > 1) return true;
    return members.every(
      (host) =>
        !host.carrier || host.agent?.facts.outranked || told.find(({ name }) => name === host.name)?.draining,
    );
  }
}

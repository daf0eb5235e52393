/**
 * Where a view has stood undisturbed for a bound, no VIP is up on a host whose check says that it is unfit while another member
 * could serve it in good health; and none on a host whose check wants it released whatever becomes of it.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Vip } from '../../model/vip.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import { type Host, LEASE_LATENESS } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { serveBound } from './bounds.ts';
import { isMisplaced } from './placed.ts';
import { agreedVips, isReleased, quietMembers } from './quiet.ts';
import { standingOf } from './quorum.ts';

const LOOK: Millis = 500;

export class HealthyFirst implements Observer {
  readonly #world: World;
  readonly #bound: Millis;
  #lookedAt: Instant = 0;
  /** Looks at a quiet view with a host in bad health in it. */
  checked = 0;

  constructor(world: World) {
    this.#world = world;
    const [host] = world.hosts as [Host, ...Host[]];
    const leaseBound = world.isHybrid ? 30_000 : host.local.lease_ms + LEASE_LATENESS;
    this.#bound = serveBound(world.cluster.timers, { leaseBound, maturity: host.config.agent.maturity_ms });
  }

  sample(): void {
    const { now, hosts, troubledUntil } = this.#world;
    if (now - this.#lookedAt < LOOK || now < troubledUntil) return;
    this.#lookedAt = now;
    const looked = new Set<string>();
    for (const { agent, failing } of hosts) {
      const id = agent?.facts.view?.id;
      if (agent === undefined || id === undefined || failing.size === 0 || looked.has(id)) continue;
      looked.add(id);
      const members = quietMembers(this.#world, agent, this.#bound);
      if (members?.every((host) => host.agent?.heedsHealth)) this.#check(agent, members);
    }
  }

  #check(agent: AgentProcess, members: readonly Host[]): void {
    this.checked += 1;
    for (const vip of agreedVips(members)) {
      for (const holder of members.filter((host) => isUp(vip, host))) {
        const penalty = penaltyOf(holder, vip);
        if (penalty === 0) continue;
        const better = members.find(
          (host) => this.#couldServe(host, vip, agent) && penaltyOf(host, vip) < penalty,
        );
        if (better === undefined && penalty < UNFIT) continue;
        throw new Breach(
          'healthy-first',
          `${vip.id} is up on ${holder.name}, whose checks ${[...holder.failing].join(', ')} fail, ${better === undefined ? 'and wants it released' : `though ${better.name} is better off`}`,
        );
      }
    }
  }

  #couldServe(host: Host, vip: Vip, agent: AgentProcess): boolean {
    const members = agent.facts.view?.members.length ?? 0;
    if (vip.policy === 'primary' && standingOf(this.#world, members) !== 'primary') return false;
    if (isMisplaced(host.config, vip)) return false;
    const told = agent.standingOf(host.name);
    return (
      host.slots === undefined &&
      host.carrier &&
      host.agent?.facts.outranked === false &&
      told?.draining === false &&
      told.mature
    );
  }
}

const UNFIT = 1e12;

/** Seen from outside; `UNFIT`: it must not hold the VIP at all. */
function penaltyOf(host: Host, { id }: Vip): number {
  if (isReleased(host, id)) return UNFIT;
  let sum = 0;
  for (const { name, penalty, vips } of host.config.checks)
    if (host.failing.has(name) && (vips?.includes(id) ?? true)) sum += penalty ?? 1e6;
  return sum;
}

function isUp({ addresses }: Vip, host: Host): boolean {
  return addresses.some(({ address }) => host.addresses.has(address));
}

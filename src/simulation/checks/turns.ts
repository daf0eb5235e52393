/** Hooks hear of each coming and going once, in turn, and in the end the truth: who has nothing told of nothing, what is held was told. */
import type { HookAction } from '../../agent/events.ts';
import type { VipId } from '../../model/vip.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Observer, World } from '../world/world.ts';

export class TurnsTold implements Observer {
  readonly #world: World;
  readonly #up = new WeakMap<AgentProcess, Set<VipId>>();
  /** Of each host, its agent at the last look and how many events that one's core had taken: without another one nothing is to be seen. */
  readonly #looked: (AgentProcess | undefined)[];
  readonly #taken: Float64Array;
  /** How many comings and goings were told. */
  told = 0;

  constructor(world: World) {
    this.#world = world;
    this.#looked = world.hosts.map(() => undefined);
    this.#taken = new Float64Array(world.hosts.length);
  }

  hookTold(agent: AgentProcess, { event, vips }: HookAction): void {
    if (event === 'post_up' || event === 'post_down') return;
    this.told += 1;
    const up = this.#upOf(agent);
    for (const { id } of vips) {
      const coming = event === 'on_up';
      if (up.has(id) === coming) throw this.#breach(agent, `${event} of ${id} twice in a row`);
      if (coming) up.add(id);
      else up.delete(id);
    }
  }

  sample(): void {
    for (const { agent, index } of this.#world.hosts) {
      if (agent === undefined || (this.#looked[index] === agent && this.#taken[index] === agent.taken))
        continue;
      this.#looked[index] = agent;
      this.#taken[index] = agent.taken;
      const up = this.#upOf(agent);
      const untold = agent.core.held().find(({ id }) => !up.has(id));
      if (untold) throw this.#breach(agent, `${untold.id} is held and was never told`);
      if (!agent.core.holdsAnything && up.size > 0)
        throw this.#breach(agent, `nothing is held and ${[...up][0]} is told to be`);
    }
  }

  #upOf(agent: AgentProcess): Set<VipId> {
    const known = this.#up.get(agent) ?? new Set<VipId>();
    this.#up.set(agent, known);
    return known;
  }

  #breach(agent: AgentProcess, what: string): Breach {
    return new Breach('turns', `${agent.host.name}: ${what}`);
  }
}

/** G6: where nothing has been done to anybody for a while, views come to rest, also where not everybody reaches everybody. */
import type { Millis } from '../../model/time.ts';
import type { View } from '../../model/view.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Observer, World } from '../world/world.ts';
import { restBound } from './bounds.ts';

export class Steady implements Observer {
  readonly #world: World;
  readonly #bound: Millis;
  #rests = false;
  /** Stretches in which everything was at rest. */
  watched = 0;

  constructor(world: World) {
    this.#world = world;
    this.#bound = restBound(world.cluster.timers);
  }

  sample(): void {
    const rests = this.#world.quietFor > this.#bound && this.#world.network.isCalm && this.#allRun();
    if (rests && !this.#rests) this.watched += 1;
    this.#rests = rests;
  }

  viewInstalled(agent: AgentProcess, view: View): void {
    if (!this.#rests || this.#world.quietFor <= this.#bound || !this.#allRun()) return;
    throw new Breach(
      'steady',
      `${agent.host.name} installs ${view.id} (${view.cause}) though nothing has happened for ${this.#world.quietFor.toFixed(0)} ms`,
    );
  }

  #allRun(): boolean {
    return this.#world.hosts.every(
      ({ frozen, agent }) =>
        !frozen &&
        (agent === undefined ||
          (!agent.main.stalled &&
            agent.main.slowness === 0 &&
            agent.group?.thread.stalled !== true &&
            agent.facts.connected &&
            this.#world.now - agent.startedAt > this.#bound)),
    );
  }
}

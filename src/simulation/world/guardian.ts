/** The guardian's script as a state machine (providers/local/guardian-script.ts): what it hears, when it takes all away. */
import type { Instant, Millis } from '../../model/time.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

export class Guardian {
  alive = true;
  readonly #world: World;
  readonly #host: Host;
  readonly #held = new Set<string>();
  #heardAt: Instant;
  /** It has heard a tick: from then on it misses them. */
  get watches(): boolean {
    return this.alive && this.#ticking;
  }

  #ticking = false;
  #fenced = false;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#host = host;
    this.#heardAt = world.now;
    this.#watch(this.#limit);
  }

  get #limit(): Millis {
    return this.#host.local.guardian_timeout_ms;
  }

  hold(addresses: readonly string[]): void {
    this.#hear();
    for (const address of addresses) this.#held.add(address);
  }

  drop(addresses: readonly string[]): void {
    this.#hear();
    for (const address of addresses) this.#held.delete(address);
  }

  tick(): void {
    this.#hear();
    this.#ticking = true;
  }

  /** The agent is gone. */
  pipeClosed(): void {
    this.#host.after(this.#world.random.between(4, 10), () => {
      if (this.alive) this.#removeAll();
      this.alive = false;
    });
  }

  #hear(): void {
    if (!this.alive) return;
    this.#heardAt = this.#world.now;
    if (!this.#fenced) return;
    this.#removeAll();
    this.#held.clear();
    this.#fenced = false;
    const { agent } = this.#host;
    this.#host.after(0.5, () => agent?.fenced());
  }

  #watch(delay: Millis): void {
    this.#host.after(delay, () => {
      if (!this.alive) return;
      const silence = this.#world.now - this.#heardAt;
      if (silence < this.#limit) return this.#watch(Math.max(1, this.#limit - silence));
      this.#watch(this.#limit);
      if (!this.#ticking || this.#held.size === 0) return;
      this.#fenced = true;
      this.#host.after(this.#world.random.between(2, 8), () => this.alive && this.#removeAll());
    });
  }

  #removeAll(): void {
    for (const address of this.#held) this.#host.remove(address, 'guardian');
  }
}

/** One failure moves only what the failed member held: nothing that is up on the others goes down or moves for it. */
import type { Instant, Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import type { Host } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { mergeBound } from './bounds.ts';
import { standingOf } from './quorum.ts';

/** How long it is watched after the failure was noticed. */
const WATCH: Millis = 1_500;

export class OwnOnly implements Observer {
  readonly #world: World;
  /** How long everything must have been quiet before. */
  readonly #quiet: Millis;
  readonly #watch: Millis;
  #failed: Host | undefined;
  #until: Instant = 0;
  /** A view without it has been installed. */
  #noticed = false;
  #changedAt: Instant = 0;
  watched = 0;

  constructor(world: World) {
    this.#world = world;
    this.#quiet = Math.max(3_000, mergeBound(world.cluster.timers));
    this.#watch = WATCH + world.cluster.timers.heartbeat_timeout_ms;
  }

  disturbed(hosts: readonly Host[], what: string): void {
    const [host] = hosts;
    const single = /^(crash|power) /.test(what) && host?.agent !== undefined;
    const quiet = this.#world.hosts.every(
      (one) => one === host || one.disturbedAt < this.#world.now - this.#quiet,
    );
    this.#failed = undefined;
    const others = this.#world.hosts.filter((one) => one !== host);
    if (!single || !quiet || this.#changedAt > this.#world.now - this.#quiet || !this.#settled(others))
      return;
    this.#failed = host;
    this.#noticed = false;
    this.#until = this.#world.now + this.#watch;
    this.watched += 1;
  }

  /** What follows the new view belongs to it; what comes much later may be a rebalance. */
  viewInstalled(): void {
    if (!this.#failed || this.#noticed) return;
    this.#noticed = true;
    this.#until = Math.min(this.#until, this.#world.now + WATCH);
  }

  addressChanged(address: string, host: Host): void {
    this.#changedAt = this.#world.now;
    if (!this.#failed || host === this.#failed || this.#world.now > this.#until) return;
    if (host.addresses.has(address) || this.#needsQuorum(address) || this.#isRebalanced(address, host))
      return;
    throw new Breach(
      'own-only',
      `${address} goes from ${host.name}, though only ${this.#failed.name} failed`,
    );
  }

  /** A round of rebalancing was due, whatever happened elsewhere. */
  #isRebalanced(address: string, { agent }: Host): boolean {
    const vip = this.#world.vips.find(({ addresses }) => addresses.some((one) => one.address === address));
    const row = vip && agent?.core.table?.rows.get(vip.id);
    return row?.reason.startsWith('rebalanced') === true;
  }

  /** The failure may have cost the others their quorum. */
  #needsQuorum(address: string): boolean {
    const vip = this.#world.vips.find(({ addresses }) => addresses.some((one) => one.address === address));
    return vip?.policy === 'primary' && standingOf(this.#world, this.#world.hosts.length - 1) !== 'primary';
  }

  /** All others are in one view and nothing else is going on. */
  #settled(others: readonly Host[]): boolean {
    const views = new Set(others.map(({ agent }) => agent?.facts.view?.id));
    const { now } = this.#world;
    return (
      views.size === 1 &&
      !views.has(undefined) &&
      others.every(
        ({ agent, troubledUntil, config }) =>
          agent?.core.phase === 'settled' &&
          agent.group?.hasDeafStream === false &&
          troubledUntil < now &&
          config.vips === this.#world.vips,
      )
    );
  }
}

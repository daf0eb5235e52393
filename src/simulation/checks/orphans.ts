/**
 * I3, the part of the guardian and the lease: where no agent runs, or its main thread stands still, what it had up goes:
 * at once while a guardian lives, with the lease otherwise.
 */
import type { Instant, Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import type { Guardian } from '../world/guardian.ts';
import { type Host, LEASE_LATENESS } from '../world/host.ts';
import { type Observer, SAMPLE, type World } from '../world/world.ts';

/** From the end of the pipe to the last address being gone. */
const SWEEP: Millis = 50;

export class Orphans implements Observer {
  readonly #world: World;
  /** Of each host, since when nobody looks after its addresses; NaN: somebody does. */
  readonly #since: Float64Array;
  /** Its agent is gone, not only hung. */
  readonly #gone: boolean[];
  readonly #starts: number[];
  /** The guardian that lived when that began; true: it was told that the agent is gone. */
  readonly #guarded: (Guardian | true | undefined)[];
  watched = 0;

  constructor(world: World) {
    this.#world = world;
    this.#since = new Float64Array(world.hosts.length).fill(Number.NaN);
    this.#gone = world.hosts.map(() => false);
    this.#starts = world.hosts.map(() => 0);
    this.#guarded = world.hosts.map(() => undefined);
  }

  sample(): void {
    for (const host of this.#world.hosts) {
      // Nothing ends what a cloud brings to a host whose agent is gone.
      if (host.isCloud) continue;
      const { agent, index } = host;
      const orphaned = agent === undefined || agent.main.stalled;
      if (!orphaned || !host.up || host.frozen) this.#since[index] = Number.NaN;
      else if (Number.isNaN(this.#since[index]!) || this.#isAnother(host)) this.#begin(host);
      else if (host.addresses.size > 0) this.#check(host);
    }
  }

  /** One that hung is gone now, or between two looks another one came and went, or it ran and hangs again. */
  #isAnother({ index, agent, starts }: Host): boolean {
    if (this.#gone[index] !== (agent === undefined) || this.#starts[index] !== starts) return true;
    return agent !== undefined && agent.facts.stalledAt > this.#since[index]!;
  }

  #begin(host: Host): void {
    const { index } = host;
    const gone = host.agent === undefined;
    this.#gone[index] = gone;
    this.#starts[index] = host.starts;
    this.#since[index] = this.#world.now;
    const { guardian } = host;
    if (gone) this.#guarded[index] = host.guardedAtDeath ? true : undefined;
    else this.#guarded[index] = guardian?.watches ? guardian : undefined;
    if (host.addresses.size > 0) this.watched += 1;
  }

  #check(host: Host): void {
    const { index, agent, local } = host;
    const guardian = this.#guarded[index];
    const guarded = guardian === true || (guardian !== undefined && guardian === host.guardian);
    const lease = local.lease_ms + LEASE_LATENESS;
    // A guardian looks once a limit whether it has heard a tick within the last one.
    const hung = 2 * local.guardian_timeout_ms + SWEEP;
    const bound = Math.min(lease, guarded ? (agent === undefined ? SWEEP : hung) : lease);
    if (this.#world.now - this.#since[index]! <= bound + 2 * SAMPLE) return;
    throw new Breach(
      'orphans',
      `${host.name} has ${[...host.addresses.keys()].join(', ')} up ${this.#ago(index)} ms after its agent ` +
        `${agent === undefined ? 'died' : 'hung'} ${guarded ? 'under a guardian' : 'without a guardian'}`,
    );
  }

  #ago(index: number): Instant {
    return Math.round(this.#world.now - this.#since[index]!);
  }
}

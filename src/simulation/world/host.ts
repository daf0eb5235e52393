/**
 * One host: its kernel with the addresses on it and their leases, its clocks, its carrier, and whatever agent runs there.
 * The kernel answers for an address as long as it is up, whatever became of the agent.
 */
import type { Config, LocalProviderConfig } from '../../config/config.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { AgentProcess } from './agent-process.ts';
import { Clocks, type Standstill } from './clocks.ts';
import type { Guardian } from './guardian.ts';
import type { ProviderTrouble } from './trouble.ts';
import type { World } from './world.ts';

/** By how much the kernel may be late to drop an address. */
export const LEASE_LATENESS: Millis = 1100;

export interface Standing {
  until: Instant;
  putAt: Instant;
}

export interface HostSettings {
  readonly index: number;
  readonly config: Config;
  /** How fast its clocks run. */
  readonly rate: number;
  /** Present: it is in a cloud, with so many slots. */
  readonly cloud?: { readonly slots: number | undefined } | undefined;
}

export class Host {
  readonly index: number;
  readonly name: string;
  readonly clocks: Clocks;
  readonly addresses = new Map<string, Standing>();
  config: Config;
  /** Of the provider that carries its VIPs. */
  readonly local: LocalProviderConfig;
  up = false;
  /** The whole machine stands still: nothing runs, nothing answers. */
  frozen = false;
  /** Of the interface that carries VIPs. */
  carrier = true;
  /** Names of its health checks that fail. */
  readonly failing = new Set<string>();
  agent: AgentProcess | undefined;
  guardian: Guardian | undefined;
  /** Whether the guardian of the last agent that ended lived when it did. */
  guardedAtDeath = false;
  /** Agents that were started here so far. */
  starts = 0;
  /** Highest epoch its last agent had a view of, and whether the next one starts from there. */
  lastEpoch = 0;
  remembersEpoch = false;
  /** When its configuration last changed. */
  configuredAt: Instant = 0;
  /** In a cloud: a register says which addresses it has; there is no link, no lease and no guardian. */
  readonly isCloud: boolean;
  /** IPv4 addresses it can have there; undefined: any number. */
  readonly slots: number | undefined;
  /** When its last agent started, whether or not it still runs. */
  startedAt: Instant = 0;
  /** When its last agent ended, or came to the standstill in which it ended. */
  diedAt: Instant = 0;
  trouble: ProviderTrouble | undefined;
  /** Provider calls may be late or wrong because of a trouble until then. */
  troubledUntil: Instant = 0;
  /** Last instant at which anything was done to it. */
  disturbedAt: Instant = 0;
  /** When it last thawed with clocks that had stood still, so that nothing tells it. */
  untoldAt: Instant = Number.NEGATIVE_INFINITY;
  #boots = 0;
  #frozenAt: Instant = 0;
  #thawWork: (() => void)[] = [];
  readonly #world: World;

  constructor(world: World, { index, config, rate, cloud }: HostSettings) {
    this.#world = world;
    this.index = index;
    this.name = config.member;
    this.config = config;
    this.local = localProviderOf(config);
    this.isCloud = cloud !== undefined;
    this.slots = cloud?.slots;
    this.clocks = new Clocks(world.agenda, rate);
  }

  /** Work of the kernel or of any process here: waits while the host is frozen, is gone when the power is. */
  after(delay: Millis, work: () => void): void {
    const boots = this.#boots;
    this.#world.agenda.after(delay, () => {
      if (this.#boots !== boots) return;
      if (this.frozen) this.#thawWork.push(work);
      else work();
    });
  }

  powerOff(): void {
    this.agent?.die({ kernelTells: false });
    this.#boots += 1;
    this.guardian = undefined;
    this.up = false;
    this.frozen = false;
    this.#thawWork = [];
    for (const address of [...this.addresses.keys()]) this.remove(address, 'power loss');
    this.#world.network.changed();
  }

  powerOn(): void {
    this.up = true;
    if (this.isCloud) for (const address of this.#world.cloud.of(this)) this.brought(address, true);
    this.#world.network.changed();
  }

  freeze(): void {
    this.frozen = true;
    this.#frozenAt = this.#world.now;
    this.agent?.stall();
    this.#world.network.changed();
  }

  /** @param leasesStood whether the kernel counted the time for its leases */
  thaw(clocks: Standstill, leasesStood: boolean): void {
    if (!this.frozen) return;
    const length = this.#world.now - this.#frozenAt;
    this.frozen = false;
    this.clocks.stoodStill(length, clocks);
    if (clocks === 'both') this.untoldAt = this.#world.now;
    if (leasesStood) for (const standing of this.addresses.values()) standing.until += length;
    const work = this.#thawWork;
    this.#thawWork = [];
    for (const piece of work) this.after(this.#world.random.between(0, 2), piece);
    this.after(this.#world.random.between(0, 5), () => this.agent?.resume());
    this.#world.network.changed();
  }

  put(address: string): void {
    const known = this.addresses.get(address);
    const until = this.#leaseEnd();
    if (known) {
      known.until = until;
      return;
    }
    const standing: Standing = { until, putAt: this.#world.now };
    this.addresses.set(address, standing);
    this.#watch(address, standing);
    this.#world.note(this, `address ${address} is up`);
    this.#world.segment.put(address, this);
  }

  /** The cloud brings traffic for the address here from now on, or does not any more. */
  brought(address: string, here: boolean): void {
    if (!here) return this.remove(address, 'agent');
    if (!this.up || this.addresses.has(address)) return;
    this.addresses.set(address, { until: Number.POSITIVE_INFINITY, putAt: this.#world.now });
    this.#world.note(this, `address ${address} is brought here`);
    this.#world.segment.put(address, this);
  }

  prolong(address: string): void {
    const standing = this.addresses.get(address);
    if (standing) standing.until = this.#leaseEnd();
  }

  remove(address: string, by: string): void {
    if (!this.addresses.delete(address)) return;
    this.#world.note(this, `address ${address} is gone: ${by}`);
    this.#world.segment.remove(address, this);
    if (by !== 'agent') this.agent?.vanished(address);
  }

  /** `valid_lft` counts whole seconds, and the kernel looks now and then. */
  #leaseEnd(): Instant {
    return this.#world.now + this.local.lease_ms + this.#world.random.between(0, LEASE_LATENESS);
  }

  #watch(address: string, standing: Standing): void {
    this.after(Math.max(0.1, standing.until - this.#world.now), () => {
      if (this.addresses.get(address) !== standing) return;
      if (standing.until <= this.#world.now) this.remove(address, 'lease over');
      else this.#watch(address, standing);
    });
  }
}

function localProviderOf(config: Config): LocalProviderConfig {
  for (const provider of Object.values(config.providers)) if (provider.kind === 'local') return provider;
  throw new Error(`the configuration of ${config.member} has no provider of kind local`);
}

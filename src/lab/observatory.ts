/** The lab with both its observers: one who sees the hosts' addresses, one who is a client. Answers what happened in a window. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant, Millis } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { Client, type ClientOptions } from './client.ts';
import { type Custody, custodyOf, type Duplicate, holdersAtEnd } from './custody.ts';
import { CLIENT_NETNS, Lab } from './lab.ts';
import { longest, type Outage, type Window } from './outages.ts';
import type { VipPlan } from './plan.ts';
import { Watcher } from './watcher.ts';

export interface ObservatoryOptions {
  readonly hosts: number;
  readonly vips: readonly VipPlan[];
  /** VIPs the client asks; all unless said. */
  readonly asked?: readonly VipPlan[];
  readonly client?: Pick<ClientOptions, 'interval_ms' | 'patience_ms'>;
}

/** What both observers saw in a window. */
export interface Sighting {
  readonly window: Window;
  readonly outages: readonly Outage[];
  /** Worst of the outages, ms. */
  readonly outage_ms: Millis;
  /** Duplicates that overlap the window; those of a healing partition are marked `merging`. */
  readonly duplicates: readonly Duplicate[];
  /** Address → live hosts that hold it at the end of the window. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
  /** The worst lateness of the client itself in the window, ms; nothing was asked meanwhile. */
  readonly stall_ms: Millis;
}

export interface HoldersWish {
  /** How long to wait, ms. */
  readonly within: Millis;
  /** What is waited for, for the error message. */
  readonly what: string;
}

export class Observatory {
  readonly lab: Lab;
  readonly watcher: Watcher;
  readonly client: Client;
  readonly vips: readonly VipPlan[];
  readonly addresses: readonly string[];

  private constructor(lab: Lab, options: ObservatoryOptions) {
    this.lab = lab;
    this.vips = options.vips;
    this.addresses = options.vips.map(({ address }) => address);
    this.watcher = new Watcher(lab.hosts.map(({ name }) => name));
    this.client = new Client({ netns: CLIENT_NETNS, vips: options.asked ?? options.vips, ...options.client });
  }

  /** Builds the lab and starts both observers. */
  static async open(options: ObservatoryOptions): Promise<Observatory> {
    const observatory = new Observatory(await Lab.create({ hosts: options.hosts }), options);
    try {
      await Promise.all([observatory.watcher.start(), observatory.client.start()]);
      return observatory;
    } catch (error) {
      await observatory.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.watcher.stop(), this.client.stop()]);
    await this.lab.dispose();
  }

  /** The whole history of custody until now, or until the instant given. */
  async custody(until: Instant = monotonicNow()): Promise<Custody> {
    return custodyOf({
      addresses: this.addresses,
      changes: await this.watcher.changes(),
      topologies: this.lab.history,
      until,
    });
  }

  /** Who holds what now. */
  async holders(): Promise<ReadonlyMap<string, readonly string[]>> {
    return holdersAtEnd(await this.custody(), this.addresses);
  }

  async sighting(from: Instant, to: Instant = monotonicNow()): Promise<Sighting> {
    const window: Window = { from, to };
    const outages = await this.client.outages(window);
    const custody = await this.custody(to);
    const stalls = this.client.stalls.filter(({ at, length }) => at + length > from && at < to);
    return {
      window,
      outages,
      outage_ms: longest(outages),
      duplicates: custody.duplicates.filter((duplicate) => duplicate.to > from && duplicate.from < to),
      holders: holdersAtEnd(custody, this.addresses),
      stall_ms: stalls.reduce((most, { length }) => Math.max(most, length), 0),
    };
  }

  /**
   * Waits until the holders are as wished; looks again every few ms. Resolves with the instant of
   * the last address change; rejects after `within` with a table of who holds what.
   */
  async until(
    wished: (holders: ReadonlyMap<string, readonly string[]>) => boolean,
    wish: HoldersWish,
  ): Promise<Instant> {
    const deadline = monotonicNow() + wish.within;
    for (;;) {
      const holders = await this.holders();
      if (wished(holders)) return (await this.watcher.changes()).at(-1)?.at ?? monotonicNow();
      if (monotonicNow() > deadline) {
        throw new Error(`not within ${wish.within} ms: ${wish.what}; holders: ${describe(holders)}`);
      }
      // Each look replays the history: with many addresses that costs time the observed ones need.
      await sleep(this.addresses.length > 100 ? 100 : 20);
    }
  }
}

/** Every address is held by exactly one host, and by one of those named if any are. */
export function heldOnce(
  holders: ReadonlyMap<string, readonly string[]>,
  among?: readonly string[],
): boolean {
  return [...holders.values()].every(
    ([holder, ...more]) => holder !== undefined && more.length === 0 && (among?.includes(holder) ?? true),
  );
}

function describe(holders: ReadonlyMap<string, readonly string[]>): string {
  const counts = new Map<string, number>();
  for (const hosts of holders.values()) {
    const key = hosts.length === 0 ? 'nobody' : hosts.join('+');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([hosts, count]) => `${hosts} ${count}`).join(', ');
}

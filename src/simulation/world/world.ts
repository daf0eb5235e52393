/** Hosts, agents, the network and the link between them in virtual time; tells the checkers what happens. Breaks nothing by itself. */
import type { HookAction } from '../../agent/events.ts';
import { type Decoded, decodeMessage } from '../../agent/messages.ts';
import type { MemberId } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { View } from '../../model/view.ts';
import type { Vip } from '../../model/vip.ts';
import { type Cluster, drawnCluster } from '../cluster.ts';
import type { SimulationOptions } from '../options.ts';
import { Agenda } from './agenda.ts';
import { AgentProcess } from './agent-process.ts';
import { Cloud } from './cloud.ts';
import type { EngineThread } from './engine-thread.ts';
import { Host } from './host.ts';
import { Network } from './network.ts';
import { Random } from './random.ts';
import { Segment } from './segment.ts';
import { Streams } from './streams.ts';
import type { Trace } from './trace.ts';
import { Witness } from './witness.ts';

/** A checker: what it wants to hear of. It throws a Breach. */
export interface Observer {
  addressChanged?(address: string, host: Host): void;
  /** Hosts that could not reach each other now can, or the other way round. */
  reachChanged?(): void;
  viewInstalled?(agent: AgentProcess, view: View): void;
  /** A message of the view was delivered to the agent, and handled. */
  delivered?(agent: AgentProcess): void;
  /** The operator's programs would be told. */
  hookTold?(agent: AgentProcess, action: HookAction): void;
  /** Something is done to these hosts. */
  disturbed?(hosts: readonly Host[], what: string): void;
  /** Every {@link SAMPLE} ms. */
  sample?(): void;
}

export const SAMPLE: Millis = 50;
/** After the last disturbance; by then it is settled who is alive. */
const QUIET: Millis = 2_000;
const READINGS_MAX = 64;

export class World {
  readonly agenda = new Agenda();
  readonly options: SimulationOptions;
  readonly cluster: Cluster;
  readonly random: Random;
  readonly hosts: readonly Host[];
  /** Members that carry VIPs in different ways wait for each other's. */
  readonly isHybrid: boolean;
  readonly network: Network;
  readonly segment: Segment;
  readonly cloud: Cloud;
  readonly witness: Witness;
  readonly streams: Streams;
  readonly engines = new Map<MemberId, EngineThread>();
  readonly traces: Trace[] = [];
  /** The VIPs of the configuration as it was at first and shall be in the end. */
  readonly vips: readonly Vip[];
  readonly observers: Observer[] = [];
  /** Until when an earlier trouble of the whole cluster may still show. */
  troubledUntil: Instant = 0;
  /** Somebody was told to drain: from then on it is worth looking for. */
  drained = false;
  /** What happened, for a reader; kept only when asked for. */
  readonly timeline: string[] | undefined;

  #stirredAt: Instant = 0;
  /** Messages lately read: what all are told is read once, since all would read the same. */
  readonly #readings = new Map<ArrayBufferLike, Decoded>();

  constructor(
    options: SimulationOptions,
    { timeline, cluster }: { readonly timeline: boolean; readonly cluster?: Cluster | undefined },
  ) {
    this.options = options;
    this.cluster = cluster ?? drawnCluster(options);
    this.random = new Random(options.seed * 7919 + 5);
    this.timeline = timeline ? [] : undefined;
    this.vips = this.cluster.vips;
    this.segment = new Segment(this);
    this.cloud = new Cloud(this);
    this.witness = new Witness(this);
    this.streams = new Streams(this);
    this.network = new Network(
      {
        delay: options.delay,
        oneNic: options.oneNic,
        linkDelay: options.linkDelay,
        probeTimeout: this.cluster.timers.probe_timeout_ms,
      },
      {
        random: this.random,
        now: () => this.now,
        reachChanged: () => {
          for (const observer of this.observers) observer.reachChanged?.();
        },
      },
    );
    this.hosts = this.cluster.names.map(
      (name, index) =>
        new Host(this, {
          index,
          config: this.cluster.configOf(name, this.vips),
          rate: 1 + (2 * this.random.next() - 1) * options.drift,
          cloud: this.cluster.cloudOf?.(index),
        }),
    );
    this.isHybrid = new Set(this.hosts.map(({ isCloud }) => isCloud)).size > 1;
    this.network.populate(this.hosts);
  }

  /** As {@link decodeMessage}. */
  readonly read = (bytes: Uint8Array): Decoded => {
    const known = this.#readings.get(bytes.buffer);
    if (known !== undefined) return known;
    const reading = decodeMessage(bytes);
    if (this.#readings.size >= READINGS_MAX) this.#readings.clear();
    this.#readings.set(bytes.buffer, reading);
    return reading;
  };

  /** Whether agents know about when it is when they start. */
  get hasClocks(): boolean {
    return this.options.seed % 7 !== 3;
  }

  get now(): Instant {
    return this.agenda.now;
  }

  /** Powers the host up if need be, and starts an agent if there is none. */
  start(host: Host): void {
    if (!host.up) host.powerOn();
    if (host.frozen || host.agent) return;
    const agent = new AgentProcess(this, host);
    host.agent = agent;
    host.starts += 1;
    this.note(host, 'an agent starts');
    agent.start();
  }

  runUntil(end: Instant): void {
    const sampling = this.observers.filter((observer) => 'sample' in observer);
    while (this.now < end) {
      this.agenda.runUntil(Math.min(end, this.now + SAMPLE));
      for (const observer of sampling) observer.sample!();
    }
  }

  seekAll(engine: EngineThread): void {
    engine.seek();
    for (const other of this.engines.values()) if (other !== engine) other.seek();
  }

  addressChanged(address: string, host: Host): void {
    for (const observer of this.observers) observer.addressChanged?.(address, host);
  }

  viewInstalled(agent: AgentProcess, view: View): void {
    if (this.timeline)
      this.note(
        agent.host,
        `view ${view.epoch}: ${view.members.map((m) => m.slice(0, -12)).join(' ')} ${view.departed.map((d) => `-${d.member.slice(0, 3)}(${d.how})`).join(' ')}`,
      );
    for (const observer of this.observers) observer.viewInstalled?.(agent, view);
  }

  hookTold(agent: AgentProcess, action: HookAction): void {
    for (const observer of this.observers) observer.hookTold?.(agent, action);
  }

  delivered(agent: AgentProcess): void {
    for (const observer of this.observers) observer.delivered?.(agent);
  }

  /** Time since anything was done to anybody. */
  get quietFor(): Millis {
    return this.now - this.#stirredAt;
  }

  /** Nothing has been done to anybody for a while, and the network is as it should be. */
  get isQuiet(): boolean {
    return this.network.isCalm && (this.options.swift || this.now - this.#stirredAt > QUIET);
  }

  /** An earlier disturbance shows its effect now. */
  touch(hosts: readonly Host[]): void {
    this.#stirredAt = this.now;
    for (const host of hosts) host.disturbedAt = this.now;
  }

  disturb(hosts: readonly Host[], what: string): void {
    this.touch(hosts);
    if (this.timeline) this.note(undefined, `---- ${what}`);
    for (const observer of this.observers) observer.disturbed?.(hosts, what);
  }

  note(host: Host | undefined, text: string): void {
    this.timeline?.push(`${this.now.toFixed(2).padStart(10)} ${(host?.name ?? '').padEnd(4)} ${text}`);
  }
}

/** A cluster of real agents in a lab, with the words that stories about it need: start, serve, rejoin, balance, who holds most. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant, Millis } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { AgentProcess, type Sections } from './agent-process.ts';
import type { LabHost } from './host.ts';
import { Observatory, type ObservatoryOptions } from './observatory.ts';
import { type VipPlan, vipPlans } from './plan.ts';

export interface ClusterOptions {
  readonly hosts: number;
  /** How many VIPs, and how many of them are IPv6; or the VIPs themselves. */
  readonly vips: number | readonly VipPlan[];
  readonly ipv6?: number;
  readonly profile?: 'lan' | 'fast' | 'wan';
  /** Run without a key. */
  readonly insecure?: boolean;
  readonly sections?: Sections;
  /** How often the client asks, and how long it waits; see there for what it does unless told. */
  readonly client?: ObservatoryOptions['client'];
  /** How long {@link Cluster.served}, {@link Cluster.joined} and {@link Cluster.balanced} wait unless told, ms; 15,000 unless given. */
  readonly patience_ms?: Millis;
}

export type Holders = ReadonlyMap<string, readonly string[]>;

export class Cluster {
  readonly observatory: Observatory;
  readonly agents: readonly AgentProcess[];
  readonly #patience: Millis;

  private constructor(observatory: Observatory, options: ClusterOptions) {
    const keyFile = '/run/lab/cluster.key';
    // Not written over: a file keeps its owner.
    rmSync(keyFile, { force: true });
    if (options.insecure !== true)
      writeFileSync(keyFile, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    const settings = {
      hosts: observatory.lab.hosts,
      vips: observatory.vips,
      profile: options.profile ?? 'lan',
      ...(options.insecure === true ? {} : { keyFile }),
      ...(options.sections === undefined ? {} : { sections: options.sections }),
    };
    this.observatory = observatory;
    this.#patience = options.patience_ms ?? 15_000;
    this.agents = observatory.lab.hosts.map((host) => new AgentProcess(host, settings));
  }

  /** Builds lab, observers and configuration; starts no agent. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { hosts, vips } = options;
    const plans = typeof vips === 'number' ? vipPlans(vips, options.ipv6 ?? 0) : vips;
    const cluster = new Cluster(
      await Observatory.open({ hosts, vips: plans, ...(options.client && { client: options.client }) }),
      options,
    );
    for (const agent of cluster.agents) agent.configure();
    return cluster;
  }

  close(): Promise<void> {
    return this.observatory.close();
  }

  get names(): readonly string[] {
    return this.agents.map(({ host }) => host.name);
  }

  agent(name: string): AgentProcess {
    const agent = this.agents.find(({ host }) => host.name === name);
    if (agent === undefined)
      throw new Error(`the cluster has no agent on a host named ${JSON.stringify(name)}`);
    return agent;
  }

  host(name: string): LabHost {
    return this.observatory.lab.host(name);
  }

  /** Everybody but these. */
  others(...names: readonly string[]): readonly string[] {
    return this.names.filter((name) => !names.includes(name));
  }

  startAll(): void {
    for (const agent of this.agents) agent.start();
  }

  /**
   * Waits until every VIP is held by exactly one host of each group, and by no live host outside them. Resolves with the
   * instant of the last address change.
   */
  async served(
    groups: readonly (readonly string[])[] = [this.names],
    within: Millis = this.#patience,
  ): Promise<Instant> {
    const what = `every VIP once in each of: ${groups.map((group) => group.join(' ')).join(' | ')}`;
    try {
      return await this.observatory.until((holders) => servedOnce(holders, groups), { within, what });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.logs()}`);
    }
  }

  /** Waits until each of these agents sees exactly these members, all of them mature and reported. */
  async joined(names: readonly string[] = this.names, within: Millis = this.#patience): Promise<void> {
    const deadline = monotonicNow() + within;
    let seen = '';
    do {
      const statuses = await Promise.all(names.map((name) => this.agent(name).status()));
      seen = statuses
        .map((status) => `[${status?.phase} ${status?.members.map(({ name }) => name).join(' ')}]`)
        .join(' ');
      const complete = statuses.every(
        (status) =>
          status?.phase === 'settled' &&
          sameNames(
            status.members.map(({ name }) => name),
            names,
          ) &&
          status.members.every(({ mature, reported }) => mature && reported),
      );
      if (complete) return;
      await sleep(30);
    } while (monotonicNow() < deadline);
    throw new Error(
      `not within ${within} ms: ${names.join(' ')} see each other; they see ${seen}\n${this.logs()}`,
    );
  }

  /** Asks an agent of these to even out the load, and waits until it differs by one VIP at most. */
  async balanced(names: readonly string[] = this.names, within: Millis = this.#patience): Promise<void> {
    const [first] = names;
    if (first === undefined) return;
    const answer = await this.agent(first).command({ kind: 'rebalance' });
    if (!answer.ok) throw new Error(`rebalance was refused: ${answer.message}`);
    await this.observatory.until((holders) => servedOnce(holders, [names]) && spreadOf(holders, names) <= 1, {
      within,
      what: `even load on ${names.join(' ')}`,
    });
  }

  /** The host that holds most VIPs; the first of them by name. */
  async busiest(among: readonly string[] = this.names): Promise<string> {
    const loads = loadsOf(await this.observatory.holders(), among);
    return [...loads].toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? 'a';
  }

  /** The ends of all agents' logs, for the message of a failure. */
  logs(lines = 12): string {
    return this.agents.map((agent) => `--- log of ${agent.host.name}\n${agent.logTail(lines)}`).join('\n');
  }
}

/** Each address is held by one host of each group and by nobody else. */
export function servedOnce(holders: Holders, groups: readonly (readonly string[])[]): boolean {
  return [...holders.values()].every(
    (hosts) =>
      hosts.length === groups.length &&
      groups.every((group) => hosts.filter((host) => group.includes(host)).length === 1),
  );
}

export function loadsOf(holders: Holders, names: readonly string[]): ReadonlyMap<string, number> {
  const all = [...holders.values()].flat();
  return new Map(names.map((name) => [name, all.filter((holder) => holder === name).length]));
}

function spreadOf(holders: Holders, names: readonly string[]): number {
  const loads = [...loadsOf(holders, names).values()];
  return Math.max(...loads) - Math.min(...loads);
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

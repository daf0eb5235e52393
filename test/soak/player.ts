/** Plays episodes of faults on a cluster and keeps what happened. Judges nothing but that agents live and that all comes to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, servedOnce } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Bounds } from './bounds.ts';
import { guardiansOf, samplesOf } from './processes.ts';
import { Random } from './random.ts';
import {
  describe,
  type Episode,
  FAULTS,
  type FaultKind,
  nextEpisode,
  type PlannedFault,
} from './schedule.ts';
import { type Mend, strike } from './strikes.ts';
import type { Complaint, Sample, Strike, Timeline } from './timeline.ts';

export interface PlayerSettings {
  readonly seed: number;
  readonly minutes: number;
  readonly bounds: Bounds;
  readonly kinds: readonly FaultKind[];
  /** Told as it happens. */
  readonly tell: (line: string) => void;
}

const POLL_MS = 400;
const WATCH_MS = 500;
/** After so many things that went wrong there is nothing more to learn. */
const COMPLAINTS_MAX = 3;

export class Player {
  readonly #cluster: Cluster;
  readonly #settings: PlayerSettings;
  readonly #random: Random;
  readonly #expected = new Set<string>();
  readonly #strikes: Strike[] = [];
  readonly #events: number[] = [];
  readonly #merges: { from: number; to: number }[] = [];
  readonly #samples: Sample[] = [];
  readonly #complaints: Complaint[] = [];
  /** Places of the faults that are not mended. */
  readonly #open = new Set<PlannedFault>();
  #began = 0;

  constructor(cluster: Cluster, settings: PlayerSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#random = new Random(settings.seed);
  }

  /** Monotonic instant at which the timeline begins. */
  get began(): number {
    return this.#began;
  }

  async play(): Promise<Timeline> {
    const { minutes, kinds } = this.#settings;
    const { names } = this.#cluster;
    this.#cluster.startAll();
    for (const name of names) this.#expected.add(name);
    this.#began = monotonicNow();
    await this.#calm();
    if (this.#complaints.length > 0)
      throw new Error(`the cluster did not even start\n${this.#cluster.logs()}`);
    this.#began = monotonicNow();
    const watch = setInterval(() => this.#watchAgents(), WATCH_MS);
    const options = { hosts: names, spared: names[0]! };
    while (this.#now < minutes * 60_000 && this.#going) {
      await this.#episode(nextEpisode(this.#random, options, kinds));
    }
    clearInterval(watch);
    const timeline = await this.#timeline();
    await this.#end();
    return { ...timeline, complaints: this.#complaints };
  }

  get #going(): boolean {
    return this.#complaints.length < COMPLAINTS_MAX;
  }

  get #now(): number {
    return monotonicNow() - this.#began;
  }

  async #episode({ faults, peace }: Episode): Promise<void> {
    await Promise.all(
      faults.map((fault) => this.#fault(fault).catch((error) => this.#undoable(fault, error))),
    );
    await sleep(peace);
    await this.#calm();
    for (const agent of this.#cluster.agents) this.#samples.push(...samplesOf(agent, this.#now));
  }

  async #fault(fault: PlannedFault): Promise<void> {
    await sleep(fault.after);
    const { kind, hosts } = fault;
    const what = describe(fault);
    const mark: Strike = { number: this.#strikes.length + 1, kind, hosts, at: this.#now, what };
    this.#strikes.push(mark);
    this.#events.push(mark.at);
    this.#settings.tell(`${minutesOf(mark.at)} ${what}`);
    this.#open.add(fault);
    const mend = await this.#act(fault);
    if (mend !== undefined) {
      await sleep(fault.length);
      // Connections are back while the mending is still under way.
      const begun = this.#now;
      await mend();
      mark.mendedAt = this.#now;
      this.#events.push(begun, mark.mendedAt);
      this.#noteMerge(mark, begun);
      this.#settings.tell(`${minutesOf(mark.mendedAt)}   mended: ${what}`);
    }
    this.#open.delete(fault);
  }

  /** A fault that cannot be done, or mended, is a finding and not the end of the soak. */
  #undoable(fault: PlannedFault, error: unknown): void {
    this.#open.delete(fault);
    const reason = error instanceof Error ? error.message : String(error);
    this.#complain('calm', `${describe(fault)}: ${reason}`);
  }

  #act(fault: PlannedFault): Promise<Mend> {
    const [spared] = this.#cluster.names;
    const seed = Math.floor(this.#random.next() * 2 ** 31);
    const { tell } = this.#settings;
    return strike({ cluster: this.#cluster, spared: spared!, expected: this.#expected, seed, tell }, fault);
  }

  /** Where no agent runs that could let go, the kernel's lease has to end first. */
  #noteMerge({ kind, at, mendedAt }: Strike, begun: number): void {
    const { place } = FAULTS[kind];
    if (mendedAt === undefined || (place !== 'cable' && place !== 'fabric')) return;
    const crippled = [...this.#open].some((fault) => FAULTS[fault.kind].place === 'process');
    const to = mendedAt + (crippled ? this.#settings.bounds.lease : 0);
    this.#merges.push({ from: kind === 'one-way loss' ? at : begun, to });
  }

  #watchAgents(): void {
    for (const name of this.#expected) {
      const agent = this.#cluster.agent(name);
      if (agent.running || !this.#going) continue;
      this.#complain('alive', `the agent on ${name} ended by itself; its last words:\n${agent.logTail(5)}`);
      if (this.#going) agent.start();
    }
  }

  /** Until all agents agree, everything is served once and everybody has a guardian. */
  async #calm(): Promise<void> {
    const { calm } = this.#settings.bounds;
    const deadline = monotonicNow() + calm;
    for (;;) {
      const unrest = await this.#unrest();
      if (unrest === undefined) return;
      if (monotonicNow() > deadline)
        return this.#complain('calm', `not at rest ${calm} ms after all was mended: ${unrest}`);
      await sleep(POLL_MS);
    }
  }

  async #unrest(): Promise<string | undefined> {
    const { names, agents, observatory } = this.#cluster;
    const statuses = await Promise.all(agents.map((agent) => agent.status()));
    for (const [index, status] of statuses.entries()) {
      const seen = status?.members.filter(
        ({ mature, reported, draining }) => mature && reported && !draining,
      );
      if (status?.phase !== 'settled' || seen?.length !== names.length)
        return `${names[index]} is ${status?.phase ?? 'silent'} and sees ${seen?.map(({ name }) => name).join(' ')}`;
      if (guardiansOf(agents[index]!).length !== 1)
        return `${names[index]} has ${guardiansOf(agents[index]!).length} guardians`;
    }
    const holders = await observatory.holders();
    if (servedOnce(holders, [names])) return undefined;
    const wrong = [...holders]
      .filter(([, hosts]) => hosts.length !== 1)
      .map(([address, hosts]) => `${address} on ${hosts.join(' and ') || 'no host'}`);
    return wrong.join(', ');
  }

  #complain(rule: Complaint['rule'], what: string): void {
    this.#settings.tell(`${minutesOf(this.#now)} WRONG: ${what}`);
    this.#complaints.push({ at: this.#now, rule, what });
  }

  /** All stop politely; nothing is left on any host. */
  async #end(): Promise<void> {
    const { agents, observatory } = this.#cluster;
    this.#expected.clear();
    const exits = await Promise.all(agents.map((agent) => (agent.running ? agent.stop() : agent.exited())));
    for (const [index, { code, signal }] of exits.entries())
      if (code !== 0)
        this.#complain('leftovers', `the agent on ${agents[index]!.host.name} ended with ${code ?? signal}`);
    const deadline = monotonicNow() + 5000;
    while (agents.some(({ host }) => host.processes().length > 0) && monotonicNow() < deadline)
      await sleep(100);
    for (const { host } of agents)
      if (host.processes().length > 0)
        this.#complain('leftovers', `processes ${host.processes().join(', ')} are left on ${host.name}`);
    for (const [address, hosts] of await observatory.holders())
      if (hosts.length > 0) this.#complain('leftovers', `${address} is left on ${hosts.join(' and ')}`);
  }

  async #timeline(): Promise<Timeline> {
    const { observatory, names } = this.#cluster;
    const until = monotonicNow();
    const since = (at: number) => at - this.#began;
    const custody = await observatory.custody(until);
    const outages = await observatory.client.outages({ from: this.#began, to: until });
    const span = ({ from, to }: { from: number; to: number }) => ({ from: since(from), to: since(to) });
    return {
      length: since(until),
      hosts: names,
      vips: observatory.vips.map(({ id, address }) => ({ id, address })),
      strikes: this.#strikes,
      events: this.#events,
      merges: this.#merges,
      holds: custody.holds
        .filter(({ to }) => to === undefined || to > this.#began)
        .map(({ address, host, from, to }) => ({
          address,
          host,
          ...span({ from: Math.max(from, this.#began), to: to ?? until }),
        })),
      duplicates: custody.duplicates
        .filter(({ to }) => to > this.#began)
        .map(({ address, hosts, from, to }) => ({ address, hosts, ...span({ from, to }) })),
      outages: outages.map(({ address, from, to }) => ({ address, ...span({ from, to }) })),
      stalls: observatory.client.stalls
        .filter(({ at }) => at > this.#began)
        .map(({ at, length }) => span({ from: at, to: at + length })),
      samples: this.#samples,
      complaints: this.#complaints,
    };
  }
}

export function minutesOf(at: number): string {
  const seconds = at / 1000;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;
}

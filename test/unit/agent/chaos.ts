/** Everything that can go wrong, in an order a seed decides, and a judge who watches every instant. */
import { type MemberId, nameOf } from '../../../src/model/member.ts';
import type { Departure } from '../../../src/model/view.ts';
import { config, vips } from './config.ts';
import { type Host, random, World } from './world.ts';

/** How long after two parts can reach each other both may still hold a VIP: the group must merge, then one lets go. */
const MERGE_GRACE = 400;

export class Chaos {
  readonly world: World;
  readonly vipIds: readonly string[];
  readonly log: string[] = [];
  readonly #random: () => number;
  readonly #segment = new Map<string, number>();
  readonly #gone = new Map<MemberId, Departure>();
  /** Since when two hosts can reach each other again. */
  #graceUntil = 0;
  #number = 0;

  constructor(seed: number) {
    this.#random = random(seed * 7919 + 1);
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, 2 + this.#pick(5));
    const list = vips(1 + this.#pick(12), { policy: this.#chance(0.25) ? 'primary' : 'component' }).map(
      (v, i) => (i % 4 === 3 ? { ...v, prefer: [hosts[0] as string] } : v),
    );
    this.vipIds = list.map((v) => v.id);
    const configOf = (member: string) => config({ member, members: hosts, vips: list });
    this.world = new World({ seed, hosts, configOf, linkScope: this.#chance(0.75) });
    for (const name of hosts) this.#segment.set(name, 0);
    this.world.connected = (x, y) => this.#segment.get(x.name) === this.#segment.get(y.name);
    this.world.departed = (host, how) => {
      this.#gone.set(host.id, how);
      this.#reform(this.#segment.get(host.name) ?? 0);
    };
    this.world.joined = (host) => this.#reform(this.#segment.get(host.name) ?? 0);
    this.world.check = () => this.#neverTwo();
    this.#reform(0);
  }

  /** Runs faults, then peace; throws on a breach of promise 1 at any instant or of promise 2 at the end. */
  run(faults: number): void {
    for (let i = 0; i < faults; i++) {
      this.#fault();
      this.world.run(this.#chance(0.4) ? this.#random() * 8 : this.#random() * 1500);
    }
    this.#peace();
    this.world.run(40_000);
    this.#alwaysOne();
  }

  #pick(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #chance(p: number): boolean {
    return this.#random() < p;
  }

  #alive(): Host[] {
    return [...this.world.hosts.values()].filter((h) => h.alive && !h.stopped);
  }

  #fault(): void {
    const alive = this.#alive();
    const host = alive[this.#pick(alive.length)];
    const all = [...this.world.hosts.values()];
    const any = all[this.#pick(all.length)] as Host;
    const kinds = [
      () => host && this.#kill(host),
      () => host && this.#powerLoss(host),
      () => !any.alive && any.up.size === 0 && this.#boot(any.name),
      () => this.#partition(),
      () => this.#heal(),
      () =>
        host && this.#tell('stop', host, () => this.world.give(host, { kind: 'stop', reason: 'SIGTERM' })),
      () =>
        host && this.#tell('stall', host, () => this.world.give(host, { kind: 'stalled', lateness: 1500 })),
      () => host && this.#tell('detach', host, () => this.#detach(host)),
      () => host && this.#tell('lost', host, () => this.#lose(host)),
      () => host && this.#tell('failing', host, () => host.failing.set(this.#anyVip(), 1 + this.#pick(3))),
      () => host && this.#tell('fitness', host, () => this.#fitness(host, this.#chance(0.5))),
      () => host && this.#tell('operator', host, () => this.#operator(host)),
    ];
    kinds[this.#pick(kinds.length)]?.();
  }

  #tell(what: string, host: Host, act: () => void): void {
    this.log.push(`${this.world.now.toFixed(1)} ${what} ${host.name}`);
    act();
  }

  #kill(host: Host): void {
    this.#tell('kill', host, () => this.world.kill(host.name));
  }

  #powerLoss(host: Host): void {
    this.#tell('power loss', host, () => {
      host.alive = false;
      host.up.clear();
      this.#gone.set(host.id, 'host');
      const segment = this.#segment.get(host.name) ?? 0;
      this.world.at(this.world.now + 40 * this.#random(), () => this.#reform(segment));
    });
  }

  #boot(name: string): void {
    this.log.push(`${this.world.now.toFixed(1)} boot ${name}`);
    const host = this.world.boot(name);
    this.world.at(this.world.now + 20 * this.#random(), () => this.world.joined(host));
  }

  #partition(): void {
    for (const name of this.world.hosts.keys()) this.#segment.set(name, this.#pick(3));
    this.log.push(`${this.world.now.toFixed(1)} partition ${JSON.stringify([...this.#segment])}`);
    // A partition may also join what was apart before.
    this.#graceUntil = this.world.now + MERGE_GRACE;
    for (const segment of [0, 1, 2])
      this.world.at(this.world.now + 100 * this.#random(), () => this.#reform(segment));
  }

  #heal(): void {
    this.log.push(`${this.world.now.toFixed(1)} heal`);
    for (const name of this.world.hosts.keys()) this.#segment.set(name, 0);
    this.#graceUntil = this.world.now + MERGE_GRACE;
    this.world.at(this.world.now + 100 * this.#random(), () => this.#reform(0));
  }

  /** The group notices: the living of one segment become one component. */
  #reform(segment: number): void {
    const members = [...this.world.hosts.values()]
      .filter((h) => h.alive && !h.detached && this.#segment.get(h.name) === segment)
      .map((h) => h.id);
    this.world.form(members, (member) => this.#gone.get(member) ?? this.#stillReachable(member, segment));
  }

  /** A member left out though it lives: cut off (host silent), or excluded as a process. */
  #stillReachable(member: MemberId, segment: number): Departure {
    return this.#segment.get(nameOf(member)) === segment ? 'process' : 'host';
  }

  #detach(host: Host): void {
    host.detached = true;
    this.world.give(host, { kind: 'group', event: { kind: 'detached', reason: 'chaos' } });
    this.world.departed(host, 'process');
  }

  #lose(host: Host): void {
    const [id] = host.up;
    if (id === undefined) return;
    host.up.delete(id);
    this.world.give(host, {
      kind: 'provider',
      provider: 'memory',
      event: { kind: 'lost', vip: id, reason: 'chaos' },
    });
  }

  #fitness(host: Host, fit: boolean): void {
    for (const vip of this.vipIds) {
      if (this.#chance(0.5)) this.#setFitness(host, vip, fit);
    }
  }

  #setFitness(host: Host, vip: string, fit: boolean): void {
    this.world.give(host, {
      kind: 'provider',
      provider: 'memory',
      event: { kind: 'fitness', vip, fit, reason: 'chaos' },
    });
  }

  #anyVip(): string {
    return this.vipIds[this.#pick(this.vipIds.length)] as string;
  }

  #operator(host: Host): void {
    this.#number += 1;
    const names = [...this.world.hosts.keys()];
    const name = names[this.#pick(names.length)] as string;
    const commands = [
      { kind: 'drain', member: name },
      { kind: 'undrain', member: name },
      { kind: 'move', vip: this.#anyVip(), to: name },
      { kind: 'rebalance' },
    ] as const;
    const command = commands[this.#pick(commands.length)] ?? { kind: 'rebalance' };
    this.world.give(host, { kind: 'command', number: this.#number, command });
  }

  #peace(): void {
    this.#heal();
    for (const host of this.world.hosts.values()) {
      host.failing.clear();
      if (!host.alive || host.stopped) this.world.at(this.world.now + 8000, () => this.#bootAgain(host.name));
      else for (const vip of this.vipIds) this.#setFitness(host, vip, true);
    }
    this.world.at(this.world.now + 10_000, () => {
      for (const name of this.world.hosts.keys()) {
        this.#number += 1;
        const [first] = this.#alive();
        if (first)
          this.world.give(first, {
            kind: 'command',
            number: this.#number,
            command: { kind: 'undrain', member: name },
          });
      }
    });
  }

  #bootAgain(name: string): void {
    const host = this.world.host(name);
    host.up.clear();
    if (!host.alive) this.#boot(name);
  }

  #neverTwo(): void {
    for (const vip of this.vipIds) {
      const holders = this.world.holders(vip);
      if (holders.length < 2 || this.world.now < this.#graceUntil) continue;
      const pair = holders.flatMap((x) =>
        holders.filter((y) => y !== x && this.world.connected(x, y)).map((y) => [x, y]),
      );
      if (pair.length > 0) this.#fail(`${vip} is held by ${holders.map((h) => h.name).join(' and ')}`);
    }
  }

  #alwaysOne(): void {
    for (const vip of this.vipIds) {
      if (this.world.holders(vip).length !== 1)
        this.#fail(`${vip} has ${this.world.holders(vip).length} holders in the end`);
    }
    const views = new Set(
      this.#alive().map((h) => JSON.stringify(h.agent.status(0, 0).vips.map((v) => v.holder))),
    );
    if (views.size !== 1) this.#fail(`members disagree: ${[...views].join(' / ')}`);
  }

  #fail(what: string): never {
    throw new Error(`${what} at ${this.world.now.toFixed(1)} ms\n${this.log.slice(-25).join('\n')}`);
  }
}

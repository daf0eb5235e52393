/**
 * A small cluster of the simulator that a scene directs: its own VIPs, zones, clouds and slots, and what happens in which order.
 * The checkers that hold always look on; what a scene expects besides, it says itself.
 */
import type { Config } from '../../../../src/config/config.ts';
import type { GroupEvent } from '../../../../src/group/group.ts';
import type { OperatorCommand } from '../../../../src/model/operator.ts';
import type { Instant, Millis } from '../../../../src/model/time.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import { Breach } from '../../../../src/simulation/breach.ts';
import { EqualTables } from '../../../../src/simulation/checks/equal-tables.ts';
import { NeverTwo } from '../../../../src/simulation/checks/never-two.ts';
import { Orphans } from '../../../../src/simulation/checks/orphans.ts';
import { Placed } from '../../../../src/simulation/checks/placed.ts';
import { drawnCluster } from '../../../../src/simulation/cluster.ts';
import { drawOptions, type Wishes } from '../../../../src/simulation/options.ts';
import type { Host } from '../../../../src/simulation/world/host.ts';
import { World } from '../../../../src/simulation/world/world.ts';

export interface StageSettings {
  readonly seed: number;
  readonly wishes: Wishes & { readonly members: number };
  readonly vips: readonly (Pick<Vip, 'id'> & Partial<Vip>)[];
  /** Of the host at this place. */
  readonly placeOf?: (index: number) => Pick<Config, 'zone' | 'tags'>;
  /** Absent: all hosts are on metal. */
  readonly cloudOf?: (index: number) => { readonly slots: number | undefined };
  /** Absent: as drawn. */
  readonly quorum?: Config['quorum'];
}

export class Stage {
  readonly world: World;
  readonly hosts: readonly Host[];

  constructor({ seed, wishes, vips, placeOf, cloudOf, quorum }: StageSettings) {
    const drawn = drawOptions(seed, {
      clouds: 'none',
      witness: false,
      placed: false,
      profile: 'lan',
      ...wishes,
    });
    // Everybody is of this release, and no check fails: a scene has only what it says.
    const options = { ...drawn, newer: 0, older: 0, vips: vips.length };
    const whole = drawnCluster(options);
    const policy = wishes.policy === 'component' ? 'component' : 'primary';
    const names = whole.names;
    this.world = new World(options, {
      timeline: true,
      cluster: {
        names,
        vips: vips.map((vip, index) => ({ ...plainVip(index, policy), ...vip })),
        timers: whole.timers,
        ...(cloudOf && { cloudOf }),
        configOf: (member, own) => ({
          ...whole.configOf(member, own),
          ...placeOf?.(names.indexOf(member)),
          ...(quorum && { quorum }),
          balance: { enabled: false, interval_ms: 2_000, moves_per_round_max: 10, hold_down_ms: 3_000 },
          checks: [],
        }),
      },
    });
    this.hosts = this.world.hosts;
    const { world } = this;
    world.observers.push(new NeverTwo(world), new EqualTables(world), new Orphans(world), new Placed());
  }

  /** All hosts at once, and time enough to serve. */
  boot(): void {
    for (const host of this.hosts)
      this.world.agenda.at(this.world.random.next() * 10, () => this.world.start(host));
    this.pass(12_000);
  }

  pass(time: Millis): void {
    this.world.runUntil(this.world.now + time);
  }

  /** As often as it takes, to this bound; what is not so then breaks the rule. */
  expect(rule: string, bound: Millis, wrong: () => string | undefined): void {
    const end: Instant = this.world.now + bound;
    while (wrong() !== undefined && this.world.now < end) this.pass(50);
    this.hold(rule, wrong());
  }

  hold(rule: string, wrong: string | undefined): void {
    if (wrong !== undefined) throw new Breach(rule, wrong);
  }

  command(host: Host, command: OperatorCommand): void {
    this.world.disturb(this.hosts, `${command.kind}`);
    host.agent?.command(command);
  }

  /** As if the engine of the host's group had said it. */
  say(host: Host, event: GroupEvent): void {
    const { agent } = host;
    if (agent?.group) agent.groupEvent(agent.group, event, 0);
  }

  /** Between these and all others. */
  cutOff(hosts: readonly Host[], cut = true): void {
    this.world.disturb(this.hosts, cut ? 'cut' : 'healed');
    for (const inside of hosts)
      for (const outside of this.hosts) {
        if (hosts.includes(outside)) continue;
        this.world.network.cut(inside, outside, cut);
        this.world.network.cut(outside, inside, cut);
      }
    this.world.network.changed();
  }

  /** Who has the VIP up, by name. */
  holdersOf(id: string): string[] {
    const vip = this.world.vips.find((one) => one.id === id)!;
    return this.world.segment.holders(vip.addresses[0]!.address).map(({ name }) => name);
  }

  /** What is not up exactly once; undefined: all is. */
  unserved(): string | undefined {
    const wrong = this.world.vips.filter(({ id }) => this.holdersOf(id).length !== 1);
    return wrong.length === 0
      ? undefined
      : `not up once: ${wrong.map(({ id }) => `${id} [${this.holdersOf(id)}]`)}`;
  }

  /** What was noted since the beginning that contains this. */
  noted(text: string): string | undefined {
    return this.world.timeline?.find((line) => line.includes(text));
  }
}

function plainVip(index: number, policy: Vip['policy']): Omit<Vip, 'id'> {
  return {
    addresses: [{ family: 4, address: `10.1.0.${index + 1}`, prefixLength: 32 }],
    prefer: [],
    weight: 1,
    policy,
    providers: ['cloud', 'local'],
  };
}

/**
 * The lab: hosts as network namespaces on one switch (bridges in the world's own namespace) and a client on the same link.
 * It breaks and mends what an operator fears, and keeps the history of what it did for the custody ledger.
 */

import { rmSync, writeFileSync } from 'node:fs';
import type { Instant } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { insideNetworkNamespace } from '../platform/libc.ts';
import { LabHost, type Switchboard } from './host.ts';
import { ip, ipForce, nft } from './iproute.ts';
import {
  CLIENT_IPV4,
  CLIENT_IPV6,
  CLIENT_MAC,
  type HostPlan,
  hostPlans,
  PREFIX_IPV4,
  PREFIX_IPV6,
} from './plan.ts';
import { componentsOf, type HostConnection, type Topology } from './topology.ts';
import { assertInsideWorld } from './world.ts';

export const CLIENT_NETNS = 'client';

export interface LabOptions {
  /** How many hosts, 1 to 26. */
  readonly hosts: number;
}

/** One direction of the link between two hosts, in which frames are lost. */
export interface OneWay {
  readonly from: string;
  readonly to: string;
}

export class Lab {
  readonly hosts: readonly LabHost[];
  readonly #connections = new Map<string, HostConnection>();
  readonly #history: Topology[] = [];
  #losses: readonly OneWay[] = [];
  readonly #secondCables = new Set<string>();
  /** Bridges made so far. */
  #segments = 1;

  private constructor(plans: readonly HostPlan[]) {
    const switchboard: Switchboard = {
      plug: (host) => this.#plug(host),
      unplug: (host) => this.#unplug(host),
      isolate: (host) => this.#isolate(host),
      power: (host, on) => this.#power(host, on),
    };
    this.hosts = plans.map((plan) => new LabHost(plan, switchboard));
    for (const { name } of plans) this.#connections.set(name, { powered: true, plugged: true, segment: 0 });
  }

  /** Builds the whole network; takes some 20 ms and 10 ms a host. Only inside a world ({@link enterWorld}). */
  static async create(options: LabOptions): Promise<Lab> {
    assertInsideWorld();
    const plans = hostPlans(options.hosts);
    await ip(switchLines(plans));
    await Promise.all([
      ...plans.map((plan) => ip(hostLines(plan), plan.name)),
      ip(clientLines(), CLIENT_NETNS),
    ]);
    const lab = new Lab(plans);
    lab.#record('all hosts are on and connected');
    return lab;
  }

  /** Kills everything on the hosts and removes the network; the world is as before. */
  async dispose(): Promise<void> {
    for (const host of this.hosts) host.killAll();
    if (this.#losses.length > 0) await nft('delete table bridge lab\n');
    await ipForce([...this.#secondCables].map((host) => `link del q-${host}`));
    const names = [...this.hosts.map(({ name }) => name), CLIENT_NETNS];
    // A namespace may outlive its name while a process in it dies: its port is removed first, by itself.
    await ip([
      ...names.flatMap((name) => [`link del p-${name}`, `netns del ${name}`]),
      ...Array.from({ length: this.#segments }, (_, segment) => `link del sw${segment}`),
    ]);
    for (const { folder } of this.hosts) rmSync(folder, { recursive: true, force: true });
  }

  host(name: string): LabHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`the lab has no host ${JSON.stringify(name)}`);
    return host;
  }

  /** What the network was like since when. */
  get history(): readonly Topology[] {
    return this.#history;
  }

  /**
   * Splits the switch: hosts of one group stay connected with each other. The client stays with the first group.
   * Every carrier stays up. Hosts not named go to the first group.
   */
  async partition(groups: readonly (readonly string[])[]): Promise<Instant> {
    const lines: string[] = [];
    for (; this.#segments < groups.length; this.#segments += 1) lines.push(...bridgeLines(this.#segments));
    const before = monotonicNow();
    for (const { name } of this.hosts) {
      const segment = Math.max(
        0,
        groups.findIndex((group) => group.includes(name)),
      );
      this.#connection(name).segment = segment;
      lines.push(`link set p-${name} master sw${segment}`);
    }
    this.#record(`split: ${groups.map((group) => group.join(' ')).join(' | ')}`, before);
    await ip(lines);
    return before;
  }

  /** Joins all groups again, and ends every isolation and one-way loss. */
  async heal(): Promise<Instant> {
    if (this.#losses.length > 0) await nft('delete table bridge lab\n');
    this.#losses = [];
    await ip(this.hosts.map(({ name }) => `link set p-${name} master sw0`));
    for (const connection of this.#connections.values()) connection.segment = 0;
    return this.#record('healed');
  }

  /** Loses every frame in the given directions from now on, ARP included. Needs nftables. */
  async loseOneWay(losses: readonly OneWay[]): Promise<Instant> {
    const rules = losses.map(({ from, to }) => `iifname "p-${from}" oifname "p-${to}" drop`);
    const flush = this.#losses.length > 0 ? 'delete table bridge lab\n' : '';
    this.#losses = losses;
    const at = this.#record(`one-way loss: ${losses.map(({ from, to }) => `${from} to ${to}`).join(', ')}`);
    await nft(
      `${flush}table bridge lab {\n chain forward { type filter hook forward priority 0;\n${rules.join('\n')}\n}\n}\n`,
    );
    return at;
  }

  /**
   * A second cable from the host to the same switch, interface `eth1`, without addresses; its port is `q-<host>`. The host then
   * answers for an address on that interface alone which has it, as hosts with two interfaces on one link must be set up.
   */
  async addSecondCable(host: string): Promise<void> {
    const { netns } = this.host(host);
    this.#secondCables.add(host);
    await ip([
      `link add q-${host} type veth peer name eth1 netns ${host}`,
      `link set q-${host} addrgenmode none master sw0 up`,
    ]);
    await ip(['link set eth1 addrgenmode none up'], host);
    insideNetworkNamespace(netns, () => writeFileSync('/proc/sys/net/ipv4/conf/all/arp_ignore', '1'));
  }

  async #plug(host: string): Promise<void> {
    const connection = this.#connection(host);
    connection.segment ??= 0;
    connection.plugged = true;
    await ip([`link set p-${host} up master sw${connection.segment}`]);
    this.#record(`${host}: cable plugged`);
  }

  async #unplug(host: string): Promise<void> {
    this.#connection(host).plugged = false;
    this.#record(`${host}: cable pulled`);
    await ip([`link set p-${host} down`]);
  }

  async #isolate(host: string): Promise<void> {
    this.#connection(host).segment = undefined;
    this.#record(`${host}: port isolated`);
    await ip([`link set p-${host} nomaster`]);
  }

  async #power(host: string, on: boolean): Promise<void> {
    const connection = this.#connection(host);
    if (!on) {
      connection.powered = false;
      this.#record(`${host}: power lost`);
      await ip([`link set p-${host} down`]);
      return;
    }
    await this.#reboot(host);
    connection.powered = true;
    if (connection.plugged) await ip([`link set p-${host} up`]);
    this.#record(`${host}: power back`);
  }

  /** A host that boots remembers no address and no neighbour. */
  async #reboot(host: string): Promise<void> {
    const { plan } = this.host(host);
    await ip(['addr flush dev eth0', 'neigh flush dev eth0', ...addressLines(plan)], host);
  }

  #connection(host: string): HostConnection {
    const connection = this.#connections.get(host);
    if (connection === undefined) throw new Error(`the lab has no host ${JSON.stringify(host)}`);
    return connection;
  }

  #record(what: string, at: Instant = monotonicNow()): Instant {
    this.#history.push({
      at,
      what,
      components: componentsOf(this.#connections),
      oneWay: this.#losses.length > 0,
    });
    return at;
  }
}

/** Without spanning tree and snooping: a port forwards from the moment it is up, as a simple switch does. */
function bridgeLines(segment: number): readonly string[] {
  return [
    `link add sw${segment} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set sw${segment} addrgenmode none up`,
  ];
}

function switchLines(plans: readonly HostPlan[]): readonly string[] {
  const ports = [...plans, { name: CLIENT_NETNS, mac: CLIENT_MAC }];
  return [
    ...bridgeLines(0),
    ...ports.flatMap(({ name, mac }) => [
      `netns add ${name}`,
      `link add p-${name} type veth peer name eth0 address ${mac} netns ${name}`,
      `link set p-${name} addrgenmode none master sw0 up`,
    ]),
  ];
}

function hostLines(plan: HostPlan): readonly string[] {
  return ['link set lo up', 'link set eth0 addrgenmode none up', ...addressLines(plan)];
}

function addressLines({ ipv4, ipv6 }: { ipv4: string; ipv6: string }): readonly string[] {
  return [`addr add ${ipv4}/${PREFIX_IPV4} dev eth0`, `addr add ${ipv6}/${PREFIX_IPV6} dev eth0 nodad`];
}

function clientLines(): readonly string[] {
  return [
    'link set lo up',
    'link set eth0 addrgenmode none up',
    ...addressLines({ ipv4: CLIENT_IPV4, ipv6: CLIENT_IPV6 }),
  ];
}

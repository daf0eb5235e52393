/** A few hosts (network namespaces on a bridge) with one group member each, as processes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nameOf } from '../../src/model/member.ts';
import type { View } from '../../src/model/view.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, openFrameReceiver } from '../../src/platform/packet-socket.ts';

const PATIENCE_MS = 20_000;
const MEMBER = new URL('./group-member.ts', import.meta.url).pathname;
let worlds = 0;

export interface MemberEvent {
  readonly at: number;
  readonly kind: string;
  readonly [field: string]: unknown;
}

export interface MemberStart {
  readonly name: string;
  readonly profile?: 'lan' | 'fast' | 'wan';
  /** Names of hosts listed as static peers; all unless given. */
  readonly peers?: readonly string[];
  readonly family?: 4 | 6;
  readonly multicast?: { readonly group: string; readonly port: number; readonly interface?: string };
  /** Run through this command, for instance one that drops rights. */
  readonly through?: readonly string[];
}

export class GroupWorld {
  readonly names: readonly string[];
  readonly #bridge: string;
  readonly #prefix: string;
  readonly #members: KernelMember[] = [];

  constructor(names: readonly string[]) {
    worlds += 1;
    this.names = names;
    this.#prefix = `g${process.pid}w${worlds}`;
    this.#bridge = `gb${worlds}`;
    this.#batch([
      `link add ${this.#bridge} type bridge`,
      `link set ${this.#bridge} up`,
      ...names.flatMap((name) => [
        `netns add ${this.#namespace(name)}`,
        `link add ${this.port(name)} type veth peer name eth0 netns ${this.#namespace(name)}`,
        `link set ${this.port(name)} master ${this.#bridge} up`,
      ]),
    ]);
    for (const name of names) {
      const within = ['-n', this.#namespace(name)];
      this.#batch(
        [
          `addr add ${this.address(name)}/24 dev eth0`,
          `addr add ${this.address(name, 6)}/64 dev eth0 nodad`,
          'link set lo up',
          'link set eth0 up',
        ],
        within,
      );
    }
  }

  address(name: string, family: 4 | 6 = 4): string {
    const number = this.names.indexOf(name) + 1;
    return family === 4 ? `10.78.${worlds}.${number}` : `fd78:${worlds}::${number}`;
  }

  /** The host's end at the bridge. */
  port(name: string): string {
    return `gp${worlds}${name}`;
  }

  async start(start: MemberStart): Promise<KernelMember> {
    const { name, profile = 'lan', peers = this.names, family = 4, multicast, through = [] } = start;
    const given = {
      member: name,
      profile,
      group: {
        listen: { host: this.address(name, family), port: 4803 },
        peers: peers.map((peer) => ({
          name: peer,
          addresses: [{ host: this.address(peer, family), port: 4803 }],
        })),
        ...(multicast === undefined ? {} : { multicast }),
      },
    };
    const command = ['netns', 'exec', this.#namespace(name), ...through, process.execPath, MEMBER];
    const member = new KernelMember(spawn('ip', [...command, JSON.stringify(given)]), name);
    this.#members.push(member);
    await member.event(({ kind }) => kind === 'joined' || kind === 'refused');
    return member;
  }

  pullCable(name: string): void {
    this.#batch([`link set ${this.port(name)} down`]);
  }

  plugCable(name: string): void {
    this.#batch([`link set ${this.port(name)} up`]);
  }

  /** The bridge forwards nothing to or from this host; its carrier stays. */
  isolate(name: string): void {
    this.#batch([`link set ${this.port(name)} nomaster`]);
  }

  join(name: string): void {
    this.#batch([`link set ${this.port(name)} master ${this.#bridge}`]);
  }

  /** What the host sends to the others is lost, answers of its kernel included; what is sent to it arrives. */
  mute(name: string): void {
    this.#routes(name, 'add');
  }

  unmute(name: string): void {
    this.#routes(name, 'del');
  }

  #routes(name: string, verb: 'add' | 'del'): void {
    const others = this.names.filter((other) => other !== name);
    this.#batch(
      others.map((other) => `route ${verb} blackhole ${this.address(other)}/32`),
      ['-n', this.#namespace(name)],
    );
  }

  /** How often an isolated host asks its link, by ARP or neighbour solicitation, where somebody is; counted at its port. */
  async questionsFrom(name: string, family: 4 | 6, length: number): Promise<number> {
    const requests = openRouteRequests();
    const port = requests.links().find((link) => link.name === this.port(name));
    requests.close();
    const ethertype = family === 4 ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
    const receiver = openFrameReceiver({ interfaceIndex: port?.index ?? 0, ethertype });
    await new Promise((resolve) => setTimeout(resolve, length));
    let count = 0;
    for (let frame = receiver.next(); frame !== undefined; frame = receiver.next())
      if (asksForAddress(frame, family)) count += 1;
    receiver.close();
    return count;
  }

  /** Runs a command inside a host. */
  inside(name: string, ...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.#namespace(name), ...command], { encoding: 'utf8' });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    this.#batch([
      ...this.names.map((name) => `netns del ${this.#namespace(name)}`),
      `link del ${this.#bridge}`,
    ]);
  }

  #namespace(name: string): string {
    return `${this.#prefix}${name}`;
  }

  #batch(lines: readonly string[], options: readonly string[] = []): void {
    execFileSync('ip', [...options, '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }
}

/** ARP request (RFC 826), or neighbour solicitation (RFC 4861: ICMPv6 type 135) right after the IPv6 header. */
function asksForAddress(frame: Buffer, family: 4 | 6): boolean {
  if (family === 4) return frame.length >= 42 && frame.readUInt16BE(20) === 1;
  return frame.length >= 55 && frame[20] === 58 && frame[54] === 135;
}

export class KernelMember {
  readonly name: string;
  readonly events: MemberEvent[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.name = name;
    child.stderr?.pipe(process.stderr);
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.events.push({ ...(JSON.parse(line) as { kind: string }), at: performance.now() });
      for (const look of [...this.#waiting]) look();
    });
    this.exited = new Promise((resolve) => child.on('exit', resolve));
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  get view(): View | undefined {
    const event = this.events.findLast(({ kind }) => kind === 'view');
    return event?.['view'] as View | undefined;
  }

  logs(): string {
    return this.events
      .filter(({ kind }) => kind === 'log')
      .map((event) => JSON.stringify(event))
      .join('\n');
  }

  /** Waits until its last view has exactly these members; the instant at which it was told. */
  async together(...names: string[]): Promise<number> {
    const wanted = JSON.stringify([...names].sort());
    const event = await this.event((one) => {
      const view = one['view'] as View | undefined;
      return (
        view !== undefined &&
        view.id === this.view?.id &&
        JSON.stringify(view.members.map(nameOf).sort()) === wanted
      );
    });
    return event.at;
  }

  /** The first event that fits from the one with that number on. */
  async event(fits: (event: MemberEvent) => boolean, from = 0): Promise<MemberEvent> {
    const found = (): MemberEvent | undefined => this.events.slice(from).find(fits);
    const now = found();
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const event = found();
        if (event === undefined) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve(event);
      };
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        const said = this.events.slice(-15).map((event) => JSON.stringify(event));
        reject(new Error(`${this.name} waited ${PATIENCE_MS} ms; it said last:\n${said.join('\n')}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
    });
  }
}

/**
 * A Spread daemon on each host of a lab: the daemon double's processes, or real daemons. Both get the same timeouts, so that the same
 * stories can be told of both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab } from '../../src/lab/lab.ts';
import type { RingTimes } from '../spread/ring-words.ts';
import { eventually } from './vocabulary.ts';

/** For a daemon to listen, ms. */
const START_MAX = 30_000;

/** What plays the daemon: the double, or the path of a real daemon's program. */
export type DaemonKind = 'double' | `/${string}`;

/** Spread's defaults for one segment, but that rings look for each other more often: a failover takes 2.5 to 3 s. */
export const TIMES: RingTimes = { token: 1250, hurry: 500, seg: 500, gather: 1250, lookup: 5000 };

/** Programs of real daemons to run the same tests on, separated by colons. */
const VARIABLE = 'WACKAMOLE_SPREAD_DAEMON';

/** The double always; real daemons where the environment names some. Prints why not. */
export function daemonKinds(): readonly DaemonKind[] {
  const named = (process.env[VARIABLE] ?? '').split(':').filter((path) => path !== '');
  if (named.length === 0)
    console.log(`real Spread daemons are skipped: ${VARIABLE} names no program of one (version 4 or 5)`);
  for (const path of named) if (!existsSync(path)) throw new Error(`${VARIABLE}: there is no ${path}`);
  return ['double', ...(named as DaemonKind[])];
}

export function nameOfKind(kind: DaemonKind): string {
  return kind === 'double' ? 'daemon double' : `real daemon ${basename(kind)}`;
}

const KEEPER = fileURLToPath(new URL('../spread/ring-keeper.ts', import.meta.url));
const DAEMON = fileURLToPath(new URL('../spread/daemon-process.ts', import.meta.url));
/** A real daemon puts its unix socket into /tmp, in the place of another one's if they share it. */
const OWN_TMP = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /tmp && exec "$@"', 'sh'];
const KEEPER_SOCKET = '/run/lab/spread-keeper.sock';
const KEEPER_LOG = '/run/lab/spread-keeper.log';

export interface SiteOptions {
  readonly times?: RingTimes;
}

export class SpreadSite {
  readonly #lab: Lab;
  readonly #kind: DaemonKind;
  readonly #options: SiteOptions;
  readonly #daemons = new Map<string, ChildProcess>();
  #keeper: ChildProcess | undefined;

  private constructor(lab: Lab, kind: DaemonKind, options: SiteOptions) {
    this.#lab = lab;
    this.#kind = kind;
    this.#options = options;
  }

  /** Daemons on all hosts, in one ring. */
  static async open(lab: Lab, kind: DaemonKind, options: SiteOptions = {}): Promise<SpreadSite> {
    const site = new SpreadSite(lab, kind, options);
    if (kind === 'double') await site.#keep();
    for (const { name } of lab.hosts) await site.start(name);
    return site;
  }

  get #times(): RingTimes {
    return this.#options.times ?? TIMES;
  }

  async #keep(): Promise<void> {
    const names = this.#lab.hosts.map(({ name }) => name);
    const task = { path: KEEPER_SOCKET, names, times: this.#times };
    rmSync(KEEPER_SOCKET, { force: true });
    const log = openSync(KEEPER_LOG, 'w');
    this.#keeper = spawn(process.execPath, [KEEPER, JSON.stringify(task)], { stdio: ['ignore', log, log] });
    closeSync(log);
    await eventually('the keeper listens', () => existsSync(KEEPER_SOCKET), START_MAX);
  }

  /** Starts the daemon of this host; resolves when clients can connect. */
  async start(name: string): Promise<void> {
    const host = this.#lab.host(name);
    const log = openSync(this.#logFile(name), 'w');
    const daemon = host.spawn(this.#command(name), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#daemons.set(name, daemon);
    const listens = async () => {
      const { stdout } = await host.exec(['ss', '-Hltn', 'sport', '=', ':4803']);
      if (daemon.exitCode !== null) throw new Error(`the daemon of ${name} ended:\n${this.#log(name)}`);
      return stdout.includes(':4803');
    };
    await eventually(`the daemon of ${name} listens`, listens, START_MAX);
  }

  #command(name: string): readonly string[] {
    if (this.#kind !== 'double')
      return [...OWN_TMP, this.#program(name), '-n', name, '-c', this.#writeConf(name)];
    const sites = Object.fromEntries(this.#lab.hosts.map((host) => [host.name, host.plan.ipv4]));
    const task = { name, sites, keeper: KEEPER_SOCKET };
    return [process.execPath, DAEMON, JSON.stringify(task)];
  }

  /** A copy, where it can be seen when /tmp is another one. */
  #program(name: string): string {
    const program = `${this.#folder(name)}/daemon`;
    if (!existsSync(program)) copyFileSync(this.#kind, program);
    return program;
  }

  #folder(name: string): string {
    const folder = `${this.#lab.host(name).folder}/spread`;
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #writeConf(name: string): string {
    const folder = this.#folder(name);
    const { token, hurry, seg, gather, lookup } = this.#times;
    const daemons = this.#lab.hosts.map((host) => `  ${host.name} ${host.plan.ipv4}`);
    const timeouts = {
      Token: token,
      Hurry: hurry,
      Alive: 100,
      Join: 100,
      Rep: 250,
      Seg: seg,
      Gather: gather,
    };
    const lines = [
      'Spread_Segment 10.77.255.255:4803 {',
      ...daemons,
      '}',
      'DebugFlags = { PRINT EXIT MEMBERSHIP CONFIGURATION }',
      'DaemonUser = root',
      'DaemonGroup = root',
      `RuntimeDir = ${folder}`,
      'SocketPortReuse = ON',
      ...Object.entries({ ...timeouts, Form: gather, Lookup: lookup }).map(
        ([each, value]) => `${each}Timeout = ${value}`,
      ),
    ];
    writeFileSync(`${folder}/spread.conf`, `${lines.join('\n')}\n`);
    return `${folder}/spread.conf`;
  }

  /** To the daemon of this host alone; resolves when it is dead, if it is to be. */
  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemons.get(name)!;
    const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
    daemon.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
  }

  #logFile(name: string): string {
    return `${this.#lab.host(name).folder}/spread.log`;
  }

  #log(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8').split('\n').slice(-20).join('\n');
  }

  /** Process id of the daemon. */
  pid(name: string): number {
    return this.#daemons.get(name)!.pid!;
  }

  logs(): string {
    const keeper = this.#keeper === undefined ? '' : `--- keeper\n${readFileSync(KEEPER_LOG, 'utf8')}\n`;
    return `${keeper}${[...this.#daemons.keys()].map((name) => `--- daemon of ${name}\n${this.#log(name)}`).join('\n')}`;
  }

  /** The daemons die with their hosts; what kept them does here. */
  close(): void {
    for (const daemon of this.#daemons.values()) daemon.kill('SIGKILL');
    this.#keeper?.kill('SIGKILL');
  }
}

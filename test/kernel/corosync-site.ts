/**
 * A real corosync on each host of a lab: everything a daemon writes is its own (mount namespace), clients find the one of their network
 * namespace. Installed by `test/run.ts` where it may.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { LabHost } from '../../src/lab/host.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type CorosyncTimes, corosyncConf } from './corosync-conf.ts';
import { eventually, NO_WORLD } from './vocabulary.ts';

/** For a daemon to be in a ring, ms. */
const START_MAX = 30_000;
/** Where daemons and their clients share memory. */
const SHARED = '/dev/shm';

/** Failover within two seconds on a busy machine. */
export const TIMES: CorosyncTimes = { token: 700, consensus: 900 };

export interface CorosyncOptions {
  /** Scheduled before everything else, as corosync is unless told otherwise; false unless given. */
  readonly realTime?: boolean;
  /** `defaults`: the file says nothing of them; {@link TIMES} unless given. */
  readonly times?: CorosyncTimes | 'defaults';
  /** Lines of `quorum { … }`; votequorum with a vote for each host unless given. */
  readonly quorum?: readonly string[];
  /** What carries the ring; knet unless given, which is what corosync takes unless told. */
  readonly transport?: 'knet' | 'udpu';
  /** Hosts that are nodes of the site; all unless given. */
  readonly nodes?: readonly string[];
}

/** Why there is no corosync here; undefined: there is. */
export const NO_COROSYNC =
  NO_WORLD ??
  (spawnSync('corosync', ['-v']).error === undefined
    ? undefined
    : 'corosync is not installed: apt install corosync');
if (NO_COROSYNC !== undefined) console.log(`tests with corosync are skipped: ${NO_COROSYNC}`);

export class CorosyncSite {
  readonly #lab: Lab;
  readonly #options: CorosyncOptions;
  #quorum: readonly string[];
  readonly #daemons = new Map<string, ChildProcess>();
  /** Of all daemons that ever were. */
  readonly #pids = new Set<number>();

  private constructor(lab: Lab, options: CorosyncOptions) {
    this.#lab = lab;
    this.#options = options;
    this.#quorum = options.quorum ?? ['provider: corosync_votequorum'];
  }

  /** A site none of whose daemons runs yet. */
  static of(lab: Lab, options: CorosyncOptions = {}): CorosyncSite {
    return new CorosyncSite(lab, options);
  }

  /** Daemons on all hosts, in one ring. */
  static async open(lab: Lab, options: CorosyncOptions = {}): Promise<CorosyncSite> {
    const site = CorosyncSite.of(lab, options);
    await site.startAll();
    return site;
  }

  /** Resolves when all daemons are in one ring. */
  async startAll(): Promise<void> {
    const names = this.#nodes.map(({ name }) => name);
    await Promise.all(names.map((name) => this.start(name)));
    await eventually(
      'all daemons are in one ring',
      () => names.every((name) => this.log(name).includes(`Members[${names.length}]`)),
      START_MAX,
    );
  }

  get #nodes(): readonly LabHost[] {
    const { nodes } = this.#options;
    return this.#lab.hosts.filter(({ name }) => nodes?.includes(name) ?? true);
  }

  /** Lines of `quorum { … }` for daemons that are started from now on. */
  setQuorum(lines: readonly string[]): void {
    this.#quorum = lines;
  }

  /** Starts the daemon of this host; resolves when it is in a ring, perhaps alone. */
  async start(name: string): Promise<void> {
    const host = this.#lab.host(name);
    const log = openSync(this.#logFile(name), 'w');
    const daemon = host.spawn(command(this.#writeConf(host)), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#daemons.set(name, daemon);
    this.#pids.add(daemon.pid!);
    const ready = () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null)
        throw new Error(`corosync of ${name} ended:\n${this.log(name)}`);
      return this.log(name).includes('ready to provide service');
    };
    await eventually(`corosync of ${name} is in a ring`, ready, START_MAX);
  }

  #writeConf(host: LabHost): string {
    const folder = `${host.folder}/corosync`;
    mkdirSync(folder, { recursive: true });
    const { times = TIMES, transport = 'knet', realTime = false } = this.#options;
    const settings = { times, transport, realTime, quorum: this.#quorum };
    writeFileSync(`${folder}/corosync.conf`, corosyncConf(this.#nodes, settings));
    return `${folder}/corosync.conf`;
  }

  /** To the daemon of this host alone; resolves when it is dead, if it is to be. */
  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemons.get(name)!;
    const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
    daemon.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
  }

  #logFile(name: string): string {
    return `${this.#lab.host(name).folder}/corosync.log`;
  }

  /** Of the daemon that was started last on the host. */
  log(name: string): string {
    const file = this.#logFile(name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** When the daemon last said this, on the clock of this process; undefined: never. */
  saidAt(name: string, words: string): number | undefined {
    const line = this.log(name)
      .split('\n')
      .findLast((one) => one.includes(words));
    const [date = ''] = /^\w+ \d+ [\d:.]+/.exec(line ?? '') ?? [];
    const at = new Date(`${new Date().getFullYear()} ${date}`).getTime();
    return Number.isNaN(at) ? undefined : monotonicNow() - (Date.now() - at);
  }

  /** Process ids of the daemons. */
  pid(name: string): number {
    return this.#daemons.get(name)!.pid!;
  }

  logs(): string {
    const ends = [...this.#daemons.keys()].map(
      (name) => `--- corosync of ${name}\n${this.log(name).split('\n').slice(-15).join('\n')}`,
    );
    return ends.join('\n');
  }

  /** What daemons of the site have in shared memory: one that is killed leaves megabytes there, for each of its clients and its log. */
  shared(): readonly string[] {
    return readdirSync(SHARED).filter((entry) => {
      const [, pid] = /^qb-(?:corosync-)?(\d+)-/.exec(entry) ?? [];
      return this.#pids.has(Number(pid));
    });
  }

  /** The daemons die with their hosts; where the hosts stay, they do here. Nothing of them is left. */
  async close(): Promise<void> {
    for (const [name, daemon] of this.#daemons)
      if (daemon.exitCode === null && daemon.signalCode === null) await this.signal(name, 'SIGKILL');
    for (const entry of this.shared()) rmSync(`${SHARED}/${entry}`, { recursive: true, force: true });
  }
}

/** Its own runtime folder and state; shared memory is the machine's, where clients look for it. */
function command(conf: string): readonly string[] {
  const own = ['/run', '/var/lib/corosync'].map((folder) => `mount -t tmpfs corosync ${folder}`);
  const steps = [
    `cp ${conf} /tmp/$$.conf`,
    ...own,
    'mkdir -p /run/corosync',
    `cp /tmp/$$.conf /run/corosync.conf`,
  ];
  const script = [...steps, 'rm /tmp/$$.conf', 'exec corosync -f -c /run/corosync.conf'].join(' && ');
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
}

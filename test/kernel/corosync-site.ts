/**
 * A real corosync on each host of a lab: everything a daemon writes is its own (mount namespace), clients find the one of their network
 * namespace. Installed by `test/run.ts` where it may.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { LabHost } from '../../src/lab/host.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { eventually, NO_WORLD } from './vocabulary.ts';

/** For a daemon to be in a ring, ms. */
const START_MAX = 30_000;

export interface CorosyncTimes {
  /** Ms without the token after which it is lost. */
  readonly token: number;
  /** Ms for the others to agree on a new ring. */
  readonly consensus: number;
}

/** Failover within two seconds on a busy machine. */
export const TIMES: CorosyncTimes = { token: 700, consensus: 900 };

export interface CorosyncOptions {
  /** Scheduled before everything else, as corosync is unless told otherwise; false unless given. */
  readonly realTime?: boolean;
  /** `defaults`: the file says nothing of them; {@link TIMES} unless given. */
  readonly times?: CorosyncTimes | 'defaults';
  /** Lines of `quorum { … }`; votequorum with a vote for each host unless given. */
  readonly quorum?: readonly string[];
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
  readonly #daemons = new Map<string, ChildProcess>();

  private constructor(lab: Lab, options: CorosyncOptions) {
    this.#lab = lab;
    this.#options = options;
  }

  /** Daemons on all hosts, in one ring. */
  static async open(lab: Lab, options: CorosyncOptions = {}): Promise<CorosyncSite> {
    const site = new CorosyncSite(lab, options);
    await Promise.all(lab.hosts.map(({ name }) => site.start(name)));
    const all = lab.hosts.length;
    await eventually(
      'all daemons are in one ring',
      () => lab.hosts.every(({ name }) => site.#log(name).includes(`Members[${all}]`)),
      START_MAX,
    );
    return site;
  }

  /** Starts the daemon of this host; resolves when it is in a ring, perhaps alone. */
  async start(name: string): Promise<void> {
    const host = this.#lab.host(name);
    const log = openSync(this.#logFile(name), 'w');
    const daemon = host.spawn(command(this.#writeConf(host)), { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#daemons.set(name, daemon);
    const ready = () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null)
        throw new Error(`corosync of ${name} ended:\n${this.#log(name)}`);
      return this.#log(name).includes('ready to provide service');
    };
    await eventually(`corosync of ${name} is in a ring`, ready, START_MAX);
  }

  #writeConf(host: LabHost): string {
    const folder = `${host.folder}/corosync`;
    mkdirSync(folder, { recursive: true });
    const { times = TIMES } = this.#options;
    const quorum = this.#options.quorum ?? ['provider: corosync_votequorum'];
    const nodes = this.#lab.hosts.flatMap(({ name, plan }, index) => [
      'node {',
      `  ring0_addr: ${plan.ipv4}`,
      `  name: ${name}`,
      `  nodeid: ${index + 1}`,
      '}',
    ]);
    const lines = [
      ...section('totem', [
        'version: 2',
        'cluster_name: lab',
        'transport: udpu',
        ...(times === 'defaults' ? [] : timing(times)),
      ]),
      ...section('nodelist', nodes),
      ...section('quorum', quorum),
      ...section('logging', ['to_stderr: yes', 'to_logfile: no', 'to_syslog: no', 'timestamp: hires']),
      // The machine is others' too.
      ...(this.#options.realTime === true ? [] : section('system', ['sched_rr: no', 'priority: 0'])),
    ];
    writeFileSync(`${folder}/corosync.conf`, `${lines.join('\n')}\n`);
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

  #log(name: string): string {
    const file = this.#logFile(name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Process ids of the daemons. */
  pid(name: string): number {
    return this.#daemons.get(name)!.pid!;
  }

  logs(): string {
    const ends = [...this.#daemons.keys()].map(
      (name) => `--- corosync of ${name}\n${this.#log(name).split('\n').slice(-15).join('\n')}`,
    );
    return ends.join('\n');
  }

  /** The daemons die with their hosts; where the hosts stay, they do here. */
  async close(): Promise<void> {
    for (const [name, daemon] of this.#daemons)
      if (daemon.exitCode === null && daemon.signalCode === null) await this.signal(name, 'SIGKILL');
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

function timing({ token, consensus }: CorosyncTimes): readonly string[] {
  return [`token: ${token}`, 'token_coefficient: 0', `consensus: ${consensus}`];
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return [`${name} {`, ...lines.map((line) => `  ${line}`), '}'];
}

/**
 * A quorum device for a corosync site: qnetd on a host of its own, qdevice beside the daemons, each with files of its own, and
 * certificates made by corosync's own scripts. Installed by `test/run.ts` where it may.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import type { Lab } from '../../src/lab/lab.ts';
import { NO_COROSYNC } from './corosync-site.ts';
import { eventually } from './vocabulary.ts';

/** For a connection to be there, ms. */
const START_MAX = 30_000;
const DATABASE = '/etc/corosync/qdevice/net/nssdb';

/** Why there is no quorum device here; undefined: there is. */
export const NO_DEVICE =
  NO_COROSYNC ??
  ['corosync-qdevice', 'corosync-qnetd', 'certutil']
    .filter((program) => spawnSync(program, ['-h']).error !== undefined)
    .map((program) => `${program} is not installed: apt install corosync-qdevice corosync-qnetd`)[0];
if (NO_DEVICE !== undefined) console.log(`tests with a quorum device are skipped: ${NO_DEVICE}`);

export interface DeviceTimes {
  /** Ms between two questions of the daemon to its qdevice; the heartbeat to qnetd is a part of it. */
  readonly timeout: number;
  /** The longest that a new ring waits for the word of qnetd, ms. */
  readonly sync: number;
}

export class QuorumDevice {
  readonly #lab: Lab;
  /** Where qnetd is. */
  readonly #host: string;
  readonly #running = new Map<string, ChildProcess>();

  constructor(lab: Lab, host: string) {
    this.#lab = lab;
    this.#host = host;
  }

  /** For `quorum { … }` of the nodes. */
  lines({ timeout, sync }: DeviceTimes): readonly string[] {
    const { ipv4 } = this.#lab.host(this.#host).plan;
    return [
      'device {',
      '  model: net',
      '  votes: 1',
      `  timeout: ${timeout}`,
      `  sync_timeout: ${sync}`,
      `  net {\n host: ${ipv4}\n algorithm: ffsplit\n tls: required\n }`,
      '}',
    ];
  }

  /** As the manual has it: the device's authority signs one certificate for the site, which all nodes get. */
  async certify(cluster: string, nodes: readonly string[]): Promise<void> {
    await this.#run(this.#host, 'corosync-qnetd-certutil -i -G');
    const authority = `${this.#folder(this.#host)}/qnetd/nssdb`;
    for (const node of nodes) {
      mkdirSync(`${this.#folder(node)}/in`, { recursive: true });
      copyFileSync(`${authority}/qnetd-cacert.crt`, `${this.#folder(node)}/in/ca.crt`);
      await this.#run(node, 'corosync-qdevice-net-certutil -i -c /etc/corosync/in/ca.crt');
    }
    const [first = '', ...others] = nodes;
    const made = `${this.#folder(first)}/qdevice/net/nssdb`;
    await this.#run(first, `corosync-qdevice-net-certutil -r -n ${cluster}`);
    copyFileSync(`${made}/qdevice-net-node.crq`, `${this.#folder(this.#host)}/site.crq`);
    await this.#run(this.#host, `corosync-qnetd-certutil -s -G -c /etc/corosync/site.crq -n ${cluster}`);
    copyFileSync(`${authority}/cluster-${cluster}.crt`, `${made}/cluster.crt`);
    await this.#run(first, `corosync-qdevice-net-certutil -M -c ${DATABASE}/cluster.crt`);
    for (const node of others) {
      copyFileSync(`${made}/qdevice-net-node.p12`, `${this.#folder(node)}/in/site.p12`);
      await this.#run(node, 'corosync-qdevice-net-certutil -m -c /etc/corosync/in/site.p12');
    }
  }

  async #run(name: string, script: string): Promise<void> {
    const { code, stdout, stderr } = await this.#lab.host(name).exec(this.#inside(name, script));
    if (code !== 0) throw new Error(`${script} on ${name} ended with ${code}:\n${stdout}\n${stderr}`);
  }

  /** Where /etc/corosync is the host's own, and so is what is written while running. */
  #inside(name: string, script: string): readonly string[] {
    const mounts = [
      `mount --bind ${this.#folder(name)} /etc/corosync`,
      'mount -t tmpfs corosync /run',
      'mkdir -p /run/corosync-qdevice /run/corosync-qnetd',
    ];
    const all = [...mounts, script].join(' && ');
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', all];
  }

  #folder(name: string): string {
    const folder = `${this.#lab.host(name).folder}/device`;
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async startServer(): Promise<void> {
    this.#start(this.#host, 'exec corosync-qnetd -f -d -s req');
    const server = this.#running.get(this.#host)!;
    const listens = async () => {
      if (server.exitCode !== null) throw new Error(`qnetd ended:\n${this.logs()}`);
      const { stdout } = await this.#lab.host(this.#host).exec(['ss', '-Hltn', 'sport', '=', ':5403']);
      return stdout.includes('5403');
    };
    await eventually('qnetd listens', listens, START_MAX);
  }

  /** Beside a daemon that runs. */
  startClient(name: string): void {
    this.#start(name, 'exec corosync-qdevice -f -d');
  }

  #start(name: string, script: string): void {
    const log = openSync(this.#logFile(name), 'w');
    this.#running.set(
      name,
      this.#lab.host(name).spawn(this.#inside(name, script), { stdio: ['ignore', log, log] }),
    );
    closeSync(log);
  }

  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const one = this.#running.get(name)!;
    const ended = new Promise<void>((resolve) => one.once('exit', () => resolve()));
    one.kill(signal);
    await ended;
  }

  /** What runs on the host stands still, or goes on. */
  freeze(name: string, on: boolean): void {
    this.#running.get(name)!.kill(on ? 'SIGSTOP' : 'SIGCONT');
  }

  #logFile(name: string): string {
    return `${this.#lab.host(name).folder}/device.log`;
  }

  logs(lines = 15): string {
    const end = (name: string) =>
      readFileSync(this.#logFile(name), 'utf8').split('\n').slice(-lines).join('\n');
    return [...this.#running.keys()].map((name) => `--- device of ${name}\n${end(name)}`).join('\n');
  }
}

/** A real agent on a host of the lab: its configuration file, its process, its log, and the operator's door to it. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from '../control/client.ts';
import type { ControlRequest, ControlResponse } from '../control/messages.ts';
import type { OperatorCommand } from '../model/operator.ts';
import type { Status } from '../model/status.ts';
import { NODE_FLAGS, scriptPath } from '../platform/layout.ts';
import type { Finished, LabHost } from './host.ts';
import type { VipPlan } from './plan.ts';

/** The program under test; a test may name a build of it. */
const PROGRAM = process.env['WACKAMOLE_PROGRAM'] ?? scriptPath('bin/wackamole.ts');
const CLUSTER = 'lab';

/** Sections of the configuration file as it is written in YAML; they replace what the lab would write, key by key. */
export type Sections = Readonly<Record<string, unknown>>;

export interface AgentSettings {
  readonly hosts: readonly LabHost[];
  readonly vips: readonly VipPlan[];
  readonly profile: 'lan' | 'fast' | 'wan';
  /** File with the cluster key; absent: the agents run without one. */
  readonly keyFile?: string;
  /** Deep changes to the file of every host. */
  readonly sections?: Sections;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class AgentProcess {
  readonly host: LabHost;
  readonly #settings: AgentSettings;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;

  constructor(host: LabHost, settings: AgentSettings) {
    this.host = host;
    this.#settings = settings;
  }

  get socket(): string {
    return `${this.host.folder}/control.sock`;
  }

  get configFile(): string {
    return `${this.host.folder}/wackamole.yaml`;
  }

  get logFile(): string {
    return `${this.host.folder}/agent.log`;
  }

  /** Process id of the running agent. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`no agent was started on host ${this.host.name}`);
    return pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Writes the configuration (with `sections` on top of the settings' own) without starting anything. */
  configure(sections: Sections = {}): void {
    writeFileSync(this.configFile, `${JSON.stringify(this.configuration(sections), undefined, 2)}\n`, {
      mode: 0o644,
    });
  }

  /** The configuration as an object; JSON is YAML, so it is written as it is. */
  configuration(sections: Sections = {}): Sections {
    return merged(
      merged(plainConfiguration(this.host, this.#settings, this.socket), this.#settings.sections ?? {}),
      sections,
    );
  }

  /** Starts the agent with the file as it stands, written first if there is none. `prefix` is put before the command line. */
  start(prefix: readonly string[] = []): void {
    if (this.running) throw new Error(`the agent of host ${this.host.name} is running already`);
    if (!existsSync(this.configFile)) this.configure();
    const log = openSync(this.logFile, 'a');
    const argv = [...prefix, process.execPath, ...NODE_FLAGS, PROGRAM, 'agent', '--config', this.configFile];
    const child = this.host.spawn(argv, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
  }

  /** Sends a signal to the agent alone, not to its guardian. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** How it ended; waits for it. */
  async exited(): Promise<Exit> {
    if (this.#exit === undefined) throw new Error(`no agent was started on host ${this.host.name}`);
    return this.#exit;
  }

  /** Asks it to stop and waits until it has. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited();
  }

  async ask(question: Exclude<ControlRequest, { kind: 'watch' }>): Promise<ControlResponse> {
    return request(this.socket, question, { timeout: 3000 });
  }

  /** Its status; `undefined` while it does not answer. */
  async status(): Promise<Status | undefined> {
    try {
      const answer = await this.ask({ kind: 'status' });
      return 'status' in answer ? answer.status : undefined;
    } catch {
      return undefined;
    }
  }

  async command(command: OperatorCommand): Promise<ControlResponse> {
    return this.ask({ kind: 'command', command });
  }

  /** Runs `wackamole` with these arguments on the host, as an operator there would. `prefix` is put before the command line. */
  run(argv: readonly string[], prefix: readonly string[] = []): Promise<Finished> {
    return this.host.exec([...prefix, process.execPath, PROGRAM, ...argv]);
  }

  /** The log so far, for error messages: its last lines. */
  logTail(lines = 20): string {
    if (!existsSync(this.logFile)) return '(no log)';
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

function plainConfiguration(host: LabHost, settings: AgentSettings, socket: string): Sections {
  const { hosts, vips, profile, keyFile } = settings;
  return {
    cluster: CLUSTER,
    member: host.name,
    group: {
      listen: host.plan.ipv4,
      peers: Object.fromEntries(hosts.map(({ name, plan }) => [name, plan.ipv4])),
      profile,
      ...(keyFile === undefined ? { insecure: true } : { key_file: keyFile }),
    },
    providers: { local: { interface: 'eth0' } },
    vips: Object.fromEntries(vips.map(({ id, address }) => [id, address])),
    control: { socket },
    log: { level: 'info' },
  };
}

/** `changes` over `original`, objects merged key by key, anything else replaced; `undefined` removes a key. */
function merged(original: Sections, changes: Sections): Sections {
  const result: Record<string, unknown> = { ...original };
  for (const [key, change] of Object.entries(changes)) {
    const present = result[key];
    if (change === undefined) delete result[key];
    else result[key] = isSections(present) && isSections(change) ? merged(present, change) : change;
  }
  return result;
}

function isSections(value: unknown): value is Sections {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One host of the lab: a network namespace, its cable, and whatever runs in it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import type { HostPlan } from './plan.ts';

/** What the lab does with a host's port; the host itself knows nothing of bridges. */
export interface Switchboard {
  plug(host: string): Promise<void>;
  unplug(host: string): Promise<void>;
  isolate(host: string): Promise<void>;
  power(host: string, on: boolean): Promise<void>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class LabHost {
  readonly plan: HostPlan;
  readonly name: string;
  /** Where files of this host's programs go; the host's own, empty at the beginning. */
  readonly folder: string;
  readonly #switchboard: Switchboard;

  constructor(plan: HostPlan, switchboard: Switchboard) {
    this.plan = plan;
    this.name = plan.name;
    this.folder = `/run/lab/${plan.name}`;
    this.#switchboard = switchboard;
    mkdirSync(this.folder, { recursive: true, mode: 0o755 });
  }

  get netns(): string {
    return `/run/netns/${this.name}`;
  }

  /** Starts a program in the host's network. It gets the process id that `spawn` reports. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', [`--net=${this.netns}`, '--', ...argv], { stdio: 'ignore', ...options });
  }

  /** Runs a program in the host's network to its end. */
  exec(argv: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
    const child = this.spawn(argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text.stdout += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text.stderr += chunk;
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...text }));
    });
  }

  /** The host's interface loses its carrier. */
  pullCable(): Promise<void> {
    return this.#switchboard.unplug(this.name);
  }

  plugCable(): Promise<void> {
    return this.#switchboard.plug(this.name);
  }

  /** Frames go nowhere, but the carrier stays (a switch port in the wrong VLAN). `plugCable` ends it. */
  isolatePort(): Promise<void> {
    return this.#switchboard.isolate(this.name);
  }

  /** The power fails: from one moment to the next no process runs any more, and the cable is dead before any of them says goodbye. */
  async powerOff(): Promise<void> {
    this.#signalAll('SIGSTOP');
    await this.#switchboard.power(this.name, false);
    this.killAll();
    // A guardian that forked at the wrong moment.
    this.killAll();
  }

  /** The host boots: its network is back with nothing of before, no program runs yet. */
  powerOn(): Promise<void> {
    return this.#switchboard.power(this.name, true);
  }

  /** SIGKILL for every process in the host's network. All are stopped first: none reacts to the death of another. */
  killAll(): void {
    this.#signalAll('SIGSTOP');
    this.#signalAll('SIGKILL');
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended by itself.
      }
    }
  }

  /** Process ids of everything that lives in the host's network. */
  processes(): readonly number[] {
    const identity = `net:[${statSync(this.netns).ino}]`;
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && networkOf(entry) === identity)
      .map(Number);
  }
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

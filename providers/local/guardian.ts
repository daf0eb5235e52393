/**
 * Starts, feeds and restarts the guardian: the small process that removes our addresses when this one dies or hangs.
 * It decides nothing about VIPs; without it the kernel's lease is what is left, and the listener is told so.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Instant, Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { GUARDIAN_SCRIPT } from './guardian-script.ts';
import type { Placement } from './placement.ts';

const SHELL = '/bin/bash';
const START_TIMEOUT: Millis = 5000;
const STOP_TIMEOUT: Millis = 2000;
const RESTART_FIRST: Millis = 50;
const RESTART_LAST: Millis = 10_000;
/** Having run this long, it starts again with the first delay. */
const STEADY: Millis = 60_000;
/** More than this unread means that the guardian itself stands still. */
const UNREAD_BYTES_MAX = 1 << 20;
/** Bytes of a line we would hear at most; anything longer is not our guardian talking. */
const LINE_BYTES_MAX = 256;

export interface GuardianSettings {
  /** No tick for this long: everything held is removed. */
  readonly timeout: Millis;
}

export interface GuardianListener {
  /** The guardian had removed everything because no tick came; whatever was held then is not held now. */
  fenced(): void;
  /** The guardian is gone (and being restarted), or back: in words for a person. */
  changed(state: { readonly guarded: boolean; readonly reason: string }): void;
}

export interface Guardian {
  /** Resolves when it guards; rejects with an Error for a person when it cannot run here. */
  start(): Promise<void>;
  /** The agent is well. The limit counts from the first tick on. */
  tick(): void;
  /** To be called before the addresses are put up. */
  hold(placements: readonly Placement[]): void;
  /** To be called after the addresses were removed. */
  drop(placements: readonly Placement[]): void;
  /** Closes its pipe: it removes what is still held and ends. */
  stop(): Promise<void>;
  /** Of the running process; for tests and status. */
  readonly pid: number | undefined;
}

export function createGuardian(settings: GuardianSettings, listener: GuardianListener): Guardian {
  return new GuardianProcess(settings, listener);
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

class GuardianProcess implements Guardian {
  readonly #settings: GuardianSettings;
  readonly #listener: GuardianListener;
  readonly #held = new Map<string, string>();
  #child: Child | undefined;
  #ticking = false;
  #stopping = false;
  #restartDelay = RESTART_FIRST;
  #launchedAt: Instant = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(settings: GuardianSettings, listener: GuardianListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    this.#stopping = false;
    await this.#launch();
  }

  tick(): void {
    this.#ticking = true;
    this.#write('t\n');
  }

  hold(placements: readonly Placement[]): void {
    for (const placement of placements) this.#held.set(lineOf(placement), '');
    this.#write(placements.map((placement) => `+ ${lineOf(placement)}\n`).join(''));
  }

  drop(placements: readonly Placement[]): void {
    for (const placement of placements) this.#held.delete(lineOf(placement));
    this.#write(placements.map((placement) => `- ${lineOf(placement)}\n`).join(''));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL');
        resolve();
      }, STOP_TIMEOUT);
      child.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      child.stdin.end();
    });
  }

  /** Resolves when the new process has said `ready`. */
  #launch(): Promise<void> {
    const child = spawn(
      SHELL,
      ['--noprofile', '--norc', '-p', '-c', GUARDIAN_SCRIPT, 'guardian', this.#limit()],
      {
        argv0: 'wackamole-guardian',
        cwd: '/',
        // Its own session: what ends the agent's process group or terminal does not end the guardian.
        detached: true,
        env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    this.#child = child;
    this.#launchedAt = monotonicNow();
    // The pipe may break at any moment; `exit` tells about it.
    child.stdin.on('error', () => {});
    child.unref();
    unref(child.stdin);
    unref(child.stdout);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => fail('did not start in time'), START_TIMEOUT);
      const fail = (why: string): void => {
        clearTimeout(late);
        child.kill('SIGKILL');
        reject(new Error(`the guardian process ${why}`));
      };
      eachLine(child.stdout, (line) => {
        if (line === 'ready') {
          clearTimeout(late);
          this.#greet(child);
          resolve();
        } else if (line === 'no-ip') fail('found no `ip` command: install iproute2');
        else if (line === 'fenced') this.#listener.fenced();
      });
      child.once('error', (error) => fail(`cannot run: ${error.message}; install bash at ${SHELL}`));
      child.once('exit', () => {
        fail('ended at once');
        this.#gone(child);
      });
    });
  }

  /** A new guardian knows nothing yet. */
  #greet(child: Child): void {
    if (child !== this.#child) return;
    this.#write([...this.#held.keys()].map((line) => `+ ${line}\n`).join(''));
    if (this.#ticking) this.#write('t\n');
  }

  #gone(child: Child): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    if (this.#stopping) return;
    if (monotonicNow() - this.#launchedAt > STEADY) this.#restartDelay = RESTART_FIRST;
    const delay = this.#restartDelay;
    this.#restartDelay = Math.min(delay * 2, RESTART_LAST);
    this.#listener.changed({
      guarded: false,
      reason: `the guardian process ended; starting it again in ${delay} ms`,
    });
    this.#restart = setTimeout(() => {
      this.#launch().then(
        () => this.#listener.changed({ guarded: true, reason: 'the guardian process runs again' }),
        // `exit` follows and tries again.
        () => {},
      );
    }, delay);
    this.#restart.unref();
  }

  #write(lines: string): void {
    const child = this.#child;
    if (child === undefined || lines === '' || !child.stdin.writable) return;
    if (child.stdin.writableLength > UNREAD_BYTES_MAX) child.kill('SIGKILL');
    else child.stdin.write(lines);
  }

  #limit(): string {
    return (this.#settings.timeout / 1000).toFixed(3);
  }
}

function lineOf(placement: Placement): string {
  return `${placement.address}/${placement.prefixLength} ${placement.interfaceName}`;
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('latin1');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_BYTES_MAX);
    for (const line of lines) take(line);
  });
}

/** A pipe to the guardian alone shall not keep the agent running. */
function unref(stream: Readable | Writable): void {
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}

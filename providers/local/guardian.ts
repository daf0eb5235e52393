/**
 * Starts, feeds and restarts the guardian: the small process that removes our addresses when this one dies or hangs.
 * It decides nothing about VIPs; without it the kernel's lease is what is left, and the listener is told so.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Instant, Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { shareSessionPriority } from '../../src/platform/priority.ts';
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
/** One tick of so many also asks whether it is there. */
const TICKS_PER_QUESTION = 5;
/** So many questions without an answer: it hangs, was stopped, or waits for something that does not come. */
const UNANSWERED_MAX = 5;
/** Bytes of a line we would hear at most; anything longer is not our guardian talking. */
const LINE_BYTES_MAX = 256;

export interface GuardianSettings {
  /** No tick for this long: everything held is removed. */
  readonly timeout: Millis;
}

export interface GuardianListener {
  /** The guardian had removed everything because no tick came; whatever was held then is not held now. */
  fenced(): void;
  /** It is gone, and starting it again at once did not help; or it is back after that: in words for a person. */
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

/** Where a process could not even be started for lack of descriptors, Node gives it no pipes (`undefined`, whatever the types say). */
type Child = ChildProcessByStdio<Writable | null, Readable | null, null>;

class GuardianProcess implements Guardian {
  readonly #settings: GuardianSettings;
  readonly #listener: GuardianListener;
  readonly #held = new Map<string, string>();
  #child: Child | undefined;
  #ticking = false;
  #stopping = false;
  #missed = false;
  /** Absent until it guards, and where nothing was asked yet. */
  #unanswered: number | undefined;
  #ticks = 0;
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
    try {
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  tick(): void {
    this.#ticking = true;
    this.#ticks += 1;
    if (this.#unanswered === undefined || this.#ticks % TICKS_PER_QUESTION !== 0) this.#write('t\n');
    else if (this.#unanswered < UNANSWERED_MAX) {
      // Counted in questions, not in time: while we stood still none was asked.
      this.#unanswered += 1;
      this.#write('q\n');
    } else if (this.#child !== undefined) kill(this.#child);
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
        kill(child);
        resolve();
      }, STOP_TIMEOUT);
      child.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      child.stdin?.end();
    });
  }

  /** Resolves when the new process has said `ready`; when it does not, or ends later, another one follows. */
  async #launch(): Promise<void> {
    this.#launchedAt = monotonicNow();
    const child = this.#spawn();
    this.#child = child;
    if (child.pid !== undefined) shareSessionPriority(child.pid);
    child.once('exit', () => this.#gone(child, 'it ended'));
    // All there is when it could not be started; `exit` does not follow then.
    child.once('error', (error) => this.#gone(child, error.message));
    await this.#ready(child);
  }

  #spawn(): Child {
    try {
      return spawnGuardian((this.#settings.timeout / 1000).toFixed(3));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#startAgain(why);
      throw new Error(`the guardian process cannot run: ${why}`, { cause: error });
    }
  }

  #ready(child: Child): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => fail('did not start in time'), START_TIMEOUT);
      const fail = (why: string): void => {
        clearTimeout(late);
        kill(child);
        reject(new Error(`the guardian process ${why}`));
      };
      child.once('error', (error) => fail(`cannot run: ${error.message}; ${mendFor(error)}`));
      child.once('exit', () => fail('ended at once'));
      // An `error` follows.
      if (!child.stdin || !child.stdout) return;
      // The pipe may break at any moment; `exit` tells about it.
      child.stdin.on('error', () => {});
      child.unref();
      unref(child.stdin);
      unref(child.stdout);
      eachLine(child.stdout, (line) => {
        if (line === 'ready') {
          clearTimeout(late);
          this.#greet(child);
          resolve();
        } else if (line === 'no-ip') fail('found no `ip` command: install iproute2');
        else if (line === 'fenced') this.#listener.fenced();
        else if (line === 'here' && child === this.#child) this.#unanswered = 0;
      });
    });
  }

  /** A new guardian knows nothing yet. */
  #greet(child: Child): void {
    if (child !== this.#child) return;
    this.#unanswered = 0;
    this.#write([...this.#held.keys()].map((line) => `+ ${line}\n`).join(''));
    if (this.#ticking) this.#write('t\n');
  }

  #gone(child: Child, why: string): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#unanswered = undefined;
    if (monotonicNow() - this.#launchedAt > STEADY) this.#restartDelay = RESTART_FIRST;
    this.#startAgain(why);
  }

  /** The first time silently: 50 ms later it guards again. What does not end so is worth telling. */
  #startAgain(why: string): void {
    if (this.#stopping) return;
    const delay = this.#restartDelay;
    this.#restartDelay = Math.min(delay * 2, RESTART_LAST);
    if (delay > RESTART_FIRST) {
      this.#missed = true;
      const reason = `the guardian process does not run (${why}); trying again in ${delay} ms, until then the lease alone guards the addresses`;
      this.#listener.changed({ guarded: false, reason });
    }
    this.#restart = setTimeout(() => {
      this.#launch().then(
        () => this.#backAgain(),
        // Has been seen to already: another one follows.
        () => {},
      );
    }, delay);
    this.#restart.unref();
  }

  #backAgain(): void {
    if (!this.#missed) return;
    this.#missed = false;
    this.#listener.changed({ guarded: true, reason: 'the guardian process runs again' });
  }

  #write(lines: string): void {
    const child = this.#child;
    if (lines === '' || !child?.stdin?.writable) return;
    if (child.stdin.writableLength > UNREAD_BYTES_MAX) kill(child);
    else child.stdin.write(lines);
  }
}

/** `limit`: seconds. Most failures are told by its `error`; some (no memory) are thrown. */
function spawnGuardian(limit: string): Child {
  return spawn(SHELL, ['--noprofile', '--norc', '-p', '-c', GUARDIAN_SCRIPT, 'guardian', limit], {
    argv0: 'wackamole-guardian',
    cwd: '/',
    // Its own session: what ends the agent's process group or terminal does not end the guardian.
    detached: true,
    env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** Never where there is no process: its number would be 0, which means our own process group. */
function kill(child: Child): void {
  if (child.pid !== undefined) child.kill('SIGKILL');
}

function mendFor(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
    case 'EACCES':
      return `install bash at ${SHELL}`;
    case 'EMFILE':
    case 'ENFILE':
      return 'raise the limit of open files (LimitNOFILE)';
    case 'EAGAIN':
      return 'raise the limit of processes (TasksMax, LimitNPROC)';
    default:
      return 'see the error';
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

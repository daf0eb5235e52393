/**
 * Runs a program of the operator's: without a shell, with bounded time and output, in a session and process group of its own that
 * ends with it. It never rejects, and never waits for longer than it was told to. What it may do is what this thread may do
 * (`program-runner.ts` runs it on a thread that may do little).
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Instant, Millis } from '../model/time.ts';
import { monotonicNow } from './clock.ts';
import { closeOnExec } from './libc.ts';
import { type ProgramIdentity, programIdentity, programProblem } from './program-file.ts';

export interface ProgramRequest {
  /** The first word is the absolute path of the program; no shell reads any of them. */
  readonly argv: readonly string[];
  /** After this its process group gets SIGTERM, and half a second later SIGKILL. */
  readonly timeout: Millis;
  /** User, by name or number, it runs as; absent: the user of this process. Another one needs root. */
  readonly user?: string;
  /** Its standard input; absent: empty. It need not read it. */
  readonly stdin?: string;
  /** Beside PATH and LC_ALL, which is all it has otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Characters of each of its two outputs that are kept, the first ones; 4096 unless said. */
  readonly keptMax?: number;
}

/**
 * `exited`: by itself, with a status. `signalled`: by a signal that was not ours. `timeout`, `flooded` (wrote far too much),
 * `aborted`: ended by us. `not-started`: missing, not executable, writable by others, no rights, no room.
 */
export type ProgramEnd = 'exited' | 'signalled' | 'timeout' | 'flooded' | 'aborted' | 'not-started';

export interface ProgramOutcome {
  readonly end: ProgramEnd;
  /** Exit status, where it exited. */
  readonly code?: number;
  /** For people: how it ended, and how to mend that it did not start. */
  readonly reason: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly duration: Millis;
}

const KEPT_DEFAULT = 4096;
/** Who writes more than this to one of its outputs is ended. */
export const FLOOD_BYTES = 1 << 20;
/** Between the two signals, and between the last one and giving up on a process that the kernel does not let go. */
const GRACE: Millis = 500;
/** What was written before the end is read for so long. */
const DRAIN: Millis = 100;
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};

type Child = ChildProcessByStdio<Writable | null, Readable | null, Readable | null>;

export async function runProgram(request: ProgramRequest, signal?: AbortSignal): Promise<ProgramOutcome> {
  const startedAt = monotonicNow();
  const identity = await programIdentity(request.user);
  const problem =
    typeof identity === 'string' ? identity : await programProblem(request.argv[0] ?? '', identity);
  if (problem !== undefined || typeof identity === 'string') return notStarted(problem ?? '', startedAt);
  if (signal?.aborted === true) return { ...notStarted('given up', startedAt), end: 'aborted' };
  try {
    return await new Run(request, start(request, identity), startedAt).untilEnd(signal);
  } catch (error) {
    return notStarted(explain(error, request.argv[0] ?? ''), startedAt);
  }
}

let sealed = false;

/** What we open is closed when a program starts; what whoever started us left open is not, unless we see to it. */
function sealDescriptors(): void {
  if (sealed) return;
  sealed = true;
  for (const name of readdirSync('/proc/self/fd')) {
    // The one that lists them is gone by now.
    if (Number(name) > 2) quietly(() => closeOnExec(Number(name)));
  }
}

/** Throws what Node throws where there is no memory or no descriptor left. */
function start({ argv, env }: ProgramRequest, identity: ProgramIdentity): Child {
  sealDescriptors();
  const [file = '', ...rest] = argv;
  const child: Child = spawn(file, rest, {
    cwd: '/',
    detached: true,
    env: { ...ENVIRONMENT, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(identity.switch && { uid: identity.uid, gid: identity.gid }),
  });
  // The agent is the last to go when memory is short; what it starts is not.
  if (child.pid !== undefined) quietly(() => writeFileSync(`/proc/${child.pid}/oom_score_adj`, '0'));
  return child;
}

class Run {
  readonly #request: ProgramRequest;
  readonly #child: Child;
  readonly #startedAt: Instant;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stdout: Output;
  readonly #stderr: Output;
  /** Why we ended it. */
  #ours: { readonly end: ProgramEnd; readonly reason: string } | undefined;
  #finish: (outcome: ProgramOutcome) => void = () => {};

  constructor(request: ProgramRequest, child: Child, startedAt: Instant) {
    this.#request = request;
    this.#child = child;
    this.#startedAt = startedAt;
    const kept = request.keptMax ?? KEPT_DEFAULT;
    this.#stdout = new Output(kept);
    this.#stderr = new Output(kept);
  }

  untilEnd(signal?: AbortSignal): Promise<ProgramOutcome> {
    const abort = () => this.#end('aborted', 'given up');
    const ended = new Promise<ProgramOutcome>((resolve) => {
      this.#finish = resolve;
    });
    this.#listen();
    const { timeout } = this.#request;
    this.#later(timeout, () => this.#end('timeout', `ended by us: not done after ${timeout} ms`));
    signal?.addEventListener('abort', abort, { once: true });
    return ended.finally(() => {
      signal?.removeEventListener('abort', abort);
      for (const timer of this.#timers) clearTimeout(timer);
      for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) stream?.destroy();
    });
  }

  #listen(): void {
    const child = this.#child;
    child.once('error', (error) => {
      const reason = explain(error, this.#request.argv[0] ?? '');
      this.#finish(notStarted(reason, this.#startedAt));
    });
    child.once('exit', (code, killedBy) => this.#exited(code, killedBy));
    // It need not read what we say.
    child.stdin?.on('error', () => {});
    child.stdin?.end(this.#request.stdin ?? '');
    for (const [stream, output] of [
      [child.stdout, this.#stdout] as const,
      [child.stderr, this.#stderr] as const,
    ]) {
      stream?.on('error', () => {});
      stream?.on('data', (piece: Buffer) => {
        if (output.add(piece)) return;
        stream.destroy();
        this.#end('flooded', `ended by us: it wrote more than ${FLOOD_BYTES} bytes`);
      });
    }
  }

  #end(end: ProgramEnd, reason: string): void {
    if (this.#ours !== undefined) return;
    this.#ours = { end, reason };
    this.#signalGroup('SIGTERM');
    this.#later(GRACE, () => this.#signalGroup('SIGKILL'));
    this.#later(2 * GRACE, () => this.#tell({ end, reason: `${reason}; the kernel does not let it go` }));
  }

  /** What it left running in its group ends with it. */
  #exited(code: number | null, killedBy: string | null): void {
    this.#signalGroup('SIGKILL');
    const own =
      code === null
        ? { end: 'signalled' as const, reason: `ended by ${killedBy}` }
        : { end: 'exited' as const, code, reason: `exit status ${code}` };
    const tell = () => this.#tell(this.#ours ?? own);
    this.#child.once('close', tell);
    this.#later(DRAIN, tell);
  }

  #tell(how: Pick<ProgramOutcome, 'end' | 'code' | 'reason'>): void {
    const texts = { stdout: this.#stdout.text(), stderr: this.#stderr.text() };
    this.#finish({ ...how, ...texts, duration: monotonicNow() - this.#startedAt });
  }

  #signalGroup(name: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child;
    // Without a process the number would mean our own group.
    if (pid !== undefined) quietly(() => process.kill(-pid, name));
  }

  #later(delay: Millis, action: () => void): void {
    this.#timers.add(setTimeout(action, delay));
  }
}

/** The first so many characters of what comes. */
class Output {
  readonly #keptMax: number;
  readonly #pieces: Buffer[] = [];
  #kept = 0;
  #bytes = 0;

  constructor(keptMax: number) {
    this.#keptMax = keptMax;
  }

  /** `false`: too much. */
  add(piece: Buffer): boolean {
    this.#bytes += piece.length;
    const wanted = piece.subarray(0, Math.max(0, this.#keptMax - this.#kept));
    if (wanted.length > 0) this.#pieces.push(Buffer.from(wanted));
    this.#kept += wanted.length;
    return this.#bytes <= Math.max(FLOOD_BYTES, this.#keptMax);
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }
}

function notStarted(reason: string, startedAt: Instant): ProgramOutcome {
  return { end: 'not-started', reason, stdout: '', stderr: '', duration: monotonicNow() - startedAt };
}

function explain(error: unknown, file: string): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `${file} or what runs it (its first line) is not there`;
    case 'EACCES':
      return `${file} may not be run; see its mode, and that its file system is not mounted noexec`;
    case 'EMFILE':
    case 'ENFILE':
      return 'no file descriptor is left; raise the limit (LimitNOFILE)';
    case 'EAGAIN':
      return 'no process more is allowed; raise the limit (TasksMax, LimitNPROC)';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** What may have ended by now. */
function quietly(action: () => unknown): void {
  try {
    action();
  } catch {
    // It has.
  }
}

/**
 * The door to the thread that runs the operator's programs (hooks, checks). The thread is started with the first program and
 * again should it ever end; asking for a program costs the caller's thread a message.
 */
import { scriptUrl } from './layout.ts';
import type { ProgramOutcome, ProgramRequest } from './program.ts';
import type { FromProgramThread, ToProgramThread } from './program-thread.ts';
import { type RunningWorker, startWorker } from './worker-thread.ts';

export interface ProgramRunner {
  /** Never rejects. `signal`: ends the program now. At most 1.2 s later than told by `timeout` or `signal` there is an outcome. */
  run(request: ProgramRequest, signal?: AbortSignal): Promise<ProgramOutcome>;
  /** Ends what runs, at once, and the thread. */
  close(): Promise<void>;
}

export function openProgramRunner(): ProgramRunner {
  return new ThreadedRunner();
}

class ThreadedRunner implements ProgramRunner {
  readonly #waiting = new Map<number, (outcome: ProgramOutcome) => void>();
  #thread: RunningWorker | undefined;
  #number = 0;
  #closed: Promise<void> | undefined;

  run(request: ProgramRequest, signal?: AbortSignal): Promise<ProgramOutcome> {
    if (this.#closed !== undefined) return Promise.resolve(lost('not-started', 'no more programs are run'));
    if (signal?.aborted === true) return Promise.resolve(lost('aborted', 'given up'));
    this.#number += 1;
    const number = this.#number;
    const abort = () => this.#post({ kind: 'abort', number });
    signal?.addEventListener('abort', abort, { once: true });
    return new Promise<ProgramOutcome>((resolve) => {
      this.#waiting.set(number, resolve);
      this.#thread ??= this.#start();
      this.#post({ kind: 'run', number, request });
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const answered = [...this.#waiting].map(([number, resolve]) => {
      this.#post({ kind: 'abort', number });
      return new Promise<void>((done) => {
        this.#waiting.set(number, (outcome) => {
          resolve(outcome);
          done();
        });
      });
    });
    await Promise.all(answered);
    await this.#thread?.terminate();
  }

  #start(): RunningWorker {
    const script = scriptUrl('platform/program-thread.ts');
    const thread = startWorker(
      { script, data: undefined },
      {
        message: (message) => {
          const { number, outcome } = message as FromProgramThread;
          this.#answer(number, outcome);
        },
        ended: (reason) => this.#ended(reason),
      },
    );
    thread.keepAlive(false);
    return thread;
  }

  /** What it ran may go on, out of our sight; nobody waits for it any more. */
  #ended(reason: string): void {
    this.#thread = undefined;
    for (const number of [...this.#waiting.keys()])
      this.#answer(number, lost('aborted', `the thread that ran it ended: ${reason}`));
  }

  #answer(number: number, outcome: ProgramOutcome): void {
    const resolve = this.#waiting.get(number);
    this.#waiting.delete(number);
    resolve?.(outcome);
  }

  #post(message: ToProgramThread): void {
    this.#thread?.post(message);
  }
}

function lost(end: 'aborted' | 'not-started', reason: string): ProgramOutcome {
  return { end, reason, stdout: '', stderr: '', duration: 0 };
}

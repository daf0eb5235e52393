/**
 * The thread that speaks with corosync, seen from the agent's main thread: one for the whole process, for one member after the other.
 * It may stand still in a call of the daemon's library for as long as the daemon does; then nobody else gets it, and at the end the
 * process goes without waiting for it.
 */
import type { Millis } from '../../model/time.ts';
import { scriptUrl } from '../../platform/layout.ts';
import { closeDescriptor, type Descriptor, endProcess, shutDownSocket } from '../../platform/libc.ts';
import { type Watch, watchHangUp } from '../../platform/poll.ts';
import { type RunningWorker, startWorker } from '../../platform/worker-thread.ts';
import type { FromThread, RunStart, ThreadData, ToThread } from './thread-messages.ts';

export interface RunHandlers {
  readonly message: (message: FromThread) => void;
  /** The daemon has closed its end, and the thread has not said so: it waits for an answer that does not come. */
  readonly hungUp: () => void;
  /** The thread is gone. */
  readonly ended: (reason: string) => void;
}

/** For the thread to say by itself that the daemon is gone, and why. */
const HANG_UP_MS: Millis = 50;

export class CorosyncThread {
  readonly #network: string | undefined;
  #worker: RunningWorker | undefined;
  /** Whose run it is; undefined: nobody's. */
  #run: RunHandlers | undefined;
  #words: SharedArrayBuffer | undefined;
  #handles: readonly Descriptor[] = [];
  #watches: readonly Watch[] = [];
  #hangUp: NodeJS.Timeout | undefined;
  /** It was cut off, and its run is not over yet. */
  #stuck = false;
  #free = Promise.withResolvers<void>();

  /** @param network path of the network namespace it lives in, for tests with several daemons; ours unless given */
  constructor(network?: string) {
    this.#network = network;
  }

  /** False: the last run is not over within that time. */
  async waitUntilFree(within: Millis): Promise<boolean> {
    if (this.#run === undefined) return true;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, within);
    await Promise.race([this.#free.promise, late.promise]);
    clearTimeout(timer);
    return this.#run === undefined;
  }

  /** Only while it is free. */
  begin(start: RunStart, handlers: RunHandlers): void {
    this.#run = handlers;
    this.#words = start.words;
    this.#free = Promise.withResolvers<void>();
    try {
      this.#worker ??= this.#start();
    } catch (error) {
      return this.#ended(`it could not be started: ${String(error)}`);
    }
    this.#worker.keepAlive(true);
    this.post({ kind: 'join', start });
  }

  post(message: ToThread, transfer?: readonly ArrayBuffer[]): void {
    this.#worker?.post(message, transfer);
  }

  /** Makes the daemon's library return from whatever it waits for, if the run is still that one, which then ends by itself, in a few seconds at most. */
  cutOff(words = this.#words): void {
    if (words === undefined || this.#words !== words) return;
    if (!this.#stuck) process.once('exit', this.#goWithoutIt);
    this.#stuck = true;
    for (const handle of this.#handles) shutDownSocket(handle);
    this.#worker?.keepAlive(false);
  }

  #start(): RunningWorker {
    const script = scriptUrl('group/corosync/corosync-worker.ts');
    return startWorker(
      { script, data: { network: this.#network } satisfies ThreadData },
      {
        message: (told) => this.#message(told as FromThread),
        ended: (reason) => this.#ended(reason),
      },
    );
  }

  #message(message: FromThread): void {
    if (message.kind === 'joined') {
      this.#handles = message.handles;
      this.#watches = this.#handles.map((handle) => watchHangUp(handle, () => this.#hungUp()));
    }
    const run = this.#run;
    if (message.kind === 'over') this.#release();
    run?.message(message);
  }

  /** libqb looks for the end of a connection only every two seconds while it waits for an answer. */
  #hungUp(): void {
    this.#hangUp ??= setTimeout(() => this.#run?.hungUp(), HANG_UP_MS);
  }

  #ended(reason: string): void {
    this.#worker = undefined;
    const run = this.#run;
    this.#release();
    run?.ended(reason);
  }

  #release(): void {
    this.#run = undefined;
    this.#words = undefined;
    this.#stuck = false;
    process.off('exit', this.#goWithoutIt);
    clearTimeout(this.#hangUp);
    this.#hangUp = undefined;
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
    for (const handle of this.#handles) closeDescriptor(handle);
    this.#handles = [];
    this.#free.resolve();
    this.#worker?.keepAlive(false);
  }

  /** Node waits for its threads at the end, and this one may wait for a daemon that does not come back. */
  readonly #goWithoutIt = (code: number): void => endProcess(code);
}

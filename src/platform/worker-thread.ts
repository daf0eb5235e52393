/**
 * The door to a thread of its own: starting one, at once or in two steps (a start of a thread takes as long as one of a process), and
 * from inside it the way back.
 */
import { getCompileCacheDir } from 'node:module';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { scriptUrl } from './layout.ts';

export interface WorkerHandlers {
  readonly message: (message: unknown) => void;
  /** It ended, asked for or not; called once. `reason` is for people. */
  readonly ended: (reason: string) => void;
}

export interface RunningWorker {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Ends it wherever it is. Resolves when it is gone. Idempotent. */
  terminate(): Promise<void>;
  /** Whether it keeps the process running; it does at first. */
  keepAlive(keeps: boolean): void;
}

export interface WorkerStart {
  readonly script: URL;
  /** Copied into the thread. */
  readonly data: unknown;
  /** Its JavaScript heap may grow to so many MiB, then it ends; absent: to what the process may have. */
  readonly heapMib?: number;
}

/** What `worker-entry.ts` is handed. */
export interface ThreadBoot {
  readonly script: string;
  readonly data: unknown;
  readonly compileCache: string | undefined;
  /** The data comes with the first message instead. */
  readonly prepared: boolean;
}

/** Starts a thread; its uncaught error, its exit and its out-of-memory all arrive at `ended`. */
export function startWorker(start: WorkerStart, handlers: WorkerHandlers): RunningWorker {
  return running(newWorker(start, false), handlers);
}

/** A thread that loads its script and then waits for what it is to work with. It does not keep the process running. */
export interface PreparedWorker {
  readonly script: URL;
  /** As {@link startWorker} with its script; once. Where the thread has ended meanwhile, `ended` hears so afterwards. */
  begin(data: unknown, handlers: WorkerHandlers): RunningWorker;
  /** Ends it unused. Does nothing once it was begun. */
  drop(): void;
}

/** Throws where no thread can be started. The script has to ask {@link WorkerHome.begun} for its data. */
export function prepareWorker(script: URL): PreparedWorker {
  const worker = newWorker({ script, data: undefined }, true);
  let begun: WorkerHandlers | undefined;
  let end: string | undefined;
  const shell = running(worker, {
    message: (message) => begun?.message(message),
    ended: (reason) => {
      end = reason;
      begun?.ended(reason);
    },
  });
  // Last: whoever listens to a thread keeps the process running for it.
  worker.unref();
  return {
    script,
    begin: (data, handlers) => {
      if (begun !== undefined) throw new Error('a prepared thread can be begun once');
      begun = handlers;
      worker.ref();
      shell.post(data);
      if (end !== undefined) queueMicrotask(() => handlers.ended(end!));
      return shell;
    },
    drop: () => {
      if (begun === undefined) void shell.terminate();
    },
  };
}

function newWorker({ script, data, heapMib }: WorkerStart, prepared: boolean): Worker {
  // A thread does not inherit the compile cache, and compiling costs five times as much as starting.
  const boot: ThreadBoot = { script: script.href, data, compileCache: getCompileCacheDir(), prepared };
  return new Worker(scriptUrl('platform/worker-entry.ts'), {
    workerData: boot,
    ...(heapMib !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMib } }),
  });
}

function running(worker: Worker, handlers: WorkerHandlers): RunningWorker {
  let failure: string | undefined;
  worker.on('message', handlers.message);
  worker.on('messageerror', (error) => {
    failure ??= `its message could not be read: ${error.message}`;
    void worker.terminate();
  });
  worker.on('error', (error) => {
    failure ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
  });
  worker.on('exit', (code) => handlers.ended(failure ?? `the thread ended with code ${code}`));
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    terminate: async () => {
      await worker.terminate();
    },
    keepAlive: (keeps) => (keeps ? worker.ref() : worker.unref()),
  };
}

/** From inside a thread: what it was started with, and its way to the starter. */
export interface WorkerHome {
  readonly data: unknown;
  /** The data, also where the thread was prepared and gets it later; then the only way to it. To be called at most once. */
  begun(): Promise<unknown>;
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  listen(handler: (message: unknown) => void): void;
  /** Stops listening, so that the thread can end by itself. */
  close(): void;
}

/** Throws when called on the main thread. */
export function workerHome(): WorkerHome {
  const port = parentPort;
  if (port === null) throw new Error('this code runs only inside a worker thread');
  const { data, prepared } = workerData as ThreadBoot;
  const inbox = new Inbox(port);
  return {
    data,
    begun: () => (prepared ? inbox.first() : Promise.resolve(data)),
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    listen: (handler) => inbox.listen(handler),
    close: () => port.close(),
  };
}

/** What comes after the first message waits until somebody listens: a port drops what nobody takes. */
class Inbox {
  readonly #port: MessagePort;
  readonly #waiting: unknown[] = [];
  #first: ((message: unknown) => void) | undefined;
  #handler: ((message: unknown) => void) | undefined;
  #open = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  first(): Promise<unknown> {
    return new Promise((resolve) => {
      this.#first = resolve;
      this.#begin();
    });
  }

  listen(handler: (message: unknown) => void): void {
    this.#handler = handler;
    for (const message of this.#waiting.splice(0)) handler(message);
    this.#begin();
  }

  #begin(): void {
    if (!this.#open) this.#port.on('message', (message: unknown) => this.#take(message));
    this.#open = true;
  }

  #take(message: unknown): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) first(message);
    else if (this.#handler === undefined) this.#waiting.push(message);
    else this.#handler(message);
  }
}

/** The door to a thread of its own: starting one, and from inside it the way back. */
import { getCompileCacheDir } from 'node:module';
import { parentPort, Worker, workerData } from 'node:worker_threads';
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
}

/** Starts a thread; its uncaught error, its exit and its out-of-memory all arrive at `ended`. */
export function startWorker(start: WorkerStart, handlers: WorkerHandlers): RunningWorker {
  // A thread does not inherit the compile cache, and compiling costs five times as much as starting.
  const boot: ThreadBoot = {
    script: start.script.href,
    data: start.data,
    compileCache: getCompileCacheDir(),
  };
  const worker = new Worker(scriptUrl('platform/worker-entry.ts'), {
    workerData: boot,
    ...(start.heapMib !== undefined && { resourceLimits: { maxOldGenerationSizeMb: start.heapMib } }),
  });
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
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  listen(handler: (message: unknown) => void): void;
  /** Stops listening, so that the thread can end by itself. */
  close(): void;
}

/** Throws when called on the main thread. */
export function workerHome(): WorkerHome {
  const port = parentPort;
  if (port === null) throw new Error('this code runs only inside a worker thread');
  return {
    data: (workerData as ThreadBoot).data,
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    listen: (handler) => void port.on('message', handler),
    close: () => port.close(),
  };
}

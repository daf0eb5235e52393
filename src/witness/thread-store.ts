/** A witness's store on a thread of its own, as seen from the agent: each call ends in time, and a thread that breaks is started again. */
import { type RunningWorker, startWorker } from '../platform/worker-thread.ts';
import type { Reading, WitnessRecord, WitnessStore, Writing } from './store.ts';
import type { FromThread, ToThread, WitnessThreadData } from './thread-messages.ts';

interface Waiting {
  readonly settle: (answer: Reading | Writing) => void;
  readonly fail: (error: Error) => void;
}

export interface ThreadStoreSettings {
  /** `witness/witness-thread.ts`. */
  readonly script: URL;
  readonly data: WitnessThreadData;
}

const HEAP_MIB = 256;

export function createThreadStore(settings: ThreadStoreSettings): WitnessStore {
  return new ThreadStore(settings);
}

class ThreadStore implements WitnessStore {
  readonly #settings: ThreadStoreSettings;
  #worker: RunningWorker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;
  #closed = false;

  constructor(settings: ThreadStoreSettings) {
    this.#settings = settings;
  }

  read(signal: AbortSignal): Promise<Reading> {
    return this.#ask((number) => ({ kind: 'read', number }), signal) as Promise<Reading>;
  }

  write(record: WitnessRecord, version: string | undefined, signal: AbortSignal): Promise<Writing> {
    return this.#ask((number) => ({ kind: 'write', number, record, version }), signal) as Promise<Writing>;
  }

  close(): void {
    this.#closed = true;
    void this.#worker?.terminate();
  }

  /** Rejects as soon as the signal is raised, whatever the thread does. */
  #ask(message: (number: number) => ToThread, signal: AbortSignal): Promise<Reading | Writing> {
    if (this.#closed) return Promise.reject(new Error('the agent ends'));
    if (signal.aborted) return Promise.reject(new Error('given up before it began'));
    const number = ++this.#number;
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const give = () => {
        this.#waiting.get(number)?.fail(new Error('no answer in time'));
        worker.post({ kind: 'abort', number } satisfies ToThread);
      };
      const over = () => {
        this.#waiting.delete(number);
        signal.removeEventListener('abort', give);
      };
      this.#waiting.set(number, {
        settle: (answer) => {
          over();
          resolve(answer);
        },
        fail: (error) => {
          over();
          reject(error);
        },
      });
      signal.addEventListener('abort', give, { once: true });
      worker.post(message(number));
    });
  }

  #start(): RunningWorker {
    const { script, data } = this.#settings;
    const worker = startWorker(
      { script, data, heapMib: HEAP_MIB },
      {
        message: (message) => this.#told(message as FromThread),
        ended: (reason) => this.#ended(worker, reason),
      },
    );
    worker.keepAlive(false);
    return worker;
  }

  #told(message: FromThread): void {
    const waiting = this.#waiting.get(message.number);
    if (message.kind === 'answer') waiting?.settle(message.answer);
    else waiting?.fail(new Error(message.reason));
  }

  /** The next call starts another. */
  #ended(worker: RunningWorker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined;
    const [first = reason] = reason.split('\n');
    for (const waiting of [...this.#waiting.values()]) waiting.fail(new Error(first));
  }
}

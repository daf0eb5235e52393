/**
 * One run of a provider's thread, from its start to its end, seen from the agent's thread: questions and answers, and whether it is
 * still there. It knows nothing of VIPs; every question asked is answered, at the latest when the thread is gone. Never throws.
 */
import type { Millis } from '../model/time.ts';
import { type RunningWorker, startWorker } from '../platform/worker-thread.ts';
import { type FromThread, readFromThread, type ToThread, type Verb } from './messages.ts';

export interface ThreadSettings {
  /** Entry script; it calls `serveProvider`. */
  readonly script: URL;
  /** Copied into the thread. */
  readonly data: unknown;
  readonly heapMib: number;
  readonly bounds: ThreadBounds;
}

export interface ThreadBounds {
  /** Longest until it has loaded its provider. */
  readonly load: Millis;
  /** An aborted call settles within 100 ms by contract; a thread that has not answered after this is hung. */
  readonly deaf: Millis;
  /** Ticks of the agent (200 ms each) that a look may remain unanswered. */
  readonly ticksUnanswered: number;
  /** Longest goodbye. */
  readonly stop: Millis;
}

export interface ThreadListeners {
  event(event: unknown): void;
  /** It is gone, asked for or not; called once, after all questions were answered so. */
  ended(reason: string): void;
}

export type Reply =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly reason: string }
  | { readonly kind: 'gone'; readonly reason: string };

export interface Question {
  readonly number: number;
  /** Always resolves. */
  readonly reply: Promise<Reply>;
}

export type Loaded = Extract<FromThread, { kind: 'loaded' }>;

/** The provider cannot be made, and another attempt would end in the same way. */
export class ProviderRefused extends Error {}

/** Every so many ticks it is asked whether it is well, sooner while it owes an answer. */
const LOOK_TICKS = 50;
const LOOK_TICKS_BUSY = 5;
/** More events than this in a second are no news but a fault, which would keep the agent busy. */
const EVENTS_A_SECOND_MAX = 5_000;

interface Open {
  readonly settle: (reply: Reply) => void;
  deafTimer?: NodeJS.Timeout;
}

export class ProviderThread {
  readonly #settings: ThreadSettings;
  readonly #listeners: ThreadListeners;
  readonly #open = new Map<number, Open>();
  readonly #loading = Promise.withResolvers<Loaded>();
  readonly #gone = Promise.withResolvers<void>();
  #worker: RunningWorker | undefined;
  #loaded: Loaded | undefined;
  #number = 0;
  #loadTimer: NodeJS.Timeout | undefined;
  #reason: string | undefined;
  #ended = false;
  #lookedTicks: number | undefined;
  #ticksSinceLook = 0;
  #events = 0;
  #eventsSince = 0;

  constructor(settings: ThreadSettings, listeners: ThreadListeners) {
    this.#settings = settings;
    this.#listeners = listeners;
    this.#loading.promise.catch(() => undefined);
  }

  /** Rejects with {@link ProviderRefused} where it is no use to try again, else with an Error. */
  load(): Promise<Loaded> {
    const { script, data, heapMib, bounds } = this.#settings;
    const late = `it has not loaded within ${bounds.load / 1000} s`;
    this.#loadTimer = setTimeout(() => this.end(late), bounds.load);
    try {
      this.#worker = startWorker(
        { script, data, heapMib },
        { message: (message) => this.#message(message), ended: (reason) => this.#wasEnded(reason) },
      );
    } catch (error) {
      this.#wasEnded(`it could not be started: ${String(error)}`);
    }
    return this.#loading.promise;
  }

  ask(verb: Verb, words: readonly unknown[]): Question {
    this.#number += 1;
    const number = this.#number;
    const reply = new Promise<Reply>((settle) => {
      if (this.#ended || this.#reason !== undefined)
        return settle({ kind: 'gone', reason: this.#reason ?? 'it has ended' });
      this.#open.set(number, { settle });
      this.#post({ kind: 'request', number, verb, words });
    });
    return { number, reply };
  }

  /** Its answer is not wanted any more; one that does not come at all ends the thread. */
  abort(number: number): void {
    const open = this.#open.get(number);
    if (open === undefined || open.deafTimer !== undefined) return;
    this.#post({ kind: 'abort', number });
    const { deaf } = this.#settings.bounds;
    open.deafTimer = setTimeout(
      () => this.end(`it did not answer within ${deaf} ms of being told to stop`),
      deaf,
    );
  }

  tell(what: 'configure' | 'announce', vips: readonly unknown[]): void {
    this.#post({ kind: 'tell', what, vips });
  }

  /** The agent is well. Looks now and then whether the thread is; counted in ticks, since during a stall of ours none was asked. */
  tick(): void {
    if (this.#loaded === undefined) return;
    this.#ticksSinceLook += 1;
    if (this.#lookedTicks !== undefined) {
      this.#lookedTicks += 1;
      if (this.#lookedTicks > this.#settings.bounds.ticksUnanswered) return this.end('it hangs');
    }
    const due = this.#open.size > 0 ? LOOK_TICKS_BUSY : LOOK_TICKS;
    const look = this.#lookedTicks === undefined && this.#ticksSinceLook >= due;
    if (look) {
      this.#ticksSinceLook = 0;
      this.#lookedTicks = 0;
    }
    if (look || this.#loaded.ticks) this.#post({ kind: 'tick', look });
  }

  /** Ends it wherever it is. Whoever waits for an answer is told at once; `ended` follows when it is gone. */
  end(reason: string): void {
    this.#reason ??= reason;
    this.#settleAll(this.#reason);
    void this.#worker?.terminate();
  }

  /** Lets the provider close everything, then ends it. Resolves when it is gone, or cannot be got rid of. */
  async stop(): Promise<void> {
    if (this.#ended || this.#worker === undefined) return;
    const { stop } = this.#settings.bounds;
    const late = setTimeout(() => this.end('it was stopped'), stop);
    await this.ask('stop', []).reply;
    clearTimeout(late);
    this.end('it was stopped');
    const stuck = setTimeout(this.#gone.resolve, stop);
    await this.#gone.promise;
    clearTimeout(stuck);
  }

  #post(message: ToThread): void {
    if (!this.#ended) this.#worker?.post(message);
  }

  #message(posted: unknown): void {
    // What was on its way when we gave it up.
    if (this.#reason !== undefined) return;
    const message = readFromThread(posted);
    if (message === undefined) return this.end('it posted what is none of our messages');
    switch (message.kind) {
      case 'loaded':
        clearTimeout(this.#loadTimer);
        this.#loaded = message;
        return this.#loading.resolve(message);
      case 'refused':
        this.#loading.reject(new ProviderRefused(message.reason));
        return this.end(message.reason);
      case 'answer':
        return this.#settle(message.number, { kind: 'answer', value: message.value });
      case 'threw':
        return this.#settle(message.number, { kind: 'threw', reason: message.reason });
      case 'event':
        if (this.#floods()) return this.end('it tells events without end');
        return this.#listeners.event(message.event);
      case 'well':
        this.#lookedTicks = undefined;
    }
  }

  #floods(): boolean {
    const now = performance.now();
    if (now - this.#eventsSince > 1000) {
      this.#eventsSince = now;
      this.#events = 0;
    }
    this.#events += 1;
    return this.#events > EVENTS_A_SECOND_MAX;
  }

  #settle(number: number, reply: Reply): void {
    const open = this.#open.get(number);
    this.#open.delete(number);
    clearTimeout(open?.deafTimer);
    open?.settle(reply);
  }

  #settleAll(reason: string): void {
    for (const number of [...this.#open.keys()]) this.#settle(number, { kind: 'gone', reason });
  }

  #wasEnded(told: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // Of a stack the first line is for people.
    this.#reason ??= told.split('\n', 1)[0] ?? told;
    const reason = this.#reason;
    clearTimeout(this.#loadTimer);
    this.#loading.reject(new Error(reason));
    this.#settleAll(reason);
    this.#gone.resolve();
    this.#listeners.ended(reason);
  }
}

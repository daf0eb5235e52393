/**
 * A provider on a thread of its own: whatever an SDK or somebody else's code does there, load for a second, leak, hang, crash, never
 * delays the agent's thread. It keeps the contract of providers itself: each call is bounded and answered; while the thread is gone
 * what is held counts as held, nothing new is taken, and the thread is started again. Decides nothing, and touches no address.
 */
import type { Millis } from '../model/time.ts';
import type { ProviderName, Vip } from '../model/vip.ts';
import type {
  AcquireRequest,
  Check,
  OutcomeCode,
  Provider,
  ProviderEvent,
  ProviderTraits,
  RehearsalContext,
  VipOutcome,
} from '../provider/provider.ts';
import { Beliefs } from './beliefs.ts';
import type { Verb } from './messages.ts';
import { type Loaded, ProviderThread, type ThreadBounds } from './provider-thread.ts';
import { type Settled, settled, wordsOf } from './settled.ts';

export { ProviderRefused } from './provider-thread.ts';

export interface IsolationSettings {
  readonly name: ProviderName;
  /** Entry script of the thread; it calls `serveProvider`. */
  readonly script: URL;
  /** Copied into the thread. */
  readonly data: unknown;
  readonly heapMib?: number;
  readonly bounds?: Partial<IsolationBounds>;
}

export interface IsolationBounds extends ThreadBounds {
  /** Longest for `start`. */
  readonly start: Millis;
  /** Longest for any other call, whatever its signal says. */
  readonly call: Millis;
  /** After an abort its own answer is waited for so long; then it is answered for. */
  readonly grace: Millis;
  /** Before the first restart, and the longest before a later one; doubles in between. */
  readonly restartMin: Millis;
  readonly restartMax: Millis;
  /** A thread that ran for so long begins with the shortest wait again. */
  readonly steady: Millis;
  /** Gone for so long, this host counts as unable to take anything. */
  readonly unableAfter: Millis;
}

const BOUNDS: IsolationBounds = {
  load: 30_000,
  start: 15_000,
  call: 30_000,
  grace: 80,
  deaf: 2_000,
  ticksUnanswered: 50,
  stop: 2_000,
  restartMin: 200,
  restartMax: 30_000,
  steady: 60_000,
  unableAfter: 1_000,
};

const HEAP_MIB = 256;

/**
 * Starts the thread and loads the provider in it, so that it is warm before the agent joins. Rejects with `ProviderRefused` where it
 * cannot be made at all, else with an Error; both are for a person. The thread keeps the process running until `stop`.
 */
export async function createIsolatedProvider(settings: IsolationSettings): Promise<Provider> {
  const isolated = new IsolatedProvider(settings);
  await isolated.load();
  return isolated;
}

/** `idle`: loaded, not started. `down`: the thread is gone and will be started again. */
type State = 'unloaded' | 'idle' | 'starting' | 'running' | 'down';

interface Call {
  readonly vips: readonly Vip[];
  /** As the provider takes them, without the signal. */
  readonly words: readonly unknown[];
  readonly signal: AbortSignal;
}

class IsolatedProvider implements Provider {
  readonly name: ProviderName;
  readonly #settings: IsolationSettings;
  readonly #bounds: IsolationBounds;
  readonly #beliefs = new Beliefs();
  /** Calls that wait for the thread to run. */
  readonly #waiting = new Set<() => void>();
  #traits: ProviderTraits | undefined;
  #state: State = 'unloaded';
  #thread: ProviderThread | undefined;
  #vips: readonly Vip[] = [];
  #listener: (event: ProviderEvent) => void = () => {};
  #endedBecause = '';
  /** In a row. */
  #deaths = 0;
  #runningSince = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #unableTimer: NodeJS.Timeout | undefined;
  /** What the provider itself told and did not take back. */
  #ownTrouble: ProviderEvent | undefined;

  constructor(settings: IsolationSettings) {
    this.name = settings.name;
    this.#settings = settings;
    this.#bounds = { ...BOUNDS, ...settings.bounds };
  }

  get traits(): ProviderTraits {
    if (this.#traits === undefined) throw new Error(`provider ${this.name} is not loaded yet`);
    return this.#traits;
  }

  async load(): Promise<void> {
    const { traits } = await this.#open();
    this.#traits = traits;
    this.#state = 'idle';
  }

  async start(vips: readonly Vip[], listener: (event: ProviderEvent) => void): Promise<void> {
    if (this.#state === 'unloaded') await this.load();
    const thread = this.#thread;
    if (this.#state !== 'idle' || thread === undefined)
      throw new Error(`provider ${this.name} was started twice`);
    this.#vips = vips;
    this.#listener = listener;
    this.#beliefs.forget();
    this.#deaths = 0;
    this.#state = 'starting';
    const started = await this.#begin(thread, []);
    if (started.kind === 'answer') return this.#run(thread);
    if (started.kind === 'threw') {
      await this.stop();
      throw new Error(started.reason);
    }
    // It crashed or hangs: the other providers of this host shall serve all the same.
    thread.end(wordsOf(started));
    this.#unable();
  }

  configure(vips: readonly Vip[]): void {
    this.#vips = vips;
    if (this.#state === 'running') this.#thread?.tell('configure', vips);
  }

  inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#outcomes('inspect', { vips, words: [vips], signal });
  }

  async acquire(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const vips = requests.map(({ vip }) => vip);
    if (!signal.aborted) {
      // Another member can have it at once: nobody waits for us.
      if (this.#state !== 'running') return this.#outcomesOf(vips, 'failed', this.#absence());
      this.#beliefs.acquiring(vips);
    }
    return this.#outcomes('acquire', { vips, words: [requests, fence], signal });
  }

  release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#outcomes('release', { vips, words: [vips], signal });
  }

  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    if (!signal.aborted && this.#state !== 'running')
      return this.#outcomesOf(vips, 'failed', this.#absence());
    return this.#outcomes('renew', { vips, words: [vips], signal });
  }

  announce(vips: readonly Vip[]): void {
    if (this.#state === 'running') this.#thread?.tell('announce', vips);
  }

  tick(): void {
    this.#thread?.tick();
  }

  async test(
    vips: readonly Vip[],
    signal: AbortSignal,
    context?: RehearsalContext,
  ): Promise<readonly Check[]> {
    const thread = await this.#present(signal);
    const answer: Settled =
      thread === undefined
        ? { kind: 'gone', reason: this.#absence() }
        : await settled(thread, thread.ask('test', [vips, context]), { ...this.#patience, signal });
    if (answer.kind === 'answer' && Array.isArray(answer.value)) return answer.value as readonly Check[];
    const detail = `no answer: ${wordsOf(answer)}`;
    const mend = 'see to what it says; the log of the agent may say more';
    return [{ what: `provider ${this.name}`, verdict: 'unknown', detail, mend }];
  }

  async stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    this.#forgetUnable();
    this.#state = 'unloaded';
    this.#endedBecause = '';
    this.#listener = () => {};
    const thread = this.#thread;
    this.#thread = undefined;
    this.#wake();
    await thread?.stop();
  }

  // --- the thread ---

  #open(): Promise<Loaded> {
    const { script, data, heapMib = HEAP_MIB } = this.#settings;
    const thread: ProviderThread = new ProviderThread(
      { script, data, heapMib, bounds: this.#bounds },
      {
        event: (event) => {
          if (this.#thread === thread) this.#event(event);
        },
        ended: (reason) => {
          if (this.#thread === thread) this.#ended(reason);
        },
      },
    );
    this.#thread = thread;
    return thread.load();
  }

  #begin(thread: ProviderThread, adopt: readonly Vip[]): Promise<Settled> {
    const question = thread.ask('start', [this.#vips, adopt]);
    return settled(thread, question, { ...this.#patience, bound: this.#bounds.start });
  }

  #run(thread: ProviderThread): void {
    // Told again, since a reload may have come while it started.
    thread.tell('configure', this.#vips);
    this.#state = 'running';
    this.#runningSince = performance.now();
    this.#wake();
  }

  #ended(reason: string): void {
    this.#thread = undefined;
    this.#endedBecause = reason;
    if (this.#state === 'unloaded' || this.#state === 'idle') {
      // Nobody relies on it yet; `start` loads it again.
      this.#state = 'unloaded';
      return;
    }
    const { restartMin, restartMax, steady, unableAfter } = this.#bounds;
    if (this.#state === 'running' && performance.now() - this.#runningSince > steady) this.#deaths = 0;
    this.#state = 'down';
    this.#ownTrouble = undefined;
    const delay = Math.min(restartMin * 2 ** Math.min(this.#deaths, 20), restartMax);
    this.#deaths += 1;
    this.#listener({ kind: 'trouble', reason: this.#absence(), confined: true });
    this.#restartTimer = setTimeout(() => void this.#restart(), delay);
    this.#unableTimer ??= setTimeout(() => this.#unable(), unableAfter);
  }

  /** Whatever goes wrong here ends the new thread, which is then down as the one before it was. */
  async #restart(): Promise<void> {
    this.#beliefs.startAnew();
    try {
      await this.#open();
    } catch {
      return;
    }
    const thread = this.#thread;
    if (this.#state !== 'down' || thread === undefined) return;
    const held = this.#beliefs.held;
    const started = await this.#begin(thread, held);
    if (started.kind !== 'answer') return thread.end(wordsOf(started));
    if (held.length > 0) await this.#lookAt(thread, held);
    if (this.#thread !== thread) return;
    this.#forgetUnable();
    this.#beliefs.startedAnew((event) => this.#listener(event));
    this.#run(thread);
    this.#listener(this.#ownTrouble ?? { kind: 'trouble', reason: undefined });
  }

  /** What became of them while the thread was gone. Where there is no answer the next renewal will tell. */
  async #lookAt(thread: ProviderThread, held: readonly Vip[]): Promise<void> {
    const answer = await this.#ask(thread, 'inspect', { vips: held, words: [held] });
    if (answer.kind !== 'answer' || this.#thread !== thread) return;
    for (const { id } of held) {
      if (this.#beliefs.mayHold(id)) continue;
      this.#listener({ kind: 'lost', vip: id, reason: `it is gone since ${this.#absence()}` });
    }
  }

  #event(event: unknown): void {
    this.#beliefs.notice(event);
    const { kind, reason } = (event ?? {}) as Record<string, unknown>;
    if (kind === 'trouble') {
      this.#ownTrouble = reason === undefined ? undefined : (event as ProviderEvent);
      // Ours stands until the thread runs again.
      if (this.#state === 'down') return;
    }
    this.#listener(event as ProviderEvent);
  }

  #unable(): void {
    this.#beliefs.unable(this.#vips, this.#absence(), (event) => this.#listener(event));
  }

  #forgetUnable(): void {
    clearTimeout(this.#unableTimer);
    this.#unableTimer = undefined;
  }

  #absence(): string {
    if (this.#endedBecause === '') return `the thread of provider ${this.name} does not run`;
    return `the thread of provider ${this.name} ended: ${this.#endedBecause}`;
  }

  /** The thread once it can answer; undefined where that takes too long, is not wanted any more, or will not be. */
  async #present(signal: AbortSignal): Promise<ProviderThread | undefined> {
    if (this.#state === 'down' || this.#state === 'starting') {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, this.#bounds.call);
        signal.addEventListener('abort', done, { once: true });
        this.#waiting.add(done);
      });
    }
    return this.#state === 'running' || this.#state === 'idle' ? this.#thread : undefined;
  }

  #wake(): void {
    for (const waiter of [...this.#waiting]) waiter();
  }

  // --- calls ---

  get #patience() {
    const { call: bound, grace } = this.#bounds;
    return { bound, grace };
  }

  /** What the answer says is learnt, however late it comes. */
  #ask(
    thread: ProviderThread,
    verb: Verb,
    { vips, words, signal }: Omit<Call, 'signal'> & { readonly signal?: AbortSignal },
  ): Promise<Settled> {
    const question = thread.ask(verb, words);
    void question.reply.then((reply) => {
      if (reply.kind === 'answer') this.#beliefs.learn(vips, reply.value);
    });
    return settled(thread, question, { ...this.#patience, ...(signal !== undefined && { signal }) });
  }

  async #outcomes(verb: Verb, call: Call): Promise<readonly VipOutcome[]> {
    const { vips, signal } = call;
    if (vips.length === 0) return [];
    if (signal.aborted) return this.#outcomesOf(vips, 'aborted', 'given up before it was done');
    const thread = await this.#present(signal);
    if (thread === undefined)
      return this.#outcomesOf(vips, signal.aborted ? 'aborted' : 'failed', this.#absence());
    const answer = await this.#ask(thread, verb, call);
    if (answer.kind === 'threw') throw new Error(answer.reason);
    if (answer.kind !== 'answer')
      return this.#outcomesOf(vips, answer.kind === 'gone' ? 'failed' : answer.kind, wordsOf(answer));
    if (!Array.isArray(answer.value)) throw new Error('the answer is no list of outcomes');
    const outcomes = answer.value as readonly VipOutcome[];
    return answer.overdue === true
      ? outcomes.map((one) => (one?.code === 'aborted' ? late(one) : one))
      : outcomes;
  }

  /** For all of a call that was not answered: what was held stays held, and what may be, may be. */
  #outcomesOf(vips: readonly Vip[], code: OutcomeCode, reason: string): readonly VipOutcome[] {
    const once = [...new Set(vips.map(({ id }) => id))];
    return once.map((vip) => ({ vip, held: this.#beliefs.mayHold(vip), code, reason }));
  }
}

function late(outcome: VipOutcome): VipOutcome {
  return { ...outcome, code: 'timeout', reason: `not done in time: ${outcome.reason}` };
}

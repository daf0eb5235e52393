/**
 * The far side of an isolated provider: runs it inside a thread of its own and answers for it. What the provider says is cut down to
 * what the contract knows before it crosses the border, so that no answer keeps the agent's thread busy by its size.
 */

import type { Vip } from '../model/vip.ts';
import { setThreadPriority } from '../platform/priority.ts';
import type { WorkerHome } from '../platform/worker-thread.ts';
import type { AcquireRequest, Provider, ProviderEvent, RehearsalContext } from '../provider/provider.ts';
import type { FromThread, ToThread, Verb } from './messages.ts';

/** The agent and its heartbeats run at -20: loading an SDK must not compete with them. */
const NICE_LOADING = 5;
/** Once it is loaded: ahead of what else the host is busy with, since somebody waits for the VIP; where that is not allowed, as before. */
const NICE_SERVING = -5;
/** Memory outside of the JavaScript heap, which the heap's own limit does not count. */
const EXTERNAL_MIB_MAX = 256;
/** Entries of an answer beyond one for each VIP asked for. */
const EXTRA_ENTRIES_MAX = 100;
const CHECKS_MAX = 10_000;
const FIELDS_MAX = 16;
const TEXT_MAX = 2000;

/** Makes the provider and serves it until the thread ends. Rejects only for a bug of ours. */
export async function serveProvider(
  home: WorkerHome,
  load: () => Promise<Provider> | Provider,
): Promise<void> {
  setThreadPriority(NICE_LOADING);
  const post = (message: FromThread): void => home.post(message);
  let provider: Provider;
  try {
    provider = await load();
  } catch (error) {
    post({ kind: 'refused', reason: problemOf(error) });
    return;
  }
  setThreadPriority(NICE_SERVING);
  const server = new ProviderServer(provider, post);
  home.listen((message) => server.handle(message as ToThread));
  const { families, scope, atomicTakeover, leaseBound } = provider.traits;
  const traits = { families, scope, atomicTakeover, ...(leaseBound !== undefined && { leaseBound }) };
  post({ kind: 'loaded', traits, ticks: provider.tick !== undefined });
}

class ProviderServer {
  readonly #provider: Provider;
  readonly #post: (message: FromThread) => void;
  readonly #aborts = new Map<number, AbortController>();

  constructor(provider: Provider, post: (message: FromThread) => void) {
    this.#provider = provider;
    this.#post = post;
  }

  handle(message: ToThread): void {
    switch (message.kind) {
      case 'request':
        return void this.#answer(message);
      case 'abort':
        return this.#aborts.get(message.number)?.abort();
      case 'tell':
        return this.#tell(message.what, message.vips as readonly Vip[]);
      case 'tick':
        return this.#tick(message.look);
    }
  }

  async #answer({ number, verb, words }: Extract<ToThread, { kind: 'request' }>): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(number, abort);
    try {
      const value = plain(verb, await this.#call(verb, words, abort.signal), words[0]);
      this.#post({ kind: 'answer', number, value });
    } catch (error) {
      this.#post({ kind: 'threw', number, reason: problemOf(error) });
    } finally {
      this.#aborts.delete(number);
    }
  }

  #call(verb: Verb, words: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const provider = this.#provider;
    const vips = words[0] as readonly Vip[];
    switch (verb) {
      case 'start':
        return provider.start(vips, (event) => this.#event(event), words[1] as readonly Vip[] | undefined);
      case 'acquire':
        return provider.acquire(words[0] as readonly AcquireRequest[], words[1] as number, signal);
      case 'stop':
        return provider.stop();
      case 'test':
        return provider.test(vips, signal, words[1] as RehearsalContext | undefined);
      case 'inspect':
      case 'release':
      case 'renew':
        return provider[verb](vips, signal);
    }
  }

  /** A fault in a call without an answer ends the thread, as it would have ended the agent. */
  #tell(what: 'configure' | 'announce', vips: readonly Vip[]): void {
    this.#provider[what](vips);
  }

  #tick(look: boolean): void {
    this.#provider.tick?.();
    if (!look) return;
    const { arrayBuffers } = process.memoryUsage();
    const mib = Math.round(arrayBuffers / 2 ** 20);
    if (mib > EXTERNAL_MIB_MAX)
      throw new Error(`its buffers hold ${mib} MiB, and ${EXTERNAL_MIB_MAX} are allowed`);
    this.#post({ kind: 'well' });
  }

  #event(event: ProviderEvent): void {
    this.#post({ kind: 'event', event: plainFields(event) });
  }
}

/** The answer as plain data of bounded size. */
function plain(verb: Verb, value: unknown, asked: unknown): unknown {
  if (verb === 'start' || verb === 'stop') return undefined;
  if (!Array.isArray(value)) return null;
  const expected = verb === 'test' ? CHECKS_MAX : Array.isArray(asked) ? asked.length : 0;
  return value.slice(0, expected + EXTRA_ENTRIES_MAX).map(plainFields);
}

/** Texts, numbers and truth values among its fields, which is all that the contract has; everything else stays here. */
function plainFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return null;
  const fields = Object.entries(value as Record<string, unknown>).slice(0, FIELDS_MAX);
  return Object.fromEntries(
    fields.flatMap(([name, field]): [string, unknown][] => {
      if (typeof field === 'string') return [[name, field.slice(0, TEXT_MAX)]];
      return typeof field === 'boolean' || typeof field === 'number' ? [[name, field]] : [];
    }),
  );
}

function problemOf(thrown: unknown): string {
  try {
    return (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, TEXT_MAX);
  } catch {
    return 'it threw what cannot be read';
  }
}

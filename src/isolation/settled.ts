/** A question to a provider's thread, bounded in time: it is settled whatever the thread does. */
import type { Millis } from '../model/time.ts';
import type { ProviderThread, Question, Reply } from './provider-thread.ts';

/** What became of a question: a reply (`overdue`: after it was told to stop, since the bound had passed), or that it was given up. */
export type Settled = (Reply & { readonly overdue?: boolean }) | { readonly kind: 'aborted' | 'timeout' };

export interface SettleOptions {
  readonly signal?: AbortSignal;
  readonly bound: Millis;
  /** After an abort, or the bound, its own answer is waited for so long. */
  readonly grace: Millis;
}

/** Never rejects. */
export function settled(
  thread: ProviderThread,
  { number, reply }: Question,
  { signal, bound, grace }: SettleOptions,
): Promise<Settled> {
  return new Promise((resolve) => {
    let graceTimer: NodeJS.Timeout | undefined;
    let overdue = false;
    const giveUp = (kind: 'aborted' | 'timeout'): void => {
      if (graceTimer !== undefined) return;
      overdue = kind === 'timeout';
      thread.abort(number);
      graceTimer = setTimeout(() => finish({ kind }), grace);
    };
    const abort = (): void => giveUp('aborted');
    const boundTimer = setTimeout(() => giveUp('timeout'), bound);
    const finish = (result: Settled): void => {
      clearTimeout(boundTimer);
      clearTimeout(graceTimer);
      signal?.removeEventListener('abort', abort);
      resolve(result);
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    void reply.then((answer) => finish({ ...answer, overdue }));
  });
}

/** Why there is no answer, for people. */
export function wordsOf(settled: Settled): string {
  switch (settled.kind) {
    case 'answer':
      return 'its answer cannot be read';
    case 'threw':
    case 'gone':
      return settled.reason;
    case 'aborted':
      return 'told to stop, and it did not say how far it was';
    case 'timeout':
      return 'no answer in time';
  }
}

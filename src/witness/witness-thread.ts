/** The thread where a witness's store and the SDK it needs live: no load of theirs, no leak and no throw delays the agent. Entry point. */
import { workerHome } from '../platform/worker-thread.ts';
import type { WitnessStore } from './store.ts';
import type { FromThread, ToThread, WitnessThreadData } from './thread-messages.ts';

const home = workerHome();
const data = home.data as WitnessThreadData;
const store = await loadStore(data);
const calls = new Map<number, AbortController>();

async function loadStore(settings: WitnessThreadData): Promise<WitnessStore> {
  switch (settings.kind) {
    case 'dynamodb':
      return (await import('./stores/dynamodb.ts')).createStore(settings);
    case 's3':
      return (await import('./stores/s3.ts')).createStore(settings);
    case 'gcs':
      return (await import('./stores/gcs.ts')).createStore(settings);
  }
}

async function answer(message: Exclude<ToThread, { kind: 'abort' }>): Promise<void> {
  const { number } = message;
  const abort = new AbortController();
  calls.set(number, abort);
  const post = (reply: FromThread) => home.post(reply);
  try {
    const said =
      message.kind === 'read'
        ? await store.read(abort.signal)
        : await store.write(message.record, message.version, abort.signal);
    post({ kind: 'answer', number, answer: said });
  } catch (error) {
    post({
      kind: 'failed',
      number,
      reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
  } finally {
    calls.delete(number);
  }
}

home.listen((message) => {
  const asked = message as ToThread;
  if (asked.kind === 'abort') calls.get(asked.number)?.abort();
  else void answer(asked);
});

/**
 * The engine's own thread: no cloud SDK, no garbage of a large heap and no slow script of the agent delays a heartbeat.
 * Entry point; started by embedded.ts only.
 */
import { createEngine } from '../membership/engine.ts';
import { bootTimeNow, monotonicNow } from '../platform/clock.ts';
import { OldGarbage } from '../platform/old-garbage.ts';
import { workerHome } from '../platform/worker-thread.ts';
import type { GroupEvent } from './group.ts';
import { Outbound } from './outbound.ts';
import { Transport } from './transport.ts';
import {
  type EngineThreadData,
  type FromEngine,
  STATUS_INTERVAL_MS,
  type ToEngine,
  WORD,
} from './worker-messages.ts';

/** Between two looks for old garbage. */
const TIDY_EVERY = 20_000;

const home = workerHome();
const data = (await home.begun()) as EngineThreadData;
const post = (message: FromEngine, transfer?: readonly ArrayBuffer[]): void => home.post(message, transfer);
const words = new Int32Array(data.words);
const outbound = new Outbound((parcel, transfer) => post({ kind: 'parcel', ...parcel }, transfer));

const transport = new Transport(data, {
  engine: createEngine({
    self: data.self,
    timers: data.config.timers,
    // Epochs go on above those of the last run, without a file: views do not come a millisecond for long. What was fenced by
    // them outlives this agent, and the whole group.
    bootEpoch: Date.now(),
  }),
  clock: monotonicNow,
  bootClock: bootTimeNow,
  random: Math.random,
  deliver,
  left: () => finish(),
  log: (line) => outbound.note(line),
  look,
});
const statusInterval = data.statusInterval ?? STATUS_INTERVAL_MS;
let ticksSeen = 0;
let statusAt = Number.NEGATIVE_INFINITY;

function deliver(event: GroupEvent): void {
  const overflow = outbound.add(event);
  if (overflow !== undefined) outbound.add({ kind: 'detached', reason: overflow });
  if (overflow === undefined && event.kind !== 'detached') return;
  outbound.flush();
  stop('it lost its engine');
}

function finish(): void {
  outbound.flush();
  stop('it left');
  post({ kind: 'left' });
}

/** With everything closed the thread ends by itself. */
function stop(reason: string): void {
  transport.stop(reason);
  outbound.flush();
  home.close();
}

function handle(message: ToEngine): void {
  if (message.kind === 'multicast') return transport.multicast(message.bytes);
  if (message.kind === 'leave') return transport.leave();
  if (message.kind === 'rekey') {
    post({ kind: 'rekeyed', refusal: transport.rekey(message.keys) });
    return tellStatus();
  }
  look();
}

/** Whenever the thread is awake. */
function look(): void {
  const ticks = Atomics.load(words, WORD.ticks);
  if (ticks !== ticksSeen) {
    ticksSeen = ticks;
    Atomics.add(words, WORD.pulse, 1);
    outbound.taken(Atomics.load(words, WORD.taken));
    transport.tick();
  }
  if (monotonicNow() - statusAt >= statusInterval) tellStatus();
}

function tellStatus(): void {
  statusAt = monotonicNow();
  post({ kind: 'status', status: transport.status() });
}

const garbage = new OldGarbage();
setInterval(() => garbage.look(), TIDY_EVERY).unref();

try {
  await transport.start();
  home.listen((message) => handle(message as ToEngine));
  tellStatus();
  post({ kind: 'joined' });
} catch (error) {
  post({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  stop('it could not start');
}

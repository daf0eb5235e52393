/**
 * The engine's own thread: no cloud SDK, no garbage of a large heap and no slow script of the agent delays a heartbeat.
 * Entry point; started by embedded.ts only.
 */
import { createEngine } from '../membership/engine.ts';
import { bootTimeNow, monotonicNow } from '../platform/clock.ts';
import { workerHome } from '../platform/worker-thread.ts';
import type { GroupEvent } from './group.ts';
import { Outbound } from './outbound.ts';
import { Transport } from './transport.ts';
import {
  type EngineThreadData,
  type FromEngine,
  STATUS_INTERVAL_MS,
  type ToEngine,
} from './worker-messages.ts';

const home = workerHome();
const data = home.data as EngineThreadData;
const post = (message: FromEngine, transfer?: readonly ArrayBuffer[]): void => home.post(message, transfer);
const pulse = new Int32Array(data.pulse);
const outbound = new Outbound((parcel, transfer) => post({ kind: 'parcel', ...parcel }, transfer));

const transport = new Transport(data, {
  engine: createEngine({ self: data.self, timers: data.config.timers }),
  clock: monotonicNow,
  bootClock: bootTimeNow,
  random: Math.random,
  deliver,
  left: () => finish(),
  log: (line) => outbound.note(line),
});
let statusTimer: NodeJS.Timeout | undefined;

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
  clearInterval(statusTimer);
  transport.stop(reason);
  outbound.flush();
  home.close();
}

function handle(message: ToEngine): void {
  if (message.kind === 'multicast') return transport.multicast(message.bytes);
  if (message.kind === 'leave') return transport.leave();
  if (message.kind === 'rekey') {
    post({ kind: 'rekeyed', refusal: transport.rekey(message.keys) });
    return post({ kind: 'status', status: transport.status() });
  }
  Atomics.add(pulse, 0, 1);
  outbound.taken(message.taken);
  transport.tick();
}

try {
  await transport.start();
  home.listen((message) => handle(message as ToEngine));
  const status = (): void => post({ kind: 'status', status: transport.status() });
  statusTimer = setInterval(status, data.statusInterval ?? STATUS_INTERVAL_MS);
  status();
  post({ kind: 'joined' });
} catch (error) {
  post({ kind: 'refused', reason: error instanceof Error ? error.message : String(error) });
  stop('it could not start');
}

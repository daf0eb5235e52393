/**
 * Runs the membership engine: one event at a time, its actions in order, its timer. Deadlines are judged only after every
 * socket was read (timers run before I/O in Node's loop), and the engine is told how late we were ourselves.
 */
import type { EngineAction, EngineEvent, RoutineEvent, SansIoEngine } from '../membership/events.ts';
import type { Instant, Millis } from '../model/time.ts';

/** Lateness below this is the ordinary coarseness of timers. */
const LATE_MS = 5;
/** By how much a timer may fire too early. */
const EARLY_MS = 2;
/** After a stall as long as this, more than one turn's worth of packets may wait. */
const LONG_STALL_MS = 20;
const TURNS_AFTER_STALL = 4;

export interface EngineDriverCollaborators {
  readonly engine: SansIoEngine;
  /** Monotonic; stands still while the machine is suspended. */
  readonly clock: () => Instant;
  /** Like `clock`, and it goes on while the machine is suspended. */
  readonly bootClock: () => Instant;
  readonly perform: (action: EngineAction) => void;
  /** Reads everything that waits on sockets Node's loop does not read by itself. */
  readonly drain: () => void;
  readonly stalled: (lateness: Millis) => void;
}

export class EngineDriver {
  readonly #with: EngineDriverCollaborators;
  readonly #events: EngineEvent[] = [];
  #running = false;
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Instant | undefined;
  /** A timer fired; sockets are being read before the engine may judge. */
  #settling = false;
  #suspension: Millis = 0;
  #stopped = false;
  /** Where routine events are gathered while sockets are read before a judgement. */
  #gathered: RoutineEvent[] | undefined;
  /** The last instant the engine was told: a timer may fire a fraction of a millisecond early, and time never decreases. */
  #told: Instant = Number.NEGATIVE_INFINITY;

  constructor(collaborators: EngineDriverCollaborators) {
    this.#with = collaborators;
  }

  start(): void {
    this.#suspension = this.#with.bootClock() - this.#with.clock();
    this.post({ kind: 'timeout' });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Hands an event to the engine; from inside an action it waits its turn. */
  post(event: EngineEvent): void {
    if (this.#stopped) return;
    if (this.#gathered !== undefined && isRoutine(event)) return void this.#gathered.push(event);
    this.#events.push(event);
    if (!this.#running) this.#run();
  }

  #run(): void {
    this.#running = true;
    try {
      for (
        let event = this.#events.shift();
        event !== undefined && !this.#stopped;
        event = this.#events.shift()
      ) {
        for (const action of this.#with.engine.handle(event, this.#now())) this.#with.perform(action);
      }
    } finally {
      this.#running = false;
    }
    this.#arm();
  }

  #now(): Instant {
    this.#told = Math.max(this.#told, this.#with.clock());
    return this.#told;
  }

  #arm(): void {
    if (this.#settling || this.#stopped) return;
    const at = this.#with.engine.nextTimeout();
    if (at === this.#armedFor && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#armedFor = at;
    this.#timer = undefined;
    if (at === undefined) return;
    const within = Math.max(0, Math.ceil(at - this.#with.clock()));
    this.#timer = setTimeout(() => this.#due(at), within);
  }

  #due(at: Instant): void {
    this.#timer = undefined;
    this.#armedFor = undefined;
    const lateness = Math.max(0, this.#with.clock() - at);
    // Node counts whole milliseconds from the beginning of a turn: less than one too early is on time, not a second wake-up.
    if (at - this.#with.clock() < EARLY_MS) this.#told = Math.max(this.#told, at);
    // On time, only probe answers are judged as finely as this, and those `drain` reads now. Late, streams and heartbeats
    // may wait too, and those are read between timers and immediates.
    if (lateness < LATE_MS) return this.#judge(lateness);
    this.#settling = true;
    this.#turns(lateness > LONG_STALL_MS ? TURNS_AFTER_STALL : 1, () => this.#judge(lateness));
  }

  /** Each turn of the loop reads sockets between timers and immediates. */
  #turns(count: number, then: () => void): void {
    setImmediate(() => (count <= 1 ? then() : this.#turns(count - 1, then)));
  }

  #judge(lateness: Millis): void {
    this.#settling = false;
    if (this.#stopped) return;
    const read = this.#read();
    const away = lateness + this.#suspended();
    if (away < LATE_MS) return this.post({ kind: 'timeout', read });
    for (const event of read) this.post(event);
    this.#with.stalled(away);
    this.post({ kind: 'stalled', lateness: away });
    this.post({ kind: 'timeout' });
  }

  /** Reads the sockets; what is no routine is handled at once. */
  #read(): readonly RoutineEvent[] {
    const read: RoutineEvent[] = [];
    this.#gathered = read;
    try {
      this.#with.drain();
    } finally {
      this.#gathered = undefined;
    }
    return read;
  }

  /** How long the machine was suspended since this was last asked. */
  #suspended(): Millis {
    const total = this.#with.bootClock() - this.#with.clock();
    const fresh = total - this.#suspension;
    this.#suspension = total;
    return Math.max(0, fresh);
  }
}

function isRoutine(event: EngineEvent): event is RoutineEvent {
  return event.kind === 'probe-answered' || event.kind === 'heartbeat' || event.kind === 'tick';
}

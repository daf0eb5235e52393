/**
 * Group communication by our own engine, seen from the agent's main thread: starts the engine's thread, passes events on in
 * order, and says `detached` when that thread is lost. All work is done in embedded-worker.ts.
 */
import type { EmbeddedGroupConfig } from '../config/config.ts';
import { type MemberId, type MemberName, memberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { freshIncarnation } from '../platform/identity.ts';
import { scriptUrl } from '../platform/layout.ts';
import { closeDescriptor, type Descriptor, SystemError } from '../platform/libc.ts';
import { isWildcard } from '../platform/name-lookup.ts';
import { openDatagramQueue } from '../platform/split-datagrams.ts';
import { type RunningWorker, startWorker } from '../platform/worker-thread.ts';
import { type GroupCommunication, type GroupEvent, type GroupStatus, MULTICAST_BYTES_MAX } from './group.ts';
import type { LogLevel } from './journal.ts';
import { closePingDoors, openPingDoors } from './ping-doors.ts';
import {
  type EngineThreadData,
  type FromEngine,
  type ToEngine,
  WORD,
  WORDS_BYTES,
} from './worker-messages.ts';

/** Longest a goodbye may take; then everything is dropped. */
export const LEAVE_MS_MAX = 1000;

/** The agent ticks every 200 ms; what comes faster is not passed on, so that unanswered ticks can be counted as time. */
const TICK_MS = 200;
const TICK_MS_MIN = 0.75 * TICK_MS;
/**
 * Ticks without an answer after which the thread hangs: as many as pass before the others exclude us for our silence, but
 * it shall not take longer than two seconds.
 */
const TICKS_UNANSWERED_MAX = 8;
/** The same while it starts: code is read and compiled, perhaps on a host that is just booting; we hold nothing yet. */
const TICKS_UNANSWERED_MAX_JOINING = 50;
/** A thread that is merely busy may leave as many unanswered. */
const TICKS_UNANSWERED_WELL = 3;

export interface EmbeddedGroupSettings {
  readonly cluster: string;
  readonly member: MemberName;
  readonly group: EmbeddedGroupConfig;
}

/** A structured logger, fields first (pino's shape). */
export type GroupLogger = Readonly<Record<LogLevel, (fields: object, message: string) => void>>;

export interface EmbeddedGroupCollaborators {
  readonly log: GroupLogger;
  /** For tests that kill the thread. */
  readonly startWorker?: typeof startWorker;
}

/**
 * A member of the group, not joined yet. One object is one run: after `leave`, or once it is `detached`, make a new one,
 * whose incarnation is fresh. Nothing is opened before `join`.
 */
export function createEmbeddedGroup(
  settings: EmbeddedGroupSettings,
  collaborators: EmbeddedGroupCollaborators,
): GroupCommunication {
  return new EmbeddedGroup(settings, collaborators);
}

type State = 'new' | 'joining' | 'joined' | 'leaving' | 'over';

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class EmbeddedGroup implements GroupCommunication {
  readonly self: MemberId;
  readonly #settings: EmbeddedGroupSettings;
  readonly #log: GroupLogger;
  readonly #startWorker: typeof startWorker;
  #state: State = 'new';
  #worker: RunningWorker | undefined;
  #listener: ((event: GroupEvent) => void) | undefined;
  #joining: Pending | undefined;
  /** Who waits for an answer to `rekey`, in order. */
  readonly #rekeying: ((refusal: string | undefined) => void)[] = [];
  #ended: Promise<void> = Promise.resolve();
  #taken = 0;
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS_BYTES));
  #lastPulse = 0;
  #tickedAt: Instant = Number.NEGATIVE_INFINITY;
  #ticksUnanswered = 0;
  #status: GroupStatus;

  constructor(settings: EmbeddedGroupSettings, collaborators: EmbeddedGroupCollaborators) {
    this.#settings = settings;
    this.#log = collaborators.log;
    this.#startWorker = collaborators.startWorker ?? startWorker;
    this.self = memberId(settings.member, freshIncarnation());
    this.#status = { engine: 'embedded (not joined)', self: this.self, peers: [], counters: {} };
  }

  join(listener: (event: GroupEvent) => void): Promise<void> {
    if (this.#state !== 'new') {
      return Promise.reject(
        new Error('this member has joined before: make a new one, an identity is used once'),
      );
    }
    const { group } = this.#settings;
    const unfit = [group.key, ...(group.otherKeys ?? [])].find((key) => key && key.length !== 32);
    if (unfit !== undefined) {
      return Promise.reject(
        new Error(`the cluster key has ${unfit.length} bytes, 32 are needed: make a new one`),
      );
    }
    this.#state = 'joining';
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      this.#joining = { resolve, reject };
      this.#start();
    });
  }

  #start(): void {
    const { cluster, group } = this.#settings;
    const { host } = group.listen;
    const doors = openPingDoors(isWildcard(host) ? undefined : host);
    const queue = openQueue(host);
    const data: EngineThreadData = {
      cluster,
      self: this.self,
      config: group,
      doors,
      queue,
      words: this.#words.buffer,
    };
    const script = scriptUrl('group/embedded-worker.ts');
    const gone = Promise.withResolvers<void>();
    const ended = (reason: string): void => {
      closePingDoors(doors);
      if (queue !== undefined) closeDescriptor(queue);
      gone.resolve();
      this.#lost(`the engine's thread is gone: ${reason}`);
    };
    const message = (told: unknown): void => this.#message(told as FromEngine);
    this.#ended = gone.promise;
    try {
      this.#worker = this.#startWorker({ script, data }, { message, ended });
    } catch (error) {
      ended(`it could not be started: ${String(error)}`);
    }
  }

  multicast(bytes: Uint8Array): void {
    if (bytes.length > MULTICAST_BYTES_MAX) {
      throw new RangeError(`a message of ${bytes.length} bytes: at most ${MULTICAST_BYTES_MAX} are allowed`);
    }
    if (this.#state === 'new') throw new Error('multicast before join');
    // A copy of its own: the caller may reuse its buffer, and only a whole buffer can be moved.
    const own = new Uint8Array(bytes);
    this.#post({ kind: 'multicast', bytes: own }, [own.buffer]);
  }

  async leave(): Promise<void> {
    if (this.#state === 'new') this.#state = 'over';
    if (this.#state === 'joining' || this.#state === 'joined') {
      this.#post({ kind: 'leave' });
      this.#state = 'leaving';
      this.#joining?.reject(new Error('left while joining'));
      this.#joining = undefined;
    }
    const late = setTimeout(() => void this.#worker?.terminate(), LEAVE_MS_MAX);
    await this.#ended;
    clearTimeout(late);
    this.#state = 'over';
  }

  tick(): void {
    if (this.#state !== 'joining' && this.#state !== 'joined') return;
    const now = monotonicNow();
    if (now - this.#tickedAt < TICK_MS_MIN) return;
    this.#tickedAt = now;
    const pulse = Atomics.load(this.#words, WORD.pulse);
    if (pulse !== this.#lastPulse) this.#ticksUnanswered = 0;
    this.#lastPulse = pulse;
    // Counted in ticks, not in time: during a stall of ours none was asked, and that is not its fault.
    if (this.#ticksUnanswered >= this.#ticksUnansweredMax()) return this.#lost('the engine’s thread hangs');
    Atomics.store(this.#words, WORD.taken, this.#taken);
    Atomics.add(this.#words, WORD.ticks, 1);
    // It is mostly awake more often than we tick. If not, it sleeps longer, or it hangs: that has to be told apart.
    if (this.#ticksUnanswered > 0) this.#post({ kind: 'look' });
    this.#ticksUnanswered += 1;
  }

  unwell(): string | undefined {
    // One is always under way.
    if (this.#state !== 'joined' || this.#ticksUnanswered <= TICKS_UNANSWERED_WELL) return undefined;
    return `the engine’s thread has not answered ${this.#ticksUnanswered} ticks`;
  }

  #ticksUnansweredMax(): number {
    if (this.#state === 'joining') return TICKS_UNANSWERED_MAX_JOINING;
    const fit = Math.floor(this.#settings.group.timers.heartbeat_timeout_ms / TICK_MS) - 1;
    return Math.min(TICKS_UNANSWERED_MAX, Math.max(3, fit));
  }

  rekey(keys: readonly Uint8Array[]): Promise<string | undefined> {
    // Without a thread there is nobody to be lost; the next connection is made with the new configuration.
    if (this.#state !== 'joining' && this.#state !== 'joined') return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#rekeying.push(resolve);
      this.#post({ kind: 'rekey', keys });
    });
  }

  status(): GroupStatus {
    return this.#status;
  }

  #post(message: ToEngine, transfer?: readonly ArrayBuffer[]): void {
    if (this.#state === 'joining' || this.#state === 'joined') this.#worker?.post(message, transfer);
  }

  #message(message: FromEngine): void {
    this.#ticksUnanswered = 0;
    switch (message.kind) {
      case 'joined':
        if (this.#state === 'joining') this.#state = 'joined';
        this.#joining?.resolve();
        this.#joining = undefined;
        return;
      case 'refused':
        this.#state = 'over';
        this.#joining?.reject(new Error(message.reason));
        this.#joining = undefined;
        return;
      case 'parcel':
        for (const event of message.events) this.#event(event);
        for (const line of message.lines) this.#log[line.level](line.fields, line.message);
        return;
      case 'rekeyed':
        return this.#rekeying.shift()?.(message.refusal);
      case 'status':
        this.#status = message.status;
        return;
      case 'left':
        return;
    }
  }

  #event(event: GroupEvent): void {
    if (event.kind === 'detached') return this.#lost(event.reason);
    this.#taken += 1;
    if (this.#state === 'joining' || this.#state === 'joined' || this.#state === 'leaving')
      this.#listener?.(event);
  }

  /** The engine is gone: says so once, unless we wanted it to go. */
  #lost(reason: string): void {
    const before = this.#state;
    this.#state = 'over';
    this.#status = { ...this.#status, engine: 'embedded (detached)', peers: [] };
    if (before === 'joining') this.#joining?.reject(new Error(reason));
    this.#joining = undefined;
    for (const answer of this.#rekeying.splice(0)) answer(undefined);
    if (before === 'joining' || before === 'joined') void this.#endSoon();
    if (before !== 'joined') return;
    this.#listener?.({ kind: 'detached', reason });
    this.#log.error({ reason }, 'group communication is lost');
  }

  /** The thread closes its sockets by itself; if it cannot, it is ended. */
  async #endSoon(): Promise<void> {
    const late = setTimeout(() => void this.#worker?.terminate(), LEAVE_MS_MAX);
    await this.#ended;
    clearTimeout(late);
  }
}

/** Absent where the kernel gives none: then heartbeats wake the thread. */
function openQueue(host: string): Descriptor | undefined {
  try {
    return openDatagramQueue(host);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/**
 * Group communication through this host's corosync, seen from the agent: one object is one member. Loss of the daemon, silence of it,
 * or being passed over by the others is `detached`; the agent then makes a new one. All work is done in run.ts on a thread of its own.
 */
import type { CorosyncGroupConfig } from '../../config/config.ts';
import { type MemberId, type MemberName, memberId } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import { monotonicNow } from '../../platform/clock.ts';
import { freshIncarnation } from '../../platform/identity.ts';
import { type GroupCommunication, type GroupEvent, type GroupStatus, MULTICAST_BYTES_MAX } from '../group.ts';
import type { LogLevel } from '../journal.ts';
import type { GoneWithDaemon } from '../spread/synchrony.ts';
import type { CorosyncThread } from './thread.ts';
import { type FromThread, WORD, WORDS_BYTES } from './thread-messages.ts';

export interface CorosyncGroupSettings {
  readonly cluster: string;
  readonly member: MemberName;
  readonly group: CorosyncGroupConfig;
  /** Wait before the first attempt, ms: so that not all members come back at the same moment. 0 unless given. */
  readonly delay?: Millis;
  readonly goneWithDaemon?: GoneWithDaemon;
}

export interface CorosyncGroupCollaborators {
  readonly log: Readonly<Record<LogLevel, (fields: object, message: string) => void>>;
  /** One for the whole process. */
  readonly thread: CorosyncThread;
}

/** The agent ticks every 200 ms; what comes faster is not passed on, so that unanswered ticks can be counted as time. */
const TICK_MS_MIN = 150;
/** Ticks without an answer after which the daemon, or the thread that waits for it, stands still: 1.6 s. */
const TICKS_UNANSWERED_MAX = 8;
/** A thread that is merely busy may leave as many unanswered. */
const TICKS_UNANSWERED_WELL = 3;
/** Longest a goodbye may take; then everything is dropped. */
const LEAVE_MS_MAX = 1000;

/** A member of the group, not joined yet. */
export function createCorosyncGroup(
  settings: CorosyncGroupSettings,
  collaborators: CorosyncGroupCollaborators,
): GroupCommunication {
  return new CorosyncGroup(settings, collaborators);
}

type State = 'new' | 'joining' | 'joined' | 'leaving' | 'over';

class CorosyncGroup implements GroupCommunication {
  readonly self: MemberId;
  readonly #settings: CorosyncGroupSettings;
  readonly #log: CorosyncGroupCollaborators['log'];
  readonly #thread: CorosyncThread;
  readonly #words = new Int32Array(new SharedArrayBuffer(WORDS_BYTES));
  #state: State = 'new';
  #listener: ((event: GroupEvent) => void) | undefined;
  readonly #joining = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #begun = false;
  #late: NodeJS.Timeout | undefined;
  #taken = 0;
  #tickedAt: Instant = Number.NEGATIVE_INFINITY;
  #lastPulse = 0;
  #ticksUnanswered = 0;
  #status: GroupStatus;

  constructor(settings: CorosyncGroupSettings, { log, thread }: CorosyncGroupCollaborators) {
    this.#settings = settings;
    this.#log = log;
    this.#thread = thread;
    this.self = memberId(settings.member, freshIncarnation());
    this.#status = { engine: 'corosync (not joined)', self: this.self, peers: [], counters: {} };
  }

  async join(listener: (event: GroupEvent) => void): Promise<void> {
    if (this.#state !== 'new')
      throw new Error('this member has joined before: make a new one, an identity is used once');
    this.#state = 'joining';
    this.#listener = listener;
    const { delay = 0, group } = this.#settings;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    const free = await this.#thread.waitUntilFree(group.connect_timeout_ms);
    if (this.#state !== 'joining') return;
    if (!free) return this.#cannotJoin('corosync has not answered since it was lost: is it stopped?');
    this.#begin();
    return this.#joining.promise;
  }

  #begin(): void {
    const { cluster, group, goneWithDaemon } = this.#settings;
    this.#begun = true;
    this.#late = setTimeout(
      () =>
        this.#cannotJoin(
          `corosync did not answer within ${group.connect_timeout_ms} ms: is it stopped, or its ring not formed?`,
        ),
      group.connect_timeout_ms,
    );
    this.#thread.begin(
      {
        cluster,
        self: this.self,
        group,
        words: this.#words.buffer,
        ...(goneWithDaemon && { goneWithDaemon }),
      },
      {
        message: (message) => this.#message(message),
        hungUp: () => this.#lost('CS_ERR_LIBRARY: corosync has closed the connection: was it killed?'),
        ended: (reason) => {
          this.#gone.resolve();
          this.#cannotJoin(`the thread that speaks with corosync is gone: ${reason}`);
        },
      },
    );
  }

  /** A daemon that is not there yet is no reason to give up. */
  #cannotJoin(reason: string): void {
    if (this.#state === 'joining') this.#joined();
    setImmediate(() => this.#lost(reason));
  }

  #joined(): void {
    clearTimeout(this.#late);
    if (this.#state !== 'joining') return;
    this.#state = 'joined';
    this.#joining.resolve();
  }

  #message(message: FromThread): void {
    this.#ticksUnanswered = 0;
    switch (message.kind) {
      case 'joined':
        return this.#joined();
      case 'refused':
        clearTimeout(this.#late);
        this.#state = 'over';
        return this.#joining.reject(new Error(message.reason));
      case 'parcel':
        for (const event of message.events) this.#event(event);
        for (const line of message.lines) this.#log[line.level](line.fields, line.message);
        return;
      case 'status':
        this.#status = message.status;
        return;
      case 'over':
        clearTimeout(this.#late);
        return this.#gone.resolve();
    }
  }

  #event(event: GroupEvent): void {
    // Behind the promise of `join`, if it came that early.
    if (event.kind === 'detached')
      return this.#state === 'joining' ? this.#cannotJoin(event.reason) : this.#lost(event.reason);
    this.#taken += 1;
    if (this.#state === 'joined' || this.#state === 'leaving') this.#listener?.(event);
  }

  multicast(bytes: Uint8Array): void {
    if (bytes.length > MULTICAST_BYTES_MAX) {
      throw new RangeError(`a message of ${bytes.length} bytes: at most ${MULTICAST_BYTES_MAX} are allowed`);
    }
    if (this.#state === 'new') throw new Error('multicast before join');
    if (this.#state !== 'joined') return;
    // A copy of its own: the caller may reuse its buffer, and only a whole buffer can be moved.
    const own = new Uint8Array(bytes);
    this.#thread.post({ kind: 'multicast', bytes: own }, [own.buffer]);
  }

  tick(): void {
    if (this.#state !== 'joined' || !this.#begun) return;
    const now = monotonicNow();
    if (now - this.#tickedAt < TICK_MS_MIN) return;
    this.#tickedAt = now;
    const pulse = Atomics.load(this.#words, WORD.pulse);
    if (pulse !== this.#lastPulse) this.#ticksUnanswered = 0;
    this.#lastPulse = pulse;
    // Counted in ticks, not in time: during a stall of ours none was asked, and that is not its fault.
    if (this.#ticksUnanswered >= TICKS_UNANSWERED_MAX)
      return this.#lost('corosync does not answer any more: is it stopped?');
    Atomics.store(this.#words, WORD.taken, this.#taken);
    Atomics.add(this.#words, WORD.ticks, 1);
    // It is mostly awake more often than we tick. If not, it sleeps longer, or it waits: that has to be told apart.
    if (this.#ticksUnanswered > 0) this.#thread.post({ kind: 'look' });
    this.#ticksUnanswered += 1;
  }

  unwell(): string | undefined {
    if (this.#state !== 'joined' || this.#ticksUnanswered <= TICKS_UNANSWERED_WELL) return undefined;
    return `corosync has not answered ${this.#ticksUnanswered} ticks`;
  }

  async leave(): Promise<void> {
    const before = this.#state;
    if (before === 'joined') this.#state = 'leaving';
    else if (before !== 'leaving') this.#state = 'over';
    if (before === 'joining') this.#joining.reject(new Error('left while joining'));
    if (!this.#begun) return;
    if (before === 'joined') this.#thread.post({ kind: 'leave' });
    else this.#abandon();
    const late = setTimeout(() => {
      this.#abandon();
      this.#gone.resolve();
    }, LEAVE_MS_MAX);
    await this.#gone.promise;
    clearTimeout(late);
    clearTimeout(this.#late);
    this.#state = 'over';
  }

  status(): GroupStatus {
    return this.#status;
  }

  /** Says so once, unless we wanted it to end. */
  #lost(reason: string): void {
    const before = this.#state;
    if (before === 'over' || before === 'new') return;
    this.#state = 'over';
    clearTimeout(this.#late);
    this.#status = { ...this.#status, engine: 'corosync (detached)', peers: [] };
    this.#abandon();
    if (before !== 'joined') return;
    this.#listener?.({ kind: 'detached', reason });
    this.#log.error({ reason }, 'group communication is lost');
  }

  /** The thread comes back to itself as soon as the daemon, or the end of its connection, lets it. */
  #abandon(): void {
    Atomics.store(this.#words, WORD.abandoned, 1);
    this.#thread.cutOff(this.#words.buffer);
  }
}

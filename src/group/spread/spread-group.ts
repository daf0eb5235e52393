/**
 * Group communication through a Spread daemon, seen from the agent: one session is one member. Loss of the daemon, silence of
 * it, or being passed over by the others is `detached`; the agent then makes a new one. Wires `synchrony.ts` to a connection and a
 * clock, and decides nothing.
 */
import type { SpreadGroupConfig } from '../../config/config.ts';
import { type MemberId, type MemberName, memberId, nameOf } from '../../model/member.ts';
import type { Millis } from '../../model/time.ts';
import { freshIncarnation, freshToken } from '../../platform/identity.ts';
import { type GroupCommunication, type GroupEvent, type GroupStatus, MULTICAST_BYTES_MAX } from '../group.ts';
import type { LogLevel } from '../journal.ts';
import { type SpreadCode, SpreadError } from './codes.ts';
import { type Connection, connect } from './connection.ts';
import type { SpreadMessage } from './message.ts';
import { type GoneWithDaemon, Synchrony, type SynchronyAction } from './synchrony.ts';

export interface SpreadGroupSettings {
  readonly cluster: string;
  readonly member: MemberName;
  readonly group: SpreadGroupConfig;
  /** Wait before the first attempt, ms: so that not all members come back at the same moment. 0 unless given. */
  readonly delay?: Millis;
  readonly goneWithDaemon?: GoneWithDaemon;
}

export interface SpreadGroupCollaborators {
  readonly log: Readonly<Record<LogLevel, (fields: object, message: string) => void>>;
}

/** Between two pulses of a member that is well. */
export const PULSE_MS: Millis = 250;
/** The agent's ticks must be as fresh as this for a pulse. */
const TICK_FRESH_MS: Millis = 1000;
/** An announcement that others wait for is overdue after this. */
const MUTE_MS: Millis = 1000;
/** Longest a goodbye may take. */
const LEAVE_MS_MAX = 1000;
const SEND_QUEUE_MAX = 64 * 1024 * 1024;

/** Refusals that waiting does not mend: somebody has to look. */
const LASTING: readonly SpreadCode[] = ['ILLEGAL_SPREAD', 'REJECT_VERSION', 'REJECT_AUTH', 'ILLEGAL_GROUP'];

/** A member of the group, not joined yet. One object is one run. */
export function createSpreadGroup(
  settings: SpreadGroupSettings,
  collaborators: SpreadGroupCollaborators,
): GroupCommunication {
  return new SpreadGroup(settings, collaborators);
}

type State = 'new' | 'joining' | 'joined' | 'leaving' | 'over';

class SpreadGroup implements GroupCommunication {
  readonly self: MemberId;
  readonly #settings: SpreadGroupSettings;
  readonly #log: SpreadGroupCollaborators['log'];
  #state: State = 'new';
  #listener: ((event: GroupEvent) => void) | undefined;
  #connection: Connection | undefined;
  #synchrony: Synchrony | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  /** Turns of the timer since the daemon last gave back a pulse of ours. */
  #unreturned = 0;
  #returned = 0;
  #goodbye: PromiseWithResolvers<void> | undefined;
  #leaving: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(settings: SpreadGroupSettings, { log }: SpreadGroupCollaborators) {
    this.#settings = settings;
    this.#log = log;
    this.self = memberId(settings.member, freshIncarnation());
  }

  async join(listener: (event: GroupEvent) => void): Promise<void> {
    if (this.#state !== 'new')
      throw new Error('this member has joined before: make a new one, an identity is used once');
    this.#state = 'joining';
    this.#listener = listener;
    const { daemon, connect_timeout_ms: timeout } = this.#settings.group;
    try {
      await pause(this.#settings.delay ?? 0);
      const connection = await connect(daemon, {
        name: privateName(),
        timeout,
        sendQueueMax: SEND_QUEUE_MAX,
      });
      this.#connected(connection);
    } catch (error) {
      if (!(error instanceof SpreadError)) throw error;
      this.#cannotConnect(error);
    }
  }

  /** A daemon that is not there yet is no reason to give up. */
  #cannotConnect(error: SpreadError): void {
    if (this.#state !== 'joining') return;
    if (LASTING.includes(error.code)) {
      this.#state = 'over';
      throw error;
    }
    this.#state = 'joined';
    setImmediate(() => this.#lost(error.message));
  }

  #connected(connection: Connection): void {
    if (this.#state !== 'joining') return connection.destroy();
    const { cluster, group, goneWithDaemon } = this.#settings;
    this.#state = 'joined';
    this.#connection = connection;
    this.#synchrony = new Synchrony({
      self: this.self,
      privateGroup: connection.privateGroup,
      group: group.spread_group,
      cluster,
      least: () => Date.now(),
      pulsesUnheard: Math.ceil(group.agent_timeout_ms / PULSE_MS),
      pulsesMute: Math.ceil(Math.min(MUTE_MS, group.agent_timeout_ms) / PULSE_MS),
      ...(goneWithDaemon && { goneWithDaemon }),
    });
    for (const kind of ['message', 'membership', 'transitional', 'left', 'rejected'] as const) {
      connection.on(kind, (message: SpreadMessage) => this.#received(message));
    }
    connection.once('close', (error) => this.#closed(error));
    connection.join(group.spread_group);
    this.#timer = setInterval(() => this.#pulse(), PULSE_MS);
    const { daemonVersion, privateGroup } = connection;
    this.#log.info(
      { daemon: group.daemon, version: daemonVersion.join('.'), privateGroup },
      'connected to the Spread daemon',
    );
  }

  #received(message: SpreadMessage): void {
    if (message.kind === 'left') return this.#goodbye?.resolve();
    const synchrony = this.#synchrony!;
    if (message.kind === 'membership') this.#unreturned = 0;
    this.#perform(synchrony.handle(message));
    if (synchrony.pulsesReturned !== this.#returned) this.#unreturned = 0;
    this.#returned = synchrony.pulsesReturned;
    if (this.#state === 'leaving' && synchrony.settled) this.#sayGoodbye();
  }

  #perform(actions: readonly SynchronyAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.#send(action.bytes);
      else if (action.kind === 'deliver') this.#deliver(action.event);
      else if (action.kind === 'detach') this.#lost(action.reason);
      else this.#log[action.level]({ reason: action.reason }, action.what);
    }
  }

  #deliver(event: GroupEvent): void {
    if (this.#state === 'joined' || this.#state === 'leaving') this.#listener?.(event);
  }

  #send(bytes: Uint8Array): void {
    if (this.#state !== 'joined' && this.#state !== 'leaving') return;
    try {
      this.#connection?.multicast(this.#settings.group.spread_group, bytes);
    } catch (error) {
      if (!(error instanceof SpreadError)) throw error;
      // Events never come from inside a call of the agent's.
      setImmediate(() => this.#lost(`the daemon takes nothing any more: ${error.message}`));
    }
  }

  multicast(bytes: Uint8Array): void {
    if (bytes.length > MULTICAST_BYTES_MAX) {
      throw new RangeError(`a message of ${bytes.length} bytes: at most ${MULTICAST_BYTES_MAX} are allowed`);
    }
    if (this.#state === 'new') throw new Error('multicast before join');
    const actions = this.#synchrony?.multicast(new Uint8Array(bytes)) ?? [];
    for (const action of actions) {
      if (action.kind === 'detach') setImmediate(() => this.#lost(action.reason));
      else this.#perform([action]);
    }
  }

  /** A pulse says that the agent is well: it ticks. Also looks whether the daemon still delivers. */
  #pulse(): void {
    if (performance.now() - this.#tickedAt <= TICK_FRESH_MS) this.#perform(this.#synchrony?.pulse() ?? []);
    // Turns, not time: after a stall of ours the daemon's words are read before it is judged.
    this.#unreturned += 1;
    const { daemon_timeout_ms: patience, daemon } = this.#settings.group;
    if (this.#unreturned * PULSE_MS <= patience) return;
    this.#lost(
      `the Spread daemon ${daemon} has delivered nothing for ${patience} ms: is it stopped, or its ring not formed?`,
    );
  }

  tick(): void {
    // Before its first tick nobody is well.
    if (this.#state === 'joined' && this.#unticked()) this.#unreturned = 0;
    this.#tickedAt = performance.now();
  }

  /** While the agent does not tick no pulses are sent, and none can come back. */
  #unticked(): boolean {
    return performance.now() - this.#tickedAt > TICK_FRESH_MS;
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    const before = this.#state;
    if (before === 'joined' && this.#connection !== undefined) {
      this.#state = 'leaving';
      const goodbye = Promise.withResolvers<void>();
      this.#goodbye = goodbye;
      const late = setTimeout(() => goodbye.resolve(), LEAVE_MS_MAX / 2);
      if (this.#synchrony?.settled === true) this.#sayGoodbye();
      await goodbye.promise;
      clearTimeout(late);
    }
    this.#state = 'over';
    clearInterval(this.#timer);
    await this.#connection?.disconnect();
  }

  /** Behind everything that was to be sent. */
  #sayGoodbye(): void {
    try {
      this.#connection?.leave(this.#settings.group.spread_group);
    } catch (error) {
      if (!(error instanceof SpreadError)) throw error;
      this.#goodbye?.resolve();
    }
  }

  #closed(error: SpreadError | undefined): void {
    this.#goodbye?.resolve();
    if (error !== undefined) this.#lost(error.message);
  }

  /** Says so once, unless we wanted it to end. */
  #lost(reason: string): void {
    const before = this.#state;
    if (before === 'over' || before === 'new') return;
    this.#state = 'over';
    this.#problem = reason;
    clearInterval(this.#timer);
    this.#goodbye?.resolve();
    // With a goodbye, so that the others need not wait to know; what it held they ask the link about.
    void this.#connection?.disconnect();
    if (before !== 'joined') return;
    this.#listener?.({ kind: 'detached', reason });
    this.#log.error({ reason }, 'group communication is lost');
  }

  status(): GroupStatus {
    const { daemon } = this.#settings.group;
    const version = this.#connection?.daemonVersion.join('.');
    const state = this.#state === 'over' ? 'detached' : (version ?? 'not joined');
    const peers = this.#synchrony?.seats.filter(({ member }) => member !== this.self) ?? [];
    return {
      engine: `spread (${state}) at ${daemon}`,
      self: this.self,
      peers: (this.#state === 'over' ? [] : peers).map(({ member, privateGroup }) => ({
        name: nameOf(member),
        member,
        address: privateGroup,
        stream: 'open',
        host: 'unknown',
        agent: 'well',
        ...(this.#problem !== undefined && { problem: this.#problem }),
      })),
      counters: { ...this.#synchrony?.counters },
    };
  }
}

function pause(delay: Millis): Promise<void> {
  return delay <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, delay));
}

/** Fresh for each session, so that a name that is still reserved is nobody's trouble; recognizable by our members. */
function privateName(): string {
  const number = freshToken(6).readUIntBE(0, 6) % 36 ** 7;
  return `wk~${number.toString(36).padStart(7, '0')}`;
}

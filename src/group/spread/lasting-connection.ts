/**
 * A session that comes back: connects again after every loss, with growing and jittered waits, and joins its groups again. What
 * was not delivered meanwhile is lost, and each time the private group may be another.
 */
import { EventEmitter } from 'node:events';
import type { Millis } from '../../model/time.ts';
import { backoff } from './backoff.ts';
import { SpreadError } from './codes.ts';
import { type Connection, type ConnectionEvents, type ConnectOptions, connect } from './connection.ts';
import type { MulticastOptions } from './session.ts';
import { checkGroup } from './session.ts';
import { parseTarget } from './target.ts';

export interface LastingOptions extends ConnectOptions {
  /** First and longest wait between attempts, ms; 100 and 10,000 unless given. */
  readonly retryFirst?: Millis;
  readonly retryLongest?: Millis;
}

export interface LastingEvents extends Omit<ConnectionEvents, 'close'> {
  /** Connected, and its groups are asked for. */
  readonly up: [connection: Connection];
  /** Lost, or an attempt failed; `retry` says in how many ms the next one follows. */
  readonly down: [error: SpreadError, retry: Millis];
}

/** A session that lasted this long was a good one: the next attempt comes soon. */
const STEADY_MS = 10_000;

const FORWARDED = ['message', 'membership', 'transitional', 'left', 'rejected', 'drain'] as const;

/** Begins at once and never gives up before `end`. Throws a {@link SpreadError} if no daemon can be named like that. */
export function keepConnected(daemon: string, options: LastingOptions = {}): LastingConnection {
  parseTarget(daemon);
  const lasting = new LastingConnection(daemon, options);
  lasting.start();
  return lasting;
}

export class LastingConnection extends EventEmitter<LastingEvents> {
  readonly #daemon: string;
  readonly #options: LastingOptions;
  readonly #groups = new Set<string>();
  #connection: Connection | undefined;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(daemon: string, options: LastingOptions) {
    super();
    this.#daemon = daemon;
    this.#options = options;
  }

  start(): void {
    void this.#connect();
  }

  /** The session there is now; undefined between two. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  join(group: string): void {
    this.#groups.add(checkGroup(group));
    this.#connection?.join(group);
  }

  leave(group: string): void {
    if (this.#groups.delete(group)) this.#connection?.leave(group);
  }

  /** As {@link Connection.multicast}; throws a SpreadError ILLEGAL_SESSION while there is no session. */
  multicast(
    groups: string | readonly string[],
    data: Uint8Array | string,
    options?: MulticastOptions,
  ): boolean {
    if (this.#connection === undefined) throw new SpreadError('ILLEGAL_SESSION');
    return this.#connection.multicast(groups, data, options);
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#connection?.disconnect();
    this.#connection = undefined;
  }

  async #connect(): Promise<void> {
    let connection: Connection;
    try {
      connection = await connect(this.#daemon, this.#options);
    } catch (error) {
      return this.#down(error instanceof SpreadError ? error : new SpreadError('SP_BUG', { cause: error }));
    }
    if (this.#ended) return void connection.disconnect();
    const began = performance.now();
    this.#connection = connection;
    for (const event of FORWARDED) {
      connection.on(event, (...told: unknown[]) => void (this as EventEmitter).emit(event, ...told));
    }
    connection.once('close', (error) => {
      this.#connection = undefined;
      if (performance.now() - began >= STEADY_MS) this.#attempt = 0;
      if (error !== undefined) this.#down(error);
    });
    for (const group of this.#groups) connection.join(group);
    this.emit('up', connection);
  }

  #down(error: SpreadError): void {
    if (this.#ended) return;
    const { retryFirst: first = 100, retryLongest: longest = 10_000 } = this.#options;
    const wait = backoff(this.#attempt, { first, longest }, Math.random());
    this.#attempt += 1;
    this.#timer = setTimeout(() => void this.#connect(), wait);
    this.emit('down', error, wait);
  }
}

/**
 * A session with a Spread daemon over a TCP or unix socket: {@link connect} opens it, events tell what comes. The thin edge of
 * `session.ts`; knows sockets and timers, and nothing of the bytes.
 */
import { EventEmitter } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import type { Millis } from '../../model/time.ts';
import { SpreadError } from './codes.ts';
import type { Version } from './handshake.ts';
import type { SpreadMessage } from './message.ts';
import {
  AUTH_IP,
  AUTH_NULL,
  type AuthMethod,
  type MulticastOptions,
  Session,
  type SessionAction,
} from './session.ts';
import { formatTarget, parseTarget, type Target } from './target.ts';

export interface ConnectOptions {
  /** Private name, 1 to 10 characters, unique on the daemon; absent: the daemon makes one up. */
  readonly name?: string;
  /** Whether membership messages are wanted; true unless given. */
  readonly membership?: boolean;
  /** Ways to say who we are, the preferred first; NULL and IP unless given. */
  readonly auth?: readonly AuthMethod[];
  /** Longest wait for connection and handshake together, ms; 5,000 unless given. */
  readonly timeout?: Millis;
  /** Bytes that may wait to be sent before {@link Connection.multicast} refuses; 16 MiB unless given. */
  readonly sendQueueMax?: number;
  /** Stored by the daemon, without effect; false unless given. */
  readonly priority?: boolean;
  /** As what library we present ourselves; 5.0.1 unless given. Daemons take what is newer than themselves. */
  readonly version?: Version;
}

const TIMEOUT_MS = 5000;
const SEND_QUEUE_MAX = 16 * 1024 * 1024;
/** How long a goodbye may take to reach the daemon. */
const END_WITHIN_MS = 500;
const VERSION: Version = [5, 0, 1];

type Kinds = { readonly [K in SpreadMessage['kind']]: [Extract<SpreadMessage, { kind: K }>] };

/** One event for each kind of message, in the order in which they came; `close` is the last. */
export interface ConnectionEvents extends Kinds {
  /** `error` absent: we ended it. No group is left that we are a member of. */
  readonly close: [error: SpreadError | undefined];
  /** What waited to be sent is on its way. */
  readonly drain: [];
}

/**
 * Opens a session. `daemon` in Spread's notation: `4803` (unix socket /tmp/4803), `4803@host`, or the path of a socket.
 * Rejects with a {@link SpreadError} whose code is the daemon's, COULD_NOT_CONNECT or CONNECTION_CLOSED.
 */
export async function connect(daemon: string, options: ConnectOptions = {}): Promise<Connection> {
  const target = parseTarget(daemon);
  const session = new Session({
    name: options.name ?? '',
    membership: options.membership ?? true,
    priority: options.priority ?? false,
    version: options.version ?? VERSION,
    auth: options.auth ?? [AUTH_NULL, AUTH_IP],
  });
  const connection = new Connection({
    target,
    session,
    sendQueueMax: options.sendQueueMax ?? SEND_QUEUE_MAX,
  });
  await connection.open(options.timeout ?? TIMEOUT_MS);
  return connection;
}

interface Parts {
  readonly target: Target;
  readonly session: Session;
  readonly sendQueueMax: number;
}

interface Opening {
  readonly resolve: () => void;
  readonly reject: (error: SpreadError) => void;
}

/** Made by {@link connect}. */
export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #target: Target;
  readonly #session: Session;
  readonly #sendQueueMax: number;
  #socket: Socket | undefined;
  #opening: Opening | undefined;
  #daemonVersion: Version = VERSION;
  #failure: SpreadError | undefined;
  #over = false;
  #ours = false;
  /** Messages that came together with the end of the handshake, until somebody can have listened. */
  #early: SpreadMessage[] | undefined = [];

  constructor({ target, session, sendQueueMax }: Parts) {
    super();
    this.#target = target;
    this.#session = session;
    this.#sendQueueMax = sendQueueMax;
  }

  /** `#name#daemon`: others reach us alone by sending to it. */
  get privateGroup(): string {
    return this.#session.privateGroup;
  }

  get daemonVersion(): Version {
    return this.#daemonVersion;
  }

  /** Bytes that wait because the daemon reads slowly. */
  get queuedBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Called by {@link connect} alone. */
  async open(timeout: Millis): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#opening = { resolve, reject };
    const where = formatTarget(this.#target);
    const late = setTimeout(() => {
      this.#fail(
        new SpreadError('COULD_NOT_CONNECT', { detail: `${where} did not answer within ${timeout} ms` }),
      );
    }, timeout);
    this.#dial(where);
    try {
      await promise;
    } finally {
      clearTimeout(late);
    }
  }

  #dial(where: string): void {
    const { kind } = this.#target;
    const socket = connectSocket(
      kind === 'unix' ? { path: this.#target.path } : { host: this.#target.host, port: this.#target.port },
    );
    this.#socket = socket;
    if (kind === 'tcp') {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 10_000);
    }
    let reached = false;
    let trouble: Error | undefined;
    socket.on('connect', () => {
      reached = true;
      this.#perform(this.#session.connected());
    });
    socket.on('data', (bytes: Buffer) => this.#perform(this.#session.receive(bytes)));
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', (error) => {
      trouble = error;
    });
    socket.on('close', () => {
      if (reached) return this.#ended(trouble);
      const detail = `${where}: ${trouble === undefined ? 'closed' : reasonOf(trouble)}`;
      this.#fail(new SpreadError('COULD_NOT_CONNECT', { detail, ...(trouble && { cause: trouble }) }));
    });
  }

  #ended(trouble: Error | undefined): void {
    if (this.#ours) return this.#close(undefined);
    this.#perform(this.#session.ended(trouble === undefined ? 'end of stream' : reasonOf(trouble)));
  }

  join(group: string): void {
    this.#send(this.#session.join(group));
  }

  leave(group: string): void {
    this.#send(this.#session.leave(group));
  }

  /**
   * Sends to groups or private groups, 1 to 100; at most 143,152 bytes less 32 a group. `agreed` unless `service` says otherwise.
   * False: the daemon reads slowly, wait for `drain`. Throws a {@link SpreadError} for what must not be sent, without a session, and
   * NET_ERROR_ON_SESSION once more waits than `sendQueueMax`.
   */
  multicast(
    groups: string | readonly string[],
    data: Uint8Array | string,
    options?: MulticastOptions,
  ): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return this.#send(
      this.#session.multicast(typeof groups === 'string' ? [groups] : groups, bytes, options),
    );
  }

  /** No events until `resume`. A daemon drops who leaves 1,000 messages unread. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Says goodbye, which frees the private name, and closes. Resolves when closed, at the latest after half a second. */
  async disconnect(): Promise<void> {
    if (this.#over || this.#socket === undefined) return;
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    if (!this.#ours) {
      const goodbye = this.#session.isOpen ? this.#session.kill() : undefined;
      this.#ours = true;
      if (goodbye === undefined) this.#socket.end();
      else this.#socket.end(goodbye);
      this.#socket.resume();
    }
    const late = setTimeout(() => this.#socket?.destroy(), END_WITHIN_MS);
    await closed;
    clearTimeout(late);
  }

  /** Closes at once, without a goodbye. */
  destroy(): void {
    this.#ours = true;
    this.#socket?.destroy();
  }

  #send(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || this.#over || this.#ours) throw new SpreadError('ILLEGAL_SESSION');
    if (socket.writableLength + bytes.length > this.#sendQueueMax) {
      const detail = `${socket.writableLength} bytes wait to be sent`;
      throw new SpreadError('NET_ERROR_ON_SESSION', {
        detail,
        mend: 'wait for the event `drain` when multicast returns false',
      });
    }
    return socket.write(bytes);
  }

  #perform(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      if (action.kind === 'write') this.#socket?.write(action.bytes);
      else if (action.kind === 'failed') this.#fail(action.error);
      else if (action.kind === 'message') this.#tell(action.message);
      else this.#opened(action.daemonVersion);
    }
  }

  #opened(daemonVersion: Version): void {
    this.#daemonVersion = daemonVersion;
    this.#socket?.pause();
    setImmediate(() => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const message of early) this.#tell(message);
      if (this.#failure !== undefined) this.#close(this.#failure);
      else this.#socket?.resume();
    });
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  #tell(message: SpreadMessage): void {
    if (this.#early !== undefined) this.#early.push(message);
    else if (!this.#ours || message.kind !== 'message') this.#emit(message);
  }

  #emit(message: SpreadMessage): void {
    // The compiler does not see that the kind picks the event.
    (this as EventEmitter).emit(message.kind, message);
  }

  #fail(error: SpreadError): void {
    this.#failure ??= error;
    this.#socket?.destroy();
    this.#opening?.reject(error);
    if (this.#opening !== undefined) {
      this.#opening = undefined;
      this.#over = true;
      return;
    }
    if (this.#early === undefined) this.#close(error);
  }

  #close(error: SpreadError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.emit('close', error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOENT: 'there is no such socket',
  EACCES: 'no right to use the socket',
  ECONNRESET: 'the daemon reset the connection',
  EPIPE: 'the daemon reset the connection',
  EHOSTUNREACH: 'no route to the host, or it does not answer on the link',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'no answer from the host',
  ENOTFOUND: 'the name of the host is unknown',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
};

function reasonOf(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? error.message;
}

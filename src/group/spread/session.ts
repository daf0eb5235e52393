/**
 * One session with a daemon, from the first byte to the last, as a state machine: bytes in, actions out. Pure; `connection.ts`
 * gives it a socket. Checks all that is sent, since daemons drop a session for a wrong header and die of a long one.
 */
import { ByteQueue } from './byte-queue.ts';
import { SpreadError } from './codes.ts';
import { encodeFrame, readFrame } from './frame.ts';
import {
  encodeChoice,
  encodeHello,
  type Hello,
  type Refusal,
  readAnswer,
  readMethods,
  type Version,
} from './handshake.ts';
import { readMessage, type SpreadMessage } from './message.ts';
import {
  AUTH_CHOICES_MAX,
  BODY_BYTES_MAX,
  GROUPS_PER_MESSAGE_MAX,
  JOIN,
  KILL,
  LEAVE,
  NAME_BYTES,
  NAME_LENGTH_MAX,
  NAME_PATTERN,
  PRIVATE_NAME_MAX,
  SELF_DISCARD,
  SERVICE_BITS,
  type Service,
} from './wire.ts';

/** A way to say who we are. NULL and IP need no words of their own. */
export interface AuthMethod {
  /** At most 29 ASCII characters without a space. */
  readonly name: string;
  /** What it says once it was chosen, in one piece, and how many bytes the daemon then answers; `accepts` judges them. */
  readonly exchange?: {
    readonly bytes: Uint8Array;
    readonly answerLength: number;
    accepts(answer: Uint8Array): boolean;
  };
}

/** Nothing is asked. */
export const AUTH_NULL: AuthMethod = { name: 'NULL' };
/** The daemon looks at the address we come from. */
export const AUTH_IP: AuthMethod = { name: 'IP' };

export interface SessionSettings extends Hello {
  /** In order of preference; the first that the daemon allows is chosen. */
  readonly auth: readonly AuthMethod[];
}

export type SessionAction =
  /** In one piece, at once. */
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'open'; readonly privateGroup: string; readonly daemonVersion: Version }
  | { readonly kind: 'message'; readonly message: SpreadMessage }
  /** It is over; nothing comes after it. */
  | { readonly kind: 'failed'; readonly error: SpreadError };

type State = 'new' | 'methods' | 'auth' | 'answer' | 'open' | 'over';

export interface MulticastOptions {
  /** `agreed` unless given. */
  readonly service?: Service;
  /** −32768 to 32767; 0 unless given. */
  readonly type?: number;
  /** Do not send it back to us; false unless given. */
  readonly selfDiscard?: boolean;
}

export class Session {
  readonly #settings: SessionSettings;
  readonly #queue = new ByteQueue();
  #state: State = 'new';
  #method: AuthMethod | undefined;
  #privateGroup = '';

  /** Throws a {@link SpreadError} for a name or a method that no daemon would take. */
  constructor(settings: SessionSettings) {
    checkSettings(settings);
    this.#settings = settings;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** `#name#daemon`; empty before the session is open. */
  get privateGroup(): string {
    return this.#privateGroup;
  }

  /** The connection is there. */
  connected(): readonly SessionAction[] {
    if (this.#state !== 'new') return [];
    this.#state = 'methods';
    return [{ kind: 'write', bytes: encodeHello(this.#settings) }];
  }

  /** Bytes from the daemon, in pieces of any size; the piece is taken over. */
  receive(bytes: Uint8Array): readonly SessionAction[] {
    if (this.#state === 'over' || this.#state === 'new') return [];
    this.#queue.push(bytes);
    const actions: SessionAction[] = [];
    while (this.#step(actions));
    return actions;
  }

  /** The connection is gone. What was read before is judged first: a refusal can be followed by a reset at once. */
  ended(reason: string): readonly SessionAction[] {
    if (this.#state === 'over') return [];
    const stage = this.#state === 'open' ? '' : ' during the handshake';
    const rest = this.#queue.length === 0 ? '' : `, ${this.#queue.length} bytes of something unfinished`;
    return this.#fail(new SpreadError('CONNECTION_CLOSED', { detail: `${reason}${stage}${rest}` }));
  }

  /** The bytes of a request. Throws a {@link SpreadError} for what must not be sent. */
  join(group: string): Uint8Array {
    return this.#request(JOIN, checkGroup(group));
  }

  leave(group: string): Uint8Array {
    return this.#request(LEAVE, checkGroup(group));
  }

  /** Goodbye: close the connection after it. It frees the private name at once. */
  kill(): Uint8Array {
    return this.#request(KILL, this.#privateGroup);
  }

  multicast(groups: readonly string[], data: Uint8Array, options: MulticastOptions = {}): Uint8Array {
    this.#demandOpen();
    const { service = 'agreed', type = 0, selfDiscard = false } = options;
    if (!Object.hasOwn(SERVICE_BITS, service)) {
      throw new SpreadError('ILLEGAL_SERVICE', { detail: JSON.stringify(service) });
    }
    checkMulticast(groups, data, type);
    return encodeFrame({
      type: SERVICE_BITS[service] | (selfDiscard ? SELF_DISCARD : 0),
      little: true,
      name: this.#privateGroup,
      groups,
      hint: (type & 0xffff) << 8,
      hintLittle: true,
      data,
    });
  }

  #request(type: number, group: string): Uint8Array {
    this.#demandOpen();
    const marks = { little: true, hintLittle: true, hint: 0 };
    return encodeFrame({ type, name: this.#privateGroup, groups: [group], data: NOTHING, ...marks });
  }

  #demandOpen(): void {
    if (this.#state !== 'open') throw new SpreadError('ILLEGAL_SESSION');
  }

  /** Reads one thing; false when there is no more to read. */
  #step(actions: SessionAction[]): boolean {
    switch (this.#state) {
      case 'methods':
        return this.#readMethods(actions);
      case 'auth':
        return this.#readExchange(actions);
      case 'answer':
        return this.#readAnswer(actions);
      case 'open':
        return this.#readMessage(actions);
      case 'new':
      case 'over':
        return false;
    }
  }

  #readMethods(actions: SessionAction[]): boolean {
    const result = readMethods(this.#queue);
    if (result.kind === 'more') return false;
    if (result.kind !== 'methods') return this.#failed(result, actions);
    // A daemon that allows nothing says so at once; there is nothing to choose.
    if (result.methods.length === 0) {
      this.#state = 'answer';
      return true;
    }
    const method = this.#settings.auth.find(({ name }) => result.methods.includes(name));
    if (method === undefined) {
      const detail = `it allows ${result.methods.join(', ')}; we can ${this.#settings.auth.map((m) => m.name).join(', ')}`;
      actions.push(...this.#fail(new SpreadError('REJECT_AUTH', { detail })));
      return false;
    }
    this.#method = method;
    actions.push({ kind: 'write', bytes: encodeChoice([method.name]) });
    if (method.exchange !== undefined) actions.push({ kind: 'write', bytes: method.exchange.bytes });
    this.#state = method.exchange === undefined ? 'answer' : 'auth';
    return true;
  }

  #readExchange(actions: SessionAction[]): boolean {
    const exchange = this.#method!.exchange!;
    if (this.#queue.length < exchange.answerLength) return false;
    if (exchange.accepts(this.#queue.take(exchange.answerLength))) {
      this.#state = 'answer';
      return true;
    }
    const detail = `method ${this.#method!.name} was not accepted`;
    actions.push(...this.#fail(new SpreadError('REJECT_AUTH', { detail })));
    return false;
  }

  #readAnswer(actions: SessionAction[]): boolean {
    const result = readAnswer(this.#queue);
    if (result.kind === 'more') return false;
    if (result.kind !== 'answer') return this.#failed(result, actions);
    this.#state = 'open';
    this.#privateGroup = result.privateGroup;
    actions.push({ kind: 'open', privateGroup: result.privateGroup, daemonVersion: result.version });
    return true;
  }

  #readMessage(actions: SessionAction[]): boolean {
    const result = readFrame(this.#queue);
    if (result.kind === 'more') return false;
    if (result.kind === 'malformed') return this.#failed(result, actions);
    const read = readMessage(result.frame);
    if (!read.ok) return this.#failed({ kind: 'malformed', what: read.what }, actions);
    actions.push({ kind: 'message', message: read.message });
    return true;
  }

  #failed(
    result: Refusal | { readonly kind: 'malformed'; readonly what: string },
    actions: SessionAction[],
  ): false {
    actions.push(...this.#fail(errorOf(result)));
    return false;
  }

  #fail(error: SpreadError): readonly SessionAction[] {
    this.#state = 'over';
    this.#queue.clear();
    return [{ kind: 'failed', error }];
  }
}

const NOTHING = new Uint8Array(0);

function errorOf(result: Refusal | { readonly kind: 'malformed'; readonly what: string }): SpreadError {
  if (result.kind === 'malformed') {
    return new SpreadError('NET_ERROR_ON_SESSION', { detail: `the daemon sent ${result.what}` });
  }
  if (result.code !== undefined) return new SpreadError(result.code);
  return new SpreadError('NET_ERROR_ON_SESSION', { detail: `the daemon refused with ${result.number}` });
}

function checkSettings({ name, auth, version }: SessionSettings): void {
  if (name.length > PRIVATE_NAME_MAX || (name !== '' && !NAME_PATTERN.test(name))) {
    throw new SpreadError('REJECT_ILLEGAL_NAME', { detail: JSON.stringify(name) });
  }
  if (!version.every((part) => Number.isInteger(part) && part >= 0 && part <= 127) || version[0] < 4) {
    throw new SpreadError('REJECT_VERSION', {
      detail: version.join('.'),
      mend: 'present a version from 4.0.0 on',
    });
  }
  const methods = auth.map((method) => method.name);
  if (methods.length === 0 || !methods.every((method) => /^[\x21-\x7e]{1,29}$/.test(method))) {
    const mend = `name at least one method; ${AUTH_CHOICES_MAX} at most are told to a daemon`;
    throw new SpreadError('REJECT_AUTH', { detail: JSON.stringify(methods), mend });
  }
}

/** Throws unless daemons and clients agree that this is a group one can join and send to. */
export function checkGroup(group: string): string {
  if (group.length <= NAME_LENGTH_MAX && NAME_PATTERN.test(group)) return group;
  throw new SpreadError('ILLEGAL_GROUP', { detail: JSON.stringify(group) });
}

const PRIVATE_GROUP = /^#[\x24-\x7e]{1,10}#[\x21-\x7e]{1,19}$/;

function checkMulticast(groups: readonly string[], data: Uint8Array, type: number): void {
  if (groups.length === 0 || groups.length > GROUPS_PER_MESSAGE_MAX) {
    const mend = `name 1 to ${GROUPS_PER_MESSAGE_MAX} groups`;
    throw new SpreadError('ILLEGAL_MESSAGE', { detail: `${groups.length} groups`, mend });
  }
  for (const group of groups) if (!PRIVATE_GROUP.test(group)) checkGroup(group);
  if (!Number.isInteger(type) || type < -0x8000 || type > 0x7fff) {
    throw new SpreadError('ILLEGAL_MESSAGE', { detail: `type ${type}`, mend: 'use −32768 to 32767' });
  }
  const body = data.length + NAME_BYTES * groups.length;
  if (body > BODY_BYTES_MAX) {
    throw new SpreadError('MESSAGE_TOO_LONG', { detail: `${data.length} bytes to ${groups.length} groups` });
  }
}

/** Every code of Spread by its name, and the one error class of this client. */

interface CodeEntry {
  readonly number: number;
  readonly what: string;
  readonly mend: string;
}

/** Negative numbers as the daemon sends them, or as Spread's own library reports what never travels. */
const CODES = {
  ILLEGAL_SPREAD: {
    number: -1,
    what: 'the daemon cannot be named like this',
    mend: 'write 4803, 4803@host or the path of a socket',
  },
  COULD_NOT_CONNECT: {
    number: -2,
    what: 'no connection to the daemon',
    mend: 'start the daemon there, or name another',
  },
  REJECT_QUOTA: {
    number: -3,
    what: 'the daemon has as many clients as it can take',
    mend: 'end some, or use another daemon',
  },
  REJECT_NO_NAME: { number: -4, what: 'the daemon wants a private name', mend: 'give one' },
  REJECT_ILLEGAL_NAME: {
    number: -5,
    what: 'the daemon refuses this private name',
    mend: 'use 1 to 10 printable ASCII characters without space, " and #',
  },
  REJECT_NOT_UNIQUE: {
    number: -6,
    what: 'the private name is in use on this daemon',
    mend: 'use another, or wait: a name stays taken for a while after its client is gone',
  },
  REJECT_VERSION: {
    number: -7,
    what: 'the daemon does not speak with clients of this version',
    mend: 'use a daemon of version 4 or 5',
  },
  CONNECTION_CLOSED: {
    number: -8,
    what: 'the daemon closed the connection',
    mend: 'connect again; its log says why it did so',
  },
  REJECT_AUTH: {
    number: -9,
    what: 'the daemon does not let this client in',
    mend: "look at AllowedAuthMethods and RequiredAuthMethods in spread.conf, and at the daemon's access list",
  },
  ILLEGAL_SESSION: { number: -11, what: 'there is no session', mend: 'connect first' },
  ILLEGAL_SERVICE: {
    number: -12,
    what: 'no such service',
    mend: 'use unreliable, reliable, fifo, causal, agreed or safe',
  },
  ILLEGAL_MESSAGE: { number: -13, what: 'not a message that can be sent', mend: 'mend the message' },
  ILLEGAL_GROUP: {
    number: -14,
    what: 'not a group name',
    mend: 'use 1 to 31 printable ASCII characters without space, " and #',
  },
  BUFFER_TOO_SHORT: { number: -15, what: 'the message is longer than the buffer', mend: 'use a longer one' },
  GROUPS_TOO_SHORT: { number: -16, what: 'there are more groups than fit', mend: 'make room for more' },
  MESSAGE_TOO_LONG: {
    number: -17,
    what: 'the message is too long',
    mend: 'send parts: 143,152 bytes less 32 for each group is the most a daemon bears',
  },
  NET_ERROR_ON_SESSION: {
    number: -18,
    what: 'the session is broken',
    mend: 'connect again; is this really a Spread daemon?',
  },
  SP_BUG: { number: -19, what: 'an internal error', mend: 'report it' },
  ILLEGAL_TIME: { number: -20, what: 'not a time', mend: 'use a positive number of milliseconds' },
} as const satisfies Readonly<Record<string, CodeEntry>>;

export type SpreadCode = keyof typeof CODES;

export interface SpreadErrorOptions {
  /** What is wrong, more exactly than the code says. */
  readonly detail?: string;
  /** How to mend it, if better than what the code advises. */
  readonly mend?: string;
  readonly cause?: unknown;
}

/** `message` says what, where and how to mend it; `code` is for programs. */
export class SpreadError extends Error {
  readonly code: SpreadCode;
  /** The number Spread gives the code. */
  readonly number: number;

  constructor(code: SpreadCode, { detail, mend, cause }: SpreadErrorOptions = {}) {
    const entry: CodeEntry = CODES[code];
    const about = detail === undefined ? '' : ` (${detail})`;
    super(`${code}: ${entry.what}${about}; ${mend ?? entry.mend}`, cause === undefined ? {} : { cause });
    this.name = 'SpreadError';
    this.code = code;
    this.number = entry.number;
  }
}

/** The name of a code on the wire; undefined for a number nobody has given a name. */
export function codeOf(number: number): SpreadCode | undefined {
  const names = Object.keys(CODES) as SpreadCode[];
  return names.find((name) => CODES[name].number === number);
}

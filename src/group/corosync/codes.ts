/** Every `cs_error_t` by its name, and the one error class of this back end. */

interface CodeEntry {
  readonly number: number;
  readonly what: string;
  readonly mend?: string;
}

const RESTART = 'look at its log; it can be restarted, we come back by ourselves';
const REPORT = 'report it: this should not happen';

/** corosync/corotypes.h, in its order. */
const CODES = {
  CS_OK: { number: 1, what: 'all is well' },
  CS_ERR_LIBRARY: {
    number: 2,
    what: 'no connection to corosync',
    mend: 'start it on this host (systemctl start corosync), and let this program run as root or as a user that uidgid of corosync.conf names',
  },
  CS_ERR_VERSION: {
    number: 3,
    what: 'the library and the daemon are of different releases',
    mend: 'install both from one release',
  },
  CS_ERR_INIT: { number: 4, what: 'corosync is not ready', mend: 'wait until it has started' },
  CS_ERR_TIMEOUT: { number: 5, what: 'corosync did not answer in time', mend: RESTART },
  CS_ERR_TRY_AGAIN: {
    number: 6,
    what: 'corosync cannot do it now',
    mend: 'try again: its ring may just be forming',
  },
  CS_ERR_INVALID_PARAM: { number: 7, what: 'corosync does not take what it is asked', mend: REPORT },
  CS_ERR_NO_MEMORY: {
    number: 8,
    what: 'corosync, or its library, has no memory',
    mend: 'free some; /dev/shm counts',
  },
  CS_ERR_BAD_HANDLE: { number: 9, what: 'the connection is gone', mend: 'connect again' },
  CS_ERR_BUSY: { number: 10, what: 'corosync is busy with an earlier request', mend: 'try again' },
  CS_ERR_ACCESS: {
    number: 11,
    what: 'corosync does not let this user in',
    mend: 'run as root, or name the user in a file of /etc/corosync/uidgid.d',
  },
  CS_ERR_NOT_EXIST: { number: 12, what: 'there is no such thing', mend: REPORT },
  CS_ERR_NAME_TOO_LONG: { number: 13, what: 'the name is too long', mend: 'use at most 127 characters' },
  CS_ERR_EXIST: {
    number: 14,
    what: 'this process is in the group already',
    mend: 'wait until its last connection is gone',
  },
  CS_ERR_NO_SPACE: { number: 15, what: 'there is no room for it', mend: 'free some; /dev/shm counts' },
  CS_ERR_INTERRUPT: { number: 16, what: 'a signal came in between', mend: 'try again' },
  CS_ERR_NAME_NOT_FOUND: { number: 17, what: 'nothing has this name', mend: REPORT },
  CS_ERR_NO_RESOURCES: {
    number: 18,
    what: 'corosync has no resources left',
    mend: 'raise its limits of open files',
  },
  CS_ERR_NOT_SUPPORTED: { number: 19, what: 'corosync cannot do this', mend: 'use corosync 3' },
  CS_ERR_BAD_OPERATION: { number: 20, what: 'corosync cannot do this now', mend: REPORT },
  CS_ERR_FAILED_OPERATION: { number: 21, what: 'corosync failed to do it', mend: RESTART },
  CS_ERR_MESSAGE_ERROR: {
    number: 22,
    what: 'the message was not understood',
    mend: 'install library and daemon from one release',
  },
  CS_ERR_QUEUE_FULL: { number: 23, what: 'the queue to corosync is full', mend: 'try again' },
  CS_ERR_QUEUE_NOT_AVAILABLE: { number: 24, what: 'there is no queue to corosync', mend: RESTART },
  CS_ERR_BAD_FLAGS: { number: 25, what: 'corosync does not know these flags', mend: REPORT },
  CS_ERR_TOO_BIG: { number: 26, what: 'the message is too long', mend: REPORT },
  CS_ERR_NO_SECTIONS: { number: 27, what: 'corosync has no such section', mend: REPORT },
  CS_ERR_CONTEXT_NOT_FOUND: { number: 28, what: 'there is no context', mend: REPORT },
  CS_ERR_TOO_MANY_GROUPS: { number: 30, what: 'there are too many groups', mend: 'have fewer' },
  CS_ERR_SECURITY: {
    number: 100,
    what: 'corosync does not let this user in',
    mend: 'run as root, or name the user in a file of /etc/corosync/uidgid.d',
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;

export type CorosyncCode = keyof typeof CODES;

/** Where trying again is all there is to do. */
const PASSING: readonly CorosyncCode[] = [
  'CS_ERR_TRY_AGAIN',
  'CS_ERR_BUSY',
  'CS_ERR_INTERRUPT',
  'CS_ERR_QUEUE_FULL',
];

/** The name of a `cs_error_t`; undefined for a number nobody has given a name. */
export function codeOf(number: number): CorosyncCode | undefined {
  const names = Object.keys(CODES) as CorosyncCode[];
  return names.find((name) => CODES[name].number === number);
}

/** Nothing has happened, and the same call may succeed in a moment. */
export function isPassing(number: number): boolean {
  const code = codeOf(number);
  return code !== undefined && PASSING.includes(code);
}

/** `message` says what, where and how to mend it; `code` is for programs. */
export class CorosyncError extends Error {
  readonly code: CorosyncCode | undefined;
  readonly number: number;

  /** @param call what was asked for, as people know it: `cpg_join` */
  constructor(call: string, number: number) {
    const code = codeOf(number);
    const entry: CodeEntry | undefined = code && CODES[code];
    const what = entry?.what ?? 'an answer without a name';
    super(`${code ?? `cs_error_t ${number}`} from ${call}: ${what}; ${entry?.mend ?? REPORT}`);
    this.name = 'CorosyncError';
    this.code = code;
    this.number = number;
  }
}

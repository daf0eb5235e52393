/** Codes of corosync by their names. */
import { describe, expect, it } from 'vitest';
import { CorosyncError, codeOf, isPassing } from '../../../../src/group/corosync/codes.ts';

/** `cs_error_t` of corosync/corotypes.h (corosync 3.1.7), line by line. */
const HEADER = [
  [1, 'CS_OK'],
  [2, 'CS_ERR_LIBRARY'],
  [3, 'CS_ERR_VERSION'],
  [4, 'CS_ERR_INIT'],
  [5, 'CS_ERR_TIMEOUT'],
  [6, 'CS_ERR_TRY_AGAIN'],
  [7, 'CS_ERR_INVALID_PARAM'],
  [8, 'CS_ERR_NO_MEMORY'],
  [9, 'CS_ERR_BAD_HANDLE'],
  [10, 'CS_ERR_BUSY'],
  [11, 'CS_ERR_ACCESS'],
  [12, 'CS_ERR_NOT_EXIST'],
  [13, 'CS_ERR_NAME_TOO_LONG'],
  [14, 'CS_ERR_EXIST'],
  [15, 'CS_ERR_NO_SPACE'],
  [16, 'CS_ERR_INTERRUPT'],
  [17, 'CS_ERR_NAME_NOT_FOUND'],
  [18, 'CS_ERR_NO_RESOURCES'],
  [19, 'CS_ERR_NOT_SUPPORTED'],
  [20, 'CS_ERR_BAD_OPERATION'],
  [21, 'CS_ERR_FAILED_OPERATION'],
  [22, 'CS_ERR_MESSAGE_ERROR'],
  [23, 'CS_ERR_QUEUE_FULL'],
  [24, 'CS_ERR_QUEUE_NOT_AVAILABLE'],
  [25, 'CS_ERR_BAD_FLAGS'],
  [26, 'CS_ERR_TOO_BIG'],
  [27, 'CS_ERR_NO_SECTIONS'],
  [28, 'CS_ERR_CONTEXT_NOT_FOUND'],
  [30, 'CS_ERR_TOO_MANY_GROUPS'],
  [100, 'CS_ERR_SECURITY'],
];

describe('codes of corosync', () => {
  it('all have the name that corotypes.h gives them, and nothing else has one', () => {
    const named = Array.from({ length: 300 }, (_, number) => [number, codeOf(number)] as const).filter(
      ([, name]) => name !== undefined,
    );
    expect(named).toEqual(HEADER);
  });

  it('say what, where and how to mend it', () => {
    expect(new CorosyncError('cpg_initialize', 2).message).toBe(
      'CS_ERR_LIBRARY from cpg_initialize: no connection to corosync; start it on this host (systemctl start corosync), and let this program run as root or as a user that uidgid of corosync.conf names',
    );
    expect(new CorosyncError('cpg_join', 77).message).toBe(
      'cs_error_t 77 from cpg_join: an answer without a name; report it: this should not happen',
    );
  });

  it('tell what may succeed in a moment', () => {
    expect([6, 10, 16, 23].every(isPassing)).toBe(true);
    expect([1, 2, 9, 14, 29].some(isPassing)).toBe(false);
  });
});

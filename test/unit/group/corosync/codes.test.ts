/** Codes of corosync by their names. */
import { describe, expect, it } from 'vitest';
import { CorosyncError, codeOf, isPassing } from '../../../../src/group/corosync/codes.ts';

describe('codes of corosync', () => {
  it.each([
    [1, 'CS_OK'],
    [2, 'CS_ERR_LIBRARY'],
    [6, 'CS_ERR_TRY_AGAIN'],
    [11, 'CS_ERR_ACCESS'],
    [14, 'CS_ERR_EXIST'],
    [28, 'CS_ERR_CONTEXT_NOT_FOUND'],
    [30, 'CS_ERR_TOO_MANY_GROUPS'],
    [100, 'CS_ERR_SECURITY'],
    [29, undefined],
    [0, undefined],
  ])('%i is %s', (number, name) => {
    expect(codeOf(number)).toBe(name);
  });

  it('all have a name where corotypes.h has one', () => {
    const named = Array.from({ length: 101 }, (_, number) => number).filter(
      (number) => codeOf(number) !== undefined,
    );
    expect(named).toEqual([...Array.from({ length: 28 }, (_, index) => index + 1), 30, 100]);
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

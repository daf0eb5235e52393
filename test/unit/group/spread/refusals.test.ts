/** Each number a daemon may refuse with, by its Spread name, wherever in the handshake it comes, followed by a reset or not. */
import { describe, expect, test } from 'vitest';
import { AUTH_IP, AUTH_NULL, Session, type SessionAction } from '../../../../src/group/spread/session.ts';
import { codeOf, SpreadError } from '../../../../src/group/spread/spread.ts';

const CODES = [
  [-1, 'ILLEGAL_SPREAD'],
  [-2, 'COULD_NOT_CONNECT'],
  [-3, 'REJECT_QUOTA'],
  [-4, 'REJECT_NO_NAME'],
  [-5, 'REJECT_ILLEGAL_NAME'],
  [-6, 'REJECT_NOT_UNIQUE'],
  [-7, 'REJECT_VERSION'],
  [-8, 'CONNECTION_CLOSED'],
  [-9, 'REJECT_AUTH'],
  [-11, 'ILLEGAL_SESSION'],
  [-12, 'ILLEGAL_SERVICE'],
  [-13, 'ILLEGAL_MESSAGE'],
  [-14, 'ILLEGAL_GROUP'],
  [-15, 'BUFFER_TOO_SHORT'],
  [-16, 'GROUPS_TOO_SHORT'],
  [-17, 'MESSAGE_TOO_LONG'],
  [-18, 'NET_ERROR_ON_SESSION'],
  [-19, 'SP_BUG'],
  [-20, 'ILLEGAL_TIME'],
] as const;

function session(): Session {
  const made = new Session({
    version: [5, 0, 1],
    name: 'me',
    membership: true,
    priority: true,
    auth: [AUTH_IP, AUTH_NULL],
  });
  made.connected();
  return made;
}

function errorOf(actions: readonly SessionAction[]): SpreadError | undefined {
  const last = actions.at(-1);
  return last?.kind === 'failed' ? last.error : undefined;
}

test.each(CODES)('%i is %s, and its words say what and how to mend it', (number, code) => {
  expect(codeOf(number)).toBe(code);
  const error = new SpreadError(code);
  expect(error).toMatchObject({ code, number });
  expect(error.message).toMatch(new RegExp(`^${code}: .{8,}; .{4,}`));
});

describe('a daemon that refuses', () => {
  test.each(CODES.filter(([number]) => number <= -3 && number >= -9))('with %i', (number, code) => {
    const byte = Buffer.from([number & 0xff]);
    const early = session();
    expect(errorOf(early.receive(Buffer.from(byte)))).toMatchObject({ code, number });
    expect(early.ended('reset'), 'nothing follows').toEqual([]);
    const late = session();
    expect(late.receive(Buffer.from('\x05NULL ', 'latin1')).map(({ kind }) => kind)).toEqual(['write']);
    expect(errorOf(late.receive(byte))).toMatchObject({ code, number });
  });

  test('with a number nobody has named', () => {
    expect(errorOf(session().receive(Buffer.from([-42 & 0xff])))).toMatchObject({
      code: 'NET_ERROR_ON_SESSION',
      message: expect.stringContaining('refused with -42') as string,
    });
  });

  test('by allowing no method at all', () => {
    expect(errorOf(session().receive(Buffer.from([0, -9 & 0xff])))).toMatchObject({ code: 'REJECT_AUTH' });
  });

  test('without a word', () => {
    expect(errorOf(session().ended('end of stream'))).toMatchObject({ code: 'CONNECTION_CLOSED' });
  });
});

test('of the methods a daemon allows the one we like best is chosen', () => {
  const choice = (list: string) => {
    const [action] = session().receive(Buffer.from(`${String.fromCharCode(list.length)}${list}`, 'latin1'));
    return action?.kind === 'write' ? Buffer.from(action.bytes).toString('latin1').replaceAll('\0', '') : '';
  };
  expect([choice('NULL IP '), choice('NULL '), choice('PWORD IP ')]).toEqual(['IP', 'NULL', 'IP']);
});

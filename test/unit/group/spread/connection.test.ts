/** The client alone: opening, refusals, sending, slow daemons, ends, and coming back. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backoff } from '../../../../src/group/spread/backoff.ts';
import {
  type AuthMethod,
  type Connection,
  connect,
  keepConnected,
  type LastingConnection,
  type MembershipMessage,
  SpreadError,
} from '../../../../src/group/spread/spread.ts';
import { DaemonsOnSockets } from '../../../spread/daemons-on-sockets.ts';

let daemons: DaemonsOnSockets;
const open: { disconnect(): Promise<void> }[] = [];

beforeEach(async () => {
  daemons = await new DaemonsOnSockets({ version: [4, 4, 0], names: ['zed', 'mid'], sessionsMax: 5 }).begin();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.disconnect()));
  await daemons.dispose();
});

async function opened(name?: string, daemon = 'zed'): Promise<Connection> {
  const connection = await connect(daemons.target(daemon), name === undefined ? {} : { name });
  open.push(connection);
  return connection;
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof SpreadError ? `${error.code} ${error.number}` : String(error);
}

describe('connect', () => {
  test('tells private group and version, and gets a name where it gives none', async () => {
    const [named, unnamed] = [await opened('me'), await opened()];
    expect(named.privateGroup).toBe('#me#zed');
    expect(named.daemonVersion).toEqual([4, 4, 0]);
    expect(unnamed.privateGroup).toMatch(/^#r\d+-\d+#zed$/);
  });

  test('fails with the daemon’s code and its number', async () => {
    await opened('me');
    expect(await codeOf(opened('me'))).toBe('REJECT_NOT_UNIQUE -6');
    expect(await codeOf(opened('no#good'))).toBe('REJECT_ILLEGAL_NAME -5');
    expect(await codeOf(connect('/no/such/socket'))).toBe('COULD_NOT_CONNECT -2');
    expect(await codeOf(connect('nonsense'))).toBe('ILLEGAL_SPREAD -1');
    const exotic: AuthMethod = { name: 'EXOTIC' };
    expect(await codeOf(connect(daemons.target('zed'), { auth: [exotic] }))).toBe('REJECT_AUTH -9');
    for (const name of ['a', 'b', 'c', 'd']) await opened(name);
    expect(await codeOf(opened('e'))).toBe('REJECT_QUOTA -3');
  });

  test('gives up on a daemon that says nothing', async () => {
    daemons.freeze('zed');
    expect(await codeOf(connect(daemons.target('zed'), { timeout: 50 }))).toBe('COULD_NOT_CONNECT -2');
  });

  test('holds a conversation where the method wants one', async () => {
    const heard: string[] = [];
    const answers = (bytes: Buffer, socket: Socket) => {
      heard.push(bytes.toString('latin1').replaceAll('\0', ''));
      if (heard.length === 1) socket.write('\x0aNULL WORD ', 'latin1');
      if (heard.join('').endsWith('please')) socket.write('\x01\x01\x05\x00\x01\x05#x#yz', 'latin1');
    };
    const server = await serving(answers);
    const word: AuthMethod = {
      name: 'WORD',
      exchange: { bytes: Buffer.from('please'), answerLength: 1, accepts: (answer) => answer[0] === 1 },
    };
    const connection = await connect(server.path, { auth: [word] });
    expect(connection.privateGroup).toBe('#x#yz');
    connection.destroy();
    server.close();
  });
});

/** A server that is no daemon. */
async function serving(
  answers: (bytes: Buffer, socket: Socket) => void,
): Promise<{ path: string; close(): Server }> {
  const path = daemons.target(`own-${Math.random().toString(36).slice(2)}`);
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => answers(bytes, socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, close: () => server.close() };
}

describe('a connection', () => {
  test('joins, hears, sends to groups and to one alone, and leaves', async () => {
    const [a, b] = [await opened('a'), await opened('b', 'mid')];
    a.join('g');
    await once(a, 'membership');
    b.join('g');
    const [news] = (await once(a, 'membership')) as [MembershipMessage];
    expect(news).toMatchObject({
      group: 'g',
      cause: 'join',
      changed: '#b#mid',
      members: ['#a#zed', '#b#mid'],
      ownSet: 0,
    });
    b.multicast(['g', '#a#zed'], 'both', { service: 'safe', type: -5, selfDiscard: true });
    expect((await once(a, 'message'))[0]).toMatchObject({
      service: 'safe',
      type: -5,
      sender: '#b#mid',
      groups: ['g', '#a#zed'],
      selfDiscard: true,
      foreignOrder: false,
    });
    a.leave('g');
    expect((await once(a, 'left'))[0]).toEqual({ kind: 'left', group: 'g' });
    await b.disconnect();
    expect(daemons.sessions).toEqual(['#a#zed']);
  });

  test('refuses what would make the daemon drop it, or abort', async () => {
    const a = await opened('a');
    const data = (length: number) => Buffer.alloc(length);
    const codes = [
      () => a.multicast('g', data(143_121)),
      () => a.multicast([], data(1)),
      () =>
        a.multicast(
          Array.from({ length: 101 }, () => 'g'),
          data(1),
        ),
      () => a.multicast('bad group', data(1)),
      () => a.multicast('#only', data(1)),
      () => a.multicast('g', data(1), { type: 40_000 }),
      () => a.multicast('g', data(1), { service: 'fast' as never }),
      () => a.join('x'.repeat(32)),
      () => a.join(''),
    ].map((act) => {
      try {
        act();
        return 'done';
      } catch (error) {
        return error instanceof SpreadError ? error.code : String(error);
      }
    });
    expect(codes).toEqual([
      'MESSAGE_TOO_LONG',
      'ILLEGAL_MESSAGE',
      'ILLEGAL_MESSAGE',
      'ILLEGAL_GROUP',
      'ILLEGAL_GROUP',
      'ILLEGAL_MESSAGE',
      'ILLEGAL_SERVICE',
      'ILLEGAL_GROUP',
      'ILLEGAL_GROUP',
    ]);
    a.join('g');
    a.multicast('g', data(143_120));
    expect((await once(a, 'message'))[0]).toHaveProperty('data.length', 143_120);
  });

  test('says when the daemon reads slowly, and refuses before memory is full', async () => {
    const slow = await connect(daemons.target('zed'), { name: 'slow', sendQueueMax: 4_000_000 });
    daemons.freeze('zed');
    const data = Buffer.alloc(100_000);
    const told: boolean[] = [];
    expect(() => {
      for (let count = 0; count < 100; count += 1) told.push(slow.multicast('g', data));
    }).toThrow(/^NET_ERROR_ON_SESSION: .*drain/);
    expect(told).toContain(false);
    expect(slow.queuedBytes).toBeLessThanOrEqual(4_000_000);
    slow.destroy();
  });

  test('ends with the reason; nothing can be sent after it', async () => {
    const a = await opened('a');
    const closed = once(a, 'close');
    await daemons.kill('zed');
    expect((await closed)[0]).toMatchObject({ code: 'CONNECTION_CLOSED', number: -8 });
    expect(() => a.join('g')).toThrow(/^ILLEGAL_SESSION/);
  });

  test('says goodbye, which frees its name at once', async () => {
    const heard: Buffer[] = [];
    const server = await serving((bytes, socket) => {
      heard.push(bytes);
      if (heard.length <= 2)
        socket.write(heard.length === 1 ? '\x05NULL ' : '\x01\x05\x00\x01\x05#x#yz', 'latin1');
      else socket.end();
    });
    const connection = await connect(server.path);
    await connection.disconnect();
    expect(heard.at(-1)!.toString('hex', 0, 10)).toBe('80000480237823797a00');
    server.close();
  });

  test('ends when what comes is no Spread', async () => {
    let pieces = 0;
    const server = await serving((_, socket) => {
      pieces += 1;
      socket.write(pieces === 1 ? '\x05NULL ' : `\x01\x05\x00\x01\x05#x#yz${'\x80'.repeat(60)}`, 'latin1');
    });
    const connection = await connect(server.path);
    const [error] = (await once(connection, 'close')) as [SpreadError];
    expect(error.message).toMatch(/^NET_ERROR_ON_SESSION: .*the daemon sent/);
    server.close();
  });
});

describe('keepConnected', () => {
  test('comes back after the daemon does, in its groups', async () => {
    const lasting: LastingConnection = keepConnected(daemons.target('zed'), {
      name: 'l',
      retryFirst: 10,
      retryLongest: 40,
    });
    lasting.join('g');
    await once(lasting, 'membership');
    const down = once(lasting, 'down');
    await daemons.kill('zed');
    expect((await down)[0]).toHaveProperty('code', 'CONNECTION_CLOSED');
    expect(() => lasting.multicast('g', 'x')).toThrow(/^ILLEGAL_SESSION/);
    expect((await once(lasting, 'down'))[0]).toHaveProperty('code', 'COULD_NOT_CONNECT');
    const member = once(lasting, 'membership');
    await daemons.start('zed');
    expect((await member)[0]).toMatchObject({ group: 'g', members: ['#l#zed'] });
    await lasting.end();
    expect(daemons.sessions).toEqual([]);
  });

  test('waits longer each time, and never all alike', () => {
    const settings = { first: 100, longest: 1000 };
    expect([0, 1, 2, 3, 4, 50].map((attempt) => backoff(attempt, settings, 1))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
    expect(backoff(4, settings, 0)).toBe(500);
  });
});

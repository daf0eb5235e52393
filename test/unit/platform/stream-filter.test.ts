/** What the kernel lets through to a listening port when it is told to keep strangers out; on the loopback interface. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { listenStreams, type StreamListener } from '../../../src/platform/stream-socket.ts';

const CRACK = 2 ** -30;
/** A request that is dropped is repeated by the caller's kernel after a second at the earliest. */
const DROPPED_AFTER_MS = 600;

describe.each([
  { family: 4, host: '127.0.0.1', friend: '127.0.0.5', stranger: '127.0.0.6' },
  { family: 6, host: '::1', friend: '::1', stranger: undefined },
])('the filter of a listening port, IPv$family', ({ host, friend, stranger }) => {
  let listener: StreamListener | undefined;
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    listener?.close();
  });

  async function listen(): Promise<StreamListener> {
    listener = await listenStreams({ host, port: 0 }, (_, open) => {
      const echo = open({
        ready: () => undefined,
        data: (bytes) => echo.write(bytes),
        ended: () => undefined,
      });
    });
    return listener;
  }

  /** The connection, or undefined when nothing answers. */
  function dial(localAddress: string): Promise<Socket | undefined> {
    const socket = connect({ host, port: listener!.port, localAddress });
    sockets.push(socket);
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(undefined), DROPPED_AFTER_MS);
      socket.on('error', () => undefined);
      socket.once('connect', () => {
        clearTimeout(late);
        resolve(socket);
      });
    });
  }

  function echoed(socket: Socket, text: string): Promise<string> {
    return new Promise((resolve) => {
      let heard = '';
      socket.on('data', (bytes) => {
        heard += String(bytes);
        if (heard.length >= text.length) resolve(heard);
      });
      socket.write(text);
    });
  }

  test('keeps strangers out, lets friends in, and leaves open streams alone', async () => {
    const filtered = await listen();
    const before = await dial(stranger ?? friend);
    expect(before).toBeDefined();
    filtered.letThrough(CRACK, [friend]);
    const fresh = await dial(friend);
    expect(fresh).toBeDefined();
    const long = 'x'.repeat(500_000);
    expect(await echoed(before!, long)).toBe(long);
    expect(await echoed(fresh!, long)).toBe(long);
    filtered.letThrough(CRACK, stranger === undefined ? [] : [friend]);
    expect(await dial(stranger ?? friend)).toBeUndefined();
    filtered.letThrough(1, []);
    expect(await dial(stranger ?? friend)).toBeDefined();
  });
});

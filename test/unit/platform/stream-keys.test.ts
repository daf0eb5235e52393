/** Who is let in by which key: handshakes with the listener as it is, by clients that are not. */
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenStreams, type SharedKey, type StreamListener } from '../../../src/platform/stream-socket.ts';

const HOST = '127.0.0.1';
const keyOf = (name: string): SharedKey => ({ key: Buffer.alloc(32, name), group: 'group', name });
const [OLD, NEW] = [keyOf('old'), keyOf('new')];

describe('a listener with a ring of keys', () => {
  let ring: [SharedKey, ...SharedKey[]];
  let listener: StreamListener;
  let ends: string[];
  const sockets: TLSSocket[] = [];

  beforeEach(async () => {
    ring = [OLD];
    ends = [];
    listener = await listenStreams({ host: HOST, port: 0, sharedKeys: () => ring }, (_, open) => {
      const stream = open({
        ready: () => stream.write(Buffer.from('welcome')),
        data: () => undefined,
        ended: ({ code }) => void ends.push(code),
      });
    });
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    listener.close();
  });

  interface Attempt {
    readonly text: string;
    readonly session: Buffer | undefined;
    readonly group: string | undefined;
  }

  /** What the listener said, or the error's code. */
  function dial(key: SharedKey | undefined, session?: Buffer): Promise<Attempt> {
    const { promise, resolve } = Promise.withResolvers<Attempt>();
    let [ticket, group]: [Buffer | undefined, string | undefined] = [undefined, undefined];
    const socket = connectTls({
      socket: connect({ host: HOST, port: listener.port }),
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      checkServerIdentity: () => undefined,
      pskCallback: () =>
        key === undefined ? null : { psk: Buffer.from(key.key), identity: `${key.group}-${key.name}` },
      ...(session === undefined ? {} : { session }),
    });
    sockets.push(socket);
    const done = (text: string) => setTimeout(() => resolve({ text, session: ticket, group }), 50);
    socket.on('session', (given) => {
      ticket = given;
    });
    socket.on('secureConnect', () => {
      group = (socket.getEphemeralKeyInfo() as { name?: string }).name;
    });
    socket.on('data', (bytes) => done(String(bytes)));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
    return promise;
  }

  test('lets in by every key of the ring, as it is at that moment', async () => {
    expect((await dial(NEW)).text).toMatch(/^ERR_SSL/);
    ring = [NEW, OLD];
    expect((await dial(NEW)).text).toBe('welcome');
    expect((await dial(OLD)).text).toBe('welcome');
    ring = [NEW];
    expect((await dial(OLD)).text).toMatch(/^ERR_SSL/);
    expect(ends.filter((code) => code === 'wrong-key')).toHaveLength(2);
  });

  test('agrees on fresh secrets each time: who learns the key later cannot read what was recorded', async () => {
    expect((await dial(OLD)).group).toMatch(/X25519|P-\d+|MLKEM/);
  });

  test('a name of a key without the key is nothing, and neither is another group’s', async () => {
    expect((await dial({ ...OLD, key: NEW.key })).text).toMatch(/^ERR_SSL/);
    expect((await dial({ ...OLD, group: 'other' })).text).toMatch(/^ERR_SSL/);
    // Those of the test before may still be closing.
    expect(ends.filter((code) => code.startsWith('wrong'))).toEqual(['wrong-key', 'wrong-group']);
  });

  test('what a removed key once opened does not open it again', async () => {
    const { session } = await dial(OLD);
    ring = [NEW];
    for (const key of [undefined, OLD]) {
      const again = await dial(key, session);
      expect(again.text).toMatch(/^ERR_SSL/);
    }
  });
});

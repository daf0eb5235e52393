/** Strangers and misconfigured members at the door: counted, named on both sides, and the running view undisturbed. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GroupCommunication } from '../../../src/group/group.ts';
import { encodeHello } from '../../../src/group/hello.ts';
import { FRAME_KIND, frameBytes } from '../../../src/group/stream-frames.ts';
import { memberId } from '../../../src/model/member.ts';
import { LoopbackCluster, loopbackAddress } from '../../conformance/group-loopback.ts';
import { Observer } from '../../conformance/group-observer.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };
/** Above the patience within, so that a failure says what it waited for. */
const TEST_MS = { timeout: 30_000 };

describe.each([
  ['TLS', {}],
  ['no key', { key: undefined }],
] as const)('a running view (%s)', TEST_MS, (security, options) => {
  let cluster: LoopbackCluster;
  let a: Observer;
  let b: Observer;
  const extra: Observer[] = [];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    cluster = new LoopbackCluster(options);
    a = new Observer(cluster.member('a'));
    b = new Observer(cluster.member('b'));
    await Promise.all([a.join(), b.join()]);
    await a.view((view) => view.members.length === 2);
    await b.view((view) => view.members.length === 2);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const observer of [a, b, ...extra.splice(0)]) observer.stopTicking();
    await cluster.dispose();
  });

  function counter(name: string, of: GroupCommunication = a.group): number {
    return of.status().counters[name] ?? 0;
  }

  function problems(of: GroupCommunication): string {
    return of
      .status()
      .peers.map(({ problem }) => problem ?? '')
      .join('\n');
  }

  async function expectUndisturbed(): Promise<void> {
    const views = a.views.length;
    a.group.multicast(Buffer.from('still here'));
    await b.message('still here');
    await a.message('still here');
    expect(a.views.length).toBe(views);
    expect(a.lastView!.members).toHaveLength(2);
    expect(b.lastView!.id).toBe(a.lastView!.id);
  }

  /** Resolves also when the door was shut in our face. */
  function dial(): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect({ host: loopbackAddress('a'), port: cluster.port, localAddress: '127.0.0.77' });
      sockets.push(socket);
      socket.on('error', () => resolve(socket));
      socket.on('connect', () => resolve(socket));
    });
  }

  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => (socket.closed ? resolve() : socket.on('close', () => resolve())));

  async function outsider(
    name: string,
    changes: Parameters<LoopbackCluster['member']>[1],
  ): Promise<Observer> {
    const observer = new Observer(cluster.member(name, changes));
    extra.push(observer);
    await observer.join();
    return observer;
  }

  test('random bytes to the stream port are refused and counted', async () => {
    for (let round = 0; round < 8; round += 1) {
      const socket = await dial();
      socket.write(randomBytes(4096));
      socket.resume();
      await closed(socket);
    }
    await expect.poll(() => counter('refused_garbage'), PATIENCE).toBeGreaterThanOrEqual(8);
    await expectUndisturbed();
  });

  test('random bytes, cut and bent datagrams to the datagram port are counted and change nothing', async () => {
    const udp = createSocket('udp4');
    const refused = (): number =>
      counter('datagrams_malformed') + counter('datagrams_wrong_cluster') + counter('datagrams_stale_pair');
    // A few at a time, each lot counted before the next: the kernel drops what a busy reader leaves for too long.
    for (let lot = 0; lot < 5; lot += 1) {
      const before = refused();
      await Promise.all(Array.from({ length: 40 }, (_, number) => sendBent(udp, number)));
      await expect.poll(refused, PATIENCE).toBeGreaterThanOrEqual(before + 40);
    }
    udp.close();
    await expectUndisturbed();
  });

  function sendBent(udp: DatagramSocket, number: number): Promise<void> {
    const bytes = randomBytes(1 + Math.floor(Math.random() * 1400));
    if (number % 4 === 0) bytes.set(Buffer.from('576d01', 'hex').subarray(0, Math.min(3, bytes.length)));
    return new Promise((resolve) => udp.send(bytes, cluster.port, loopbackAddress('a'), () => resolve()));
  }

  test('slow callers get eight places, two seconds, and no more', async () => {
    const callers = await Promise.all(Array.from({ length: 20 }, dial));
    for (const socket of callers) socket.write(Buffer.from([0]));
    for (const socket of callers) socket.resume();
    await expectUndisturbed();
    await Promise.all(callers.map(closed));
    await expect.poll(() => counter('refused_too_many_from_source'), PATIENCE).toBe(12);
    await expect.poll(() => counter('refused_handshake_timeout'), PATIENCE).toBe(8);
    await expectUndisturbed();
  });

  test('callers in quick succession are slowed down', async () => {
    for (let round = 0; round < 60; round += 1) {
      const socket = await dial();
      socket.end();
      socket.resume();
      await closed(socket);
    }
    await expect.poll(() => counter('refused_too_fast'), PATIENCE).toBeGreaterThan(0);
    await expectUndisturbed();
  });

  test('another cluster at the same port is refused and told why', async () => {
    const c = await outsider('c', { cluster: 'elsewhere' });
    await expect.poll(() => counter('refused_wrong_cluster'), PATIENCE).toBeGreaterThan(0);
    await expect.poll(() => problems(c.group), PATIENCE).toMatch(/cluster/);
    await expect.poll(() => problems(a.group), PATIENCE).toMatch(/cluster/);
    expect(c.lastView!.members).toHaveLength(1);
    await expectUndisturbed();
  });

  if (security === 'TLS')
    test('a wrong key is refused and named on both sides', async () => {
      const c = await outsider('c', { key: Buffer.alloc(32, 'another key') });
      await expect.poll(() => counter('refused_wrong_key'), PATIENCE).toBeGreaterThan(0);
      await expect.poll(() => counter('datagrams_wrong_key'), PATIENCE).toBeGreaterThan(0);
      await expect.poll(() => problems(c.group), PATIENCE).toMatch(/key/);
      await expect.poll(() => problems(a.group), PATIENCE).toMatch(/key/);
      expect(c.lastView!.members).toHaveLength(1);
      await expectUndisturbed();
    });

  if (security === 'TLS')
    test('a member without a key is refused and named on both sides', async () => {
      const c = await outsider('c', { key: undefined });
      await expect.poll(() => counter('refused_garbage'), PATIENCE).toBeGreaterThan(0);
      await expect.poll(() => problems(c.group), PATIENCE).not.toBe('');
      await expect.poll(() => problems(a.group), PATIENCE).toMatch(/TLS/);
      expect(c.lastView!.members).toHaveLength(1);
      await expectUndisturbed();
    });

  test('a second member of one name is detached and told so; the first one stays', async () => {
    const twin = await outsider('b', { at: 'twin' });
    await twin.detached();
    expect(twin.events.at(-1)).toMatchObject({ kind: 'detached', reason: expect.stringMatching(/name/) });
    await expectUndisturbed();
  });

  if (security === 'no key')
    test('a wire version we do not speak is refused and told why', async () => {
      const socket = await dial();
      const answers: Buffer[] = [];
      socket.on('data', (bytes: Buffer) => answers.push(bytes));
      const hello = {
        wireOldest: 200,
        wireNewest: 201,
        cluster: 'loopback',
        member: memberId('future', '0000000000000001'),
        listen: { host: '127.0.0.77', port: 1 },
        token: '0'.repeat(32),
        age: 1,
      };
      socket.write(frameBytes(FRAME_KIND.hello, encodeHello(hello)));
      await closed(socket);
      expect(Buffer.concat(answers).toString()).toMatch(/wire versions 1 to 1, not 200 to 201/);
      await expect.poll(() => counter('refused_wrong_version'), PATIENCE).toBe(1);
      await expectUndisturbed();
    });

  if (security === 'no key')
    test('frames that make no sense end the connection that sent them', async () => {
      for (const bytes of [
        frameBytes(FRAME_KIND.data, randomBytes(100)),
        frameBytes(FRAME_KIND.go),
        frameBytes(FRAME_KIND.hello, Buffer.from('{"magic":"wackamole"}')),
        Buffer.from([0, 0, 0, 0]),
        Buffer.from([0xff, 0xff, 0xff, 0xff]),
      ]) {
        const socket = await dial();
        socket.resume();
        socket.write(bytes);
        await closed(socket);
      }
      await expect.poll(() => counter('refused_garbage'), PATIENCE).toBe(5);
      await expectUndisturbed();
    });
});

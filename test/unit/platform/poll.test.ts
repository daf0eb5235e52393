import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bootTimeNow, monotonicNow } from '../../../src/platform/clock.ts';
import {
  AF_INET,
  AF_UNIX,
  bindSocket,
  closeDescriptor,
  connectSocket,
  openSocket,
  receiveMessage,
  SOCK_DGRAM,
  SOCK_STREAM,
  SystemError,
  sendMessage,
  socketAddress,
} from '../../../src/platform/libc.ts';
import { watchHangUp, watchReadable } from '../../../src/platform/poll.ts';

function loopbackSocket() {
  const fd = openSocket({ domain: AF_INET, type: SOCK_DGRAM, protocol: 0 });
  bindSocket(fd, Buffer.from('0200 0000 7f000001 0000000000000000'.replaceAll(' ', ''), 'hex'));
  return { fd, address: socketAddress(fd) };
}

describe('watching a descriptor', () => {
  it('calls back for each message, also after the garbage was collected', async () => {
    const { fd, address } = loopbackSocket();
    const buffer = Buffer.alloc(16);
    const heard: string[] = [];
    let more: () => void = () => {};
    const watch = watchReadable(fd, {
      readable() {
        for (let got = receiveMessage(fd, buffer); got !== undefined; got = receiveMessage(fd, buffer)) {
          heard.push(buffer.toString('latin1', 0, got));
        }
        more();
      },
    });
    for (let at = 0; at < 60; at++) {
      const next = new Promise<void>((resolve) => {
        more = resolve;
      });
      sendMessage(fd, Buffer.from(String(at)), { address });
      // Garbage, so that a handle nobody keeps would be collected.
      Array.from({ length: 20_000 }, (_, size) => ({ size }));
      await next;
    }
    expect(heard).toEqual(Array.from({ length: 60 }, (_, at) => String(at)));
    watch.close();
    watch.close();
    sendMessage(fd, Buffer.from('late'), { address });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toHaveLength(60);
    closeDescriptor(fd);
  });

  it('lets promises go on in the same turn', async () => {
    const { fd, address } = loopbackSocket();
    const order = await new Promise<string[]>((resolve) => {
      const steps: string[] = [];
      const watch = watchReadable(fd, {
        readable() {
          receiveMessage(fd, Buffer.alloc(16));
          watch.close();
          void Promise.resolve().then(() => steps.push('promise'));
          setImmediate(() => resolve(steps));
        },
      });
      sendMessage(fd, Buffer.from('x'), { address });
    });
    expect(order).toEqual(['promise']);
    closeDescriptor(fd);
  });
});

/** A stream socket of ours, and the other end of it, which is not ours. */
async function streamTo(body: (fd: number, other: Socket) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/poll-`);
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(`${folder}/s`, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const fd = openSocket({ domain: AF_UNIX, type: SOCK_STREAM, protocol: 0 });
  connectSocket(fd, Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${folder}/s\0`)]));
  const other = await accepted;
  try {
    await body(fd, other);
  } finally {
    closeDescriptor(fd);
    other.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('watching for the other end to go', () => {
  it('calls back once when it goes, though nobody reads; what can be read wakes nobody', async () => {
    await streamTo(async (fd, other) => {
      let calls = 0;
      const gone = Promise.withResolvers<void>();
      const watch = watchHangUp(fd, () => {
        calls += 1;
        gone.resolve();
      });
      await new Promise<void>((resolve) => other.write('unread', () => resolve()));
      await pause();
      expect(calls, 'while it is there').toBe(0);
      other.destroy();
      await gone.promise;
      await pause();
      expect(calls).toBe(1);
      watch.close();
      watch.close();
    });
  });

  it('says nothing after it was closed', async () => {
    await streamTo(async (fd, other) => {
      let calls = 0;
      watchHangUp(fd, () => {
        calls += 1;
      }).close();
      other.destroy();
      await pause();
      expect(calls).toBe(0);
    });
  });
});

describe('libc', () => {
  it('says what was refused, by name', () => {
    expect(() => openSocket({ domain: 99, type: SOCK_DGRAM, protocol: 0 })).toThrow(SystemError);
    expect(() => openSocket({ domain: 99, type: SOCK_DGRAM, protocol: 0 })).toThrow(/socket: EAFNOSUPPORT/);
  });

  it('reads clocks that go forward', () => {
    const [monotonic, boot] = [monotonicNow(), bootTimeNow()];
    const end = monotonicNow() + 5;
    while (monotonicNow() < end);
    expect(monotonicNow() - monotonic).toBeGreaterThanOrEqual(5);
    expect(bootTimeNow() - boot).toBeGreaterThanOrEqual(4.9);
  });
});

import { describe, expect, it } from 'vitest';
import { bootTimeNow, monotonicNow } from '../../../src/platform/clock.ts';
import {
  AF_INET,
  bindSocket,
  closeDescriptor,
  openSocket,
  receiveMessage,
  SOCK_DGRAM,
  SystemError,
  sendMessage,
  socketAddress,
} from '../../../src/platform/libc.ts';
import { watchReadable } from '../../../src/platform/poll.ts';

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

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  AF_INET,
  bindSocket,
  closeDescriptor,
  openSocket,
  receiveMessage,
  SOCK_DGRAM,
  sendMessage,
  sinceTakenIn,
  socketAddress,
} from '../../../src/platform/libc.ts';
import { socketAddressBytes } from '../../../src/platform/socket-address.ts';

test('the kernel says how long a message has waited for its reader', async () => {
  const [reader, writer] = [0, 1].map(() => openSocket({ domain: AF_INET, type: SOCK_DGRAM, protocol: 0 }));
  try {
    bindSocket(reader!, socketAddressBytes('127.0.0.1', 0));
    expect(sinceTakenIn(reader!)).toBeUndefined();
    const to = socketAddressBytes('127.0.0.1', socketAddress(reader!).readUInt16BE(2));
    const before = performance.now();
    expect(sendMessage(writer!, Buffer.from('x'), { address: to })).toBe(true);
    await sleep(50);
    expect(receiveMessage(reader!, Buffer.alloc(8))).toBe(1);
    const waited = sinceTakenIn(reader!)!;
    expect(waited).toBeGreaterThan(45);
    expect(waited).toBeLessThan(performance.now() - before + 5);
  } finally {
    closeDescriptor(reader!);
    closeDescriptor(writer!);
  }
});

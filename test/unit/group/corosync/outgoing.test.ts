/** So much is with the daemon at a time that its library never has to wait. */
import { describe, expect, it } from 'vitest';
import { Outgoing, WAITING_BYTES_MAX } from '../../../../src/group/corosync/outgoing.ts';

/** Sends what may be sent; how many. */
function drain(outgoing: Outgoing): number {
  let count = 0;
  for (; outgoing.next() !== undefined; count += 1) outgoing.sent();
  return count;
}

describe('outgoing messages', () => {
  it('are at most 64 at a time, and one more for each that comes back', () => {
    const outgoing = new Outgoing();
    for (let number = 0; number < 100; number += 1) outgoing.add(Uint8Array.of(number));
    expect(drain(outgoing)).toBe(64);
    outgoing.returned();
    outgoing.returned();
    expect(outgoing.next()).toEqual(Uint8Array.of(64));
    expect(drain(outgoing)).toBe(2);
    expect(outgoing.isEmpty).toBe(false);
  });

  it('are at most half a mebibyte at a time, but always one', () => {
    const outgoing = new Outgoing();
    const long = new Uint8Array(600 * 1024);
    outgoing.add(long);
    outgoing.add(long);
    expect(drain(outgoing)).toBe(1);
    outgoing.returned();
    expect(drain(outgoing)).toBe(1);
    expect(outgoing.isEmpty).toBe(true);
  });

  it('stay first when the daemon took nothing', () => {
    const outgoing = new Outgoing();
    outgoing.add(Uint8Array.of(1));
    outgoing.add(Uint8Array.of(2));
    expect(outgoing.next()).toEqual(Uint8Array.of(1));
    expect(outgoing.next()).toEqual(Uint8Array.of(1));
  });

  it('are too much beyond 64 MiB', () => {
    const outgoing = new Outgoing();
    expect(outgoing.add(new Uint8Array(WAITING_BYTES_MAX))).toBe(true);
    expect(outgoing.add(Uint8Array.of(1))).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText, readNotices } from '../../../src/lab/address-notice.ts';
import { addressBytes } from '../../../src/lab/client.ts';
import { ECHO_BYTES, echoRequest, numberRequest, readReply } from '../../../src/lab/echo.ts';
import { longest, outagesOf } from '../../../src/lab/outages.ts';
import { vipPlans } from '../../../src/lab/plan.ts';
import { Verdicts } from '../../../src/lab/verdicts.ts';

describe('verdicts on requests', () => {
  it('gives a request up only when the socket was seen empty after the patience', () => {
    const verdicts = new Verdicts(30);
    verdicts.sentRequest(1, 100);
    expect(verdicts.settle(130)).toEqual([]);
    expect(verdicts.settle(131)).toEqual([{ at: 100, up: false }]);
  });

  it('does not hold our own lateness against the target', () => {
    const verdicts = new Verdicts(30);
    verdicts.sentRequest(1, 100);
    // Read at 900, but the socket was last seen empty at 99: it may have come at once.
    verdicts.answer(1, 99);
    expect(verdicts.settle(900)).toEqual([{ at: 100, up: true }]);
  });

  it('takes an answer that certainly came too late as none', () => {
    const verdicts = new Verdicts(30);
    verdicts.sentRequest(1, 100);
    verdicts.answer(1, 131);
    expect(verdicts.settle(200)).toEqual([{ at: 100, up: false }]);
  });

  it('tells turns in the order of sending, once each', () => {
    const verdicts = new Verdicts(30);
    for (const [request, at] of [
      [1, 0],
      [2, 2],
      [3, 4],
      [4, 6],
    ] as const)
      verdicts.sentRequest(request, at);
    verdicts.answer(4, 7);
    verdicts.answer(1, 7);
    expect(verdicts.settle(40)).toEqual([
      { at: 0, up: true },
      { at: 2, up: false },
      { at: 6, up: true },
    ]);
    expect(verdicts).toMatchObject({ sent: 4, answered: 2, repeated: 0 });
  });
});

describe('outages', () => {
  const turns = [
    { at: 0, up: false },
    { at: 10, up: true },
    { at: 50, up: false },
    { at: 80, up: true },
  ];

  it('are the times without answers, clipped to the window', () => {
    expect(outagesOf('x', turns, { from: 5, to: 60 })).toEqual([
      { address: 'x', from: 5, to: 10, open: false },
      { address: 'x', from: 50, to: 60, open: true },
    ]);
    expect(longest(outagesOf('x', turns, { from: 20, to: 100 }))).toBe(30);
    expect(outagesOf('x', turns, { from: 10, to: 50 })).toEqual([]);
  });

  it('that last are open', () => {
    expect(outagesOf('x', [{ at: 3, up: false }], { from: 0, to: 9 })).toEqual([
      { address: 'x', from: 3, to: 9, open: true },
    ]);
  });
});

describe('echo packets', () => {
  it('have a checksum that sums to all ones, whatever the number', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffff), (request, target) => {
        const packet = echoRequest(4, { id: 7, target });
        numberRequest(packet, request);
        let sum = 0;
        for (let offset = 0; offset < packet.length; offset += 2) sum += packet.readUInt16BE(offset);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
        expect(sum).toBe(0xffff);
      }),
    );
  });

  it('are recognised as replies with the link address of who answered', () => {
    const frame = Buffer.alloc(14 + 20 + ECHO_BYTES);
    Buffer.from('020000000001', 'hex').copy(frame, 6);
    frame.writeUInt8(0x45, 14);
    frame.writeUInt8(1, 14 + 9);
    const reply = echoRequest(4, { id: 7, target: 3 });
    numberRequest(reply, 99);
    reply.writeUInt8(0, 0);
    reply.copy(frame, 34);
    expect(readReply(frame, 7)).toEqual({ target: 3, request: 99, mac: '02:00:00:00:00:01' });
    expect(readReply(frame, 8)).toBeUndefined();
  });

  it('never throws at what else is on the wire', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readReply(Buffer.from(bytes), 7)),
    );
  });
});

describe('address notices', () => {
  it('survive garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readNotices(Buffer.from(bytes))),
    );
  });

  it('write addresses as everybody else does', () => {
    expect(addressText(Uint8Array.from([10, 77, 0, 1]))).toBe('10.77.0.1');
    for (const { address } of vipPlans(120, 60)) {
      expect(addressText(Uint8Array.from(addressBytes(address)))).toBe(address);
    }
    for (const address of ['::', '::1', 'fd77::', '2001:db8:0:1:1:1:1:1', '1:0:0:2::3']) {
      expect(addressText(Uint8Array.from(addressBytes(address)))).toBe(address);
    }
  });
});

describe('the plan', () => {
  it('gives every VIP an address of its own', () => {
    const addresses = vipPlans(5000, 100).map(({ address }) => address);
    expect(new Set(addresses).size).toBe(5000);
    expect(() => vipPlans(5001)).toThrow(/5000/);
  });
});

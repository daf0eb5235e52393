import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acknowledgedErrno,
  decodeAttributes,
  decodeMessages,
  encodeAttribute,
  encodeMessage,
  stampSequence,
} from '../../../src/platform/netlink-codec.ts';
import {
  decodeRouteNotice,
  encodeAddressDelete,
  encodeAddressPut,
  type InterfaceAddress,
} from '../../../src/platform/rtnetlink-codec.ts';

const FOUR: InterfaceAddress = {
  interfaceIndex: 3,
  address: '10.9.0.2',
  prefixLength: 32,
  validSeconds: 3,
  preferredSeconds: 0,
  origin: 0x57,
  label: 'd0:wack',
  flags: 0,
};
const SIX: InterfaceAddress = { ...FOUR, address: '2001:db8::5', prefixLength: 128, label: '', flags: 0x202 };

const hex = (...parts: string[]) => parts.join('').replaceAll(' ', '');

describe('rtnetlink messages', () => {
  it('puts an IPv4 address byte for byte as linux/rtnetlink.h lays it down', () => {
    expect(encodeAddressPut(FOUR).toString('hex')).toBe(
      hex(
        '58000000 1400 0505 00000000 00000000', // 88 bytes, RTM_NEWADDR, request|ack|replace|create
        '02 20 00 00 03000000', // AF_INET, /32, interface 3
        '0800 0200 0a090002', // IFA_LOCAL
        '0800 0100 0a090002', // IFA_ADDRESS
        '1400 0600 00000000 03000000 00000000 00000000', // preferred 0, valid 3
        '0800 0800 00000000', // flags
        '0500 0b00 57000000', // IFA_PROTO
        '0c00 0300 64303a7761636b00', // label
      ),
    );
  });

  it('deletes by family, prefix length, interface and address', () => {
    expect(encodeAddressDelete(SIX).toString('hex')).toBe(
      hex(
        '40000000 1500 0500 00000000 00000000',
        '0a 80 00 00 03000000',
        '1400 0200 20010db8000000000000000000000005',
        '1400 0100 20010db8000000000000000000000005',
      ),
    );
  });

  it.each([FOUR, SIX, { ...FOUR, validSeconds: 7, preferredSeconds: 7 }])(
    'reads back $address',
    (address) => {
      const [message] = decodeMessages(encodeAddressPut(address));
      expect(decodeRouteNotice(message!)).toEqual({ kind: 'address', gone: false, address });
    },
  );

  it('reads a lifetime for ever as none', () => {
    const { validSeconds, preferredSeconds, ...forever } = FOUR;
    expect([validSeconds, preferredSeconds]).toEqual([3, 0]);
    const [message] = decodeMessages(encodeAddressPut(forever));
    expect(decodeRouteNotice(message!)).toEqual({ kind: 'address', gone: false, address: forever });
  });

  it('reads a link', () => {
    const header = Buffer.from('0000 0100 05000000 43100100 00000000'.replaceAll(' ', ''), 'hex');
    const message = encodeMessage(16, 0, [
      header,
      encodeAttribute(3, Buffer.from('eth0\0')),
      encodeAttribute(1, Uint8Array.of(2, 0, 0, 0, 0, 9)),
    ]);
    expect(decodeRouteNotice(decodeMessages(message)[0]!)).toEqual({
      kind: 'link',
      gone: false,
      link: {
        index: 5,
        name: 'eth0',
        mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
        up: true,
        carrier: true,
        resolves: true,
      },
    });
  });
});

describe('netlink framing', () => {
  it('stamps and reads sequence numbers, and splits a datagram', () => {
    const messages = [encodeMessage(1, 0, [Uint8Array.of(1, 2, 3, 4)]), encodeMessage(9, 4, [])];
    for (const [at, message] of messages.entries()) stampSequence(message, 70 + at);
    const read = decodeMessages(Buffer.concat(messages));
    expect(read.map(({ type, flags, sequence }) => [type, flags, sequence])).toEqual([
      [1, 0, 70],
      [9, 4, 71],
    ]);
  });

  it('reads the errno of an acknowledgement', () => {
    const refusal = Buffer.alloc(20);
    refusal.writeInt32LE(-17);
    const [refused, done, none] = [
      encodeMessage(2, 0, [refusal]),
      encodeMessage(2, 0, [Buffer.alloc(20)]),
      encodeMessage(3, 0, [refusal]),
    ].map((message) => acknowledgedErrno(decodeMessages(message)[0]!));
    expect([refused, done, none]).toEqual([17, 0, undefined]);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 40 }), (bytes, type) => {
        const datagram = Buffer.from(bytes);
        decodeAttributes(datagram, 0);
        for (const message of decodeMessages(datagram)) decodeRouteNotice(message);
        decodeRouteNotice({ type, flags: 0, sequence: 0, payload: datagram });
        acknowledgedErrno({ type, flags: 0, sequence: 0, payload: datagram });
      }),
    );
  });

  it('leaves out what is cut', () => {
    const whole = encodeAddressPut(FOUR);
    for (let length = 0; length < whole.length; length++) {
      expect(decodeMessages(whole.subarray(0, length))).toEqual([]);
    }
  });
});

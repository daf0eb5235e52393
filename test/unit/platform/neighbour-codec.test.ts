import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeKnownNeighbour,
  decodeOnLinkRoute,
  decodeUnanswered,
  encodeNeighbourDelete,
  encodeNeighbourQuestion,
  encodeRouteQuestion,
} from '../../../src/platform/neighbour-codec.ts';
import { encodeAttribute, type NetlinkMessage } from '../../../src/platform/netlink-codec.ts';

const FOUR = Uint8Array.of(10, 9, 0, 2);
const SIX = Uint8Array.from(Buffer.from('20010db8000000000000000000000005', 'hex'));
const hex = (...parts: string[]) => parts.join('').replaceAll(' ', '');
const index = (value: number) => Uint8Array.of(value, 0, 0, 0);

function message(type: number, ...parts: readonly (string | Buffer)[]): NetlinkMessage {
  const payload = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)),
  );
  return { type, flags: 0, sequence: 1, payload };
}

describe('questions about neighbours', () => {
  it('stand byte for byte as linux/neighbour.h and linux/rtnetlink.h lay them down', () => {
    expect(encodeNeighbourDelete({ interfaceIndex: 3, bytes: FOUR }).toString('hex')).toBe(
      // RTM_DELNEIGH, request|ack; AF_INET, interface 3, state, flags, type; NDA_DST
      hex('24000000 1d00 0500 00000000 00000000', '02 00 0000 03000000 0000 00 00', '0800 0100 0a090002'),
    );
    expect(encodeNeighbourQuestion({ interfaceIndex: 3, bytes: SIX }).toString('hex')).toBe(
      hex(
        '30000000 1e00 0100 00000000 00000000',
        '0a 00 0000 03000000 0000 00 00',
        '1400 0100 20010db8000000000000000000000005',
      ),
    );
    expect(encodeRouteQuestion({ bytes: FOUR, source: FOUR, interfaceIndex: 7 }).toString('hex')).toBe(
      hex(
        '34000000 1a00 0100 00000000 00000000',
        '02 20 20 00 00 00 00 00 00000000', // both /32
        '0800 0100 0a090002', // RTA_DST
        '0800 0200 0a090002', // RTA_SRC
        '0800 0400 07000000', // RTA_OIF
      ),
    );
  });
});

describe('a route', () => {
  const HEADER = '02 20 00 00 fe 02 fd 01 00000000'; // type unicast
  const LOCAL = '02 20 00 00 ff 02 fd 02 00000000';
  const out = encodeAttribute(4, index(3));

  it('names the interface of an address on the link', () => {
    expect(decodeOnLinkRoute(message(24, HEADER, out))).toBe(3);
  });

  it.each([
    ['behind a gateway', message(24, HEADER, out, encodeAttribute(5, FOUR))],
    ['behind a gateway of the other family', message(24, HEADER, out, encodeAttribute(18, SIX))],
    ['of this host', message(24, LOCAL, out)],
    ['that leads nowhere', message(24, HEADER)],
    ['that is something else', message(20, HEADER, out)],
  ])('%s is none on the link', (_, route) => {
    expect(decodeOnLinkRoute(route)).toBeUndefined();
  });
});

describe('a neighbour that can be told', () => {
  const MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);
  const entry = (state: string, flags = '00', mac = MAC) =>
    message(
      28,
      `02 00 0000 03000000 ${state} ${flags} 01`,
      encodeAttribute(1, FOUR),
      encodeAttribute(2, mac),
    );

  it.each([
    ['reachable', entry('0200'), true],
    ['stale', entry('0400'), true],
    ['set by hand', entry('8000'), true],
    ['a router', entry('0200', '80'), true],
    ['incomplete', entry('0100'), false],
    ['failed', entry('2000'), false],
    ['without resolution (a group)', entry('4000'), false],
    ['that we answer for (proxy)', entry('0200', '08'), false],
    ['at the link address of a group', entry('0200', '00', Uint8Array.of(1, 0, 94, 0, 0, 9)), false],
    ['at no link address', entry('0200', '00', new Uint8Array(6)), false],
    ['at one of another length', entry('0200', '00', new Uint8Array(8).fill(2)), false],
    ['without an address', message(28, '02 00 0000 03000000 0200 00 01', encodeAttribute(2, MAC)), false],
    ['of another message', message(20, '02 00 0000 03000000 0200 00 01'), false],
  ])('%s', (_, neighbour, told) => {
    const known = decodeKnownNeighbour(neighbour);
    expect(known !== undefined).toBe(told);
    if (known !== undefined)
      expect(known).toMatchObject({ interfaceIndex: 3, bytes: Buffer.from(FOUR), mac: Buffer.from(MAC) });
  });
});

describe('a neighbour', () => {
  const entry = (state: string, flags = '00', ...rest: Buffer[]) =>
    message(28, `02 00 0000 03000000 ${state} ${flags} 01`, ...rest);

  it.each([
    ['incomplete', entry('0100'), true],
    ['failed', entry('2000'), true],
    ['failed, and a router', entry('2000', '80'), true],
    ['reachable', entry('0200'), false],
    ['stale', entry('0400'), false],
    ['delayed', entry('0800'), false],
    ['asked again at its known address', entry('1000'), false],
    ['set by hand', entry('8000'), false],
    ['that we answer for (proxy)', entry('2000', '08'), false],
    ['learned elsewhere', entry('2000', '10'), false],
    ['that the kernel was told to keep (managed)', entry('2000', '00', encodeAttribute(15, index(1))), false],
    ['of another message', message(20, '02 00 0000 03000000 2000 00 01'), false],
  ])('%s', (_, neighbour, unanswered) => {
    expect(decodeUnanswered(neighbour)).toBe(unanswered);
  });

  it('cut or garbled never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(24, 28), (bytes, type) => {
        const garbled: NetlinkMessage = { type, flags: 0, sequence: 0, payload: Buffer.from(bytes) };
        decodeOnLinkRoute(garbled);
        decodeUnanswered(garbled);
      }),
    );
  });
});

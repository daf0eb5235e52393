import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { audiencesOf, rangeFrom } from '../../../../providers/local/audiences.ts';
import { Notifier } from '../../../../providers/local/notifier.ts';
import {
  arpClaim,
  directedEcho,
  directedUpdates,
  macText,
  neighbourClaim,
} from '../../../../providers/local/packets.ts';
import type { Standing } from '../../../../providers/local/placement.ts';
import { SharedNeighbours } from '../../../../providers/local/shared-neighbours.ts';
import type { NotifyConfig } from '../../../../src/config/providers/notify.ts';
import { ipText } from '../../../../src/platform/ip-bytes.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

/** How far the clock is ahead of the timers, which are late by so much. */
let late = 0;
vi.mock('../../../../src/platform/clock.ts', () => ({ bootTimeNow: () => performance.now() + late }));

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const PEER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const LINK: Link = { index: 4, name: 'eth0', mac: MAC, up: true, carrier: true, resolves: true };

const standing = (last: number): Standing => ({
  family: 4,
  address: `10.0.0.${last}`,
  prefixLength: 32,
  interfaceName: 'eth0',
  interfaceIndex: 4,
});

const ENTRY = { family: 4, address: '10.0.0.0', prefixLength: 24, throttle: 100, ping: false } as const;

function notifier(notify: readonly NotifyConfig[], options: { known?: boolean; shared?: boolean } = {}) {
  /** `sender>target@link address`, of ARP frames. */
  const sent: string[] = [];
  const state = { full: false };
  const sender = {
    send(frame: Uint8Array) {
      if (state.full) return 'full' as const;
      const bytes = Buffer.from(frame);
      sent.push(
        `${bytes.subarray(28, 32).join('.')}>${bytes.subarray(38, 42).join('.')}@${macText(bytes.subarray(0, 6))}`,
      );
      return 'sent' as const;
    },
    close() {},
  };
  const linkAddressOf = () => (options.known === true ? PEER : undefined);
  const known = new SharedNeighbours(1000);
  known.learn([['10.0.0.9', macText(PEER)]], 0);
  const shared = options.shared === true ? known.audiences({ throttle: 100, ping: false }, () => true) : [];
  return {
    sent,
    state,
    it: new Notifier([...audiencesOf({ notify }), ...shared], { sender, linkOf: () => LINK, linkAddressOf }),
  };
}

describe('a notifier', () => {
  beforeEach(() => {
    late = 0;
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells each neighbour of the range, no faster than allowed, and the announcement goes first', () => {
    const { sent, it: notifying } = notifier([ENTRY]);
    notifying.tell([standing(7)]);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(sent.length).toBeGreaterThan(40);
    expect(sent.length).toBeLessThanOrEqual(51);
    vi.advanceTimersByTime(10_000);
    // Without the ends of the subnet and the address itself.
    expect(sent.length).toBe(253);
    expect(sent[0]).toBe('10.0.0.7>10.0.0.1@ff:ff:ff:ff:ff:ff');
    expect(sent.at(-1)).toBe('10.0.0.7>10.0.0.254@ff:ff:ff:ff:ff:ff');
    expect(notifying.pending).toBe(0);
  });

  it('speaks to the link address alone where it is known', () => {
    const { sent, it: notifying } = notifier([{ ...ENTRY, address: '10.0.0.9', prefixLength: 32 }], {
      known: true,
    });
    notifying.tell([standing(7)]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual(Array(2).fill('10.0.0.7>10.0.0.9@02:00:00:00:00:09'));
  });

  it('says nothing any more for what was forgotten, nor after it was stopped', () => {
    const { sent, it: notifying } = notifier([ENTRY]);
    notifying.tell([standing(7), standing(8)]);
    vi.advanceTimersByTime(100);
    notifying.forget([standing(7)]);
    const before = sent.length;
    vi.advanceTimersByTime(100);
    expect(sent.slice(before).every((frame) => frame.startsWith('10.0.0.8>'))).toBe(true);
    notifying.stop();
    const then = sent.length;
    vi.advanceTimersByTime(10_000);
    expect(sent.length).toBe(then);
  });

  it('keeps one entry for an address however often it is told', () => {
    const { it: notifying } = notifier([ENTRY]);
    for (let time = 0; time < 1000; time++) notifying.tell([standing(7)]);
    expect(notifying.pending).toBe(1);
  });

  it('says nothing in a beat that comes late: what was lost is forgotten first', () => {
    const { sent, it: notifying } = notifier([ENTRY]);
    notifying.tell([standing(7)]);
    late = 5_000;
    vi.advanceTimersByTime(20);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(40);
    expect(sent.length).toBeGreaterThan(0);
  });

  it('goes on where the kernel had no room', () => {
    const { sent, state, it: notifying } = notifier([{ ...ENTRY, prefixLength: 30 }]);
    state.full = true;
    notifying.tell([standing(7)]);
    vi.advanceTimersByTime(200);
    state.full = false;
    vi.advanceTimersByTime(200);
    expect(sent.map((frame) => frame.split('>')[1]?.split('@')[0])).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('speaks to the link address that another member knows where it knows none itself', () => {
    const { sent, it: notifying } = notifier([], { shared: true });
    notifying.tell([standing(7)]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual(Array(2).fill('10.0.0.7>10.0.0.9@02:00:00:00:00:09'));
  });

  it('heeds interface and family', () => {
    const six = { ...ENTRY, family: 6 as const, address: '2001:db8::1', prefixLength: 128 };
    const { it: notifying } = notifier([{ ...ENTRY, interface: 'eth1' }, six]);
    notifying.tell([standing(7)]);
    expect(notifying.pending).toBe(0);
  });
});

describe('rangeFrom', () => {
  const all = (address: Uint8Array, prefixLength: number) => {
    const { count, at } = rangeFrom(address, prefixLength);
    return Array.from({ length: count() }, (_, index) => at(index, 4)).map((bytes) => bytes && ipText(bytes));
  };

  it('counts through every address of a prefix', () => {
    expect(all(Uint8Array.of(10, 0, 0, 6), 30)).toEqual([undefined, '10.0.0.5', '10.0.0.6', undefined]);
    expect(all(Uint8Array.of(10, 0, 0, 6), 31)).toEqual(['10.0.0.6', '10.0.0.7']);
    expect(all(Uint8Array.of(255, 255, 255, 255), 32)).toEqual(['255.255.255.255']);
    const six = new Uint8Array(16).fill(0xff);
    expect(all(six, 127)).toEqual([`${'ffff:'.repeat(7)}fffe`, `${'ffff:'.repeat(7)}ffff`]);
  });
});

describe('directed frames', () => {
  const sum = (bytes: Buffer) => {
    let total = 0;
    for (let at = 0; at < bytes.length; at += 2) total += bytes.readUInt16BE(at);
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return total;
  };

  it('claim the address for us, in IPv4 and IPv6', () => {
    const four = { mac: MAC, address: Uint8Array.of(10, 0, 0, 7) };
    for (const frame of directedUpdates(four, { mac: PEER, address: Uint8Array.of(10, 0, 0, 9) }))
      expect(arpClaim(frame)?.address.join('.')).toBe('10.0.0.7');
    const six = { mac: MAC, address: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7) };
    const peer = Uint8Array.from(six.address.with(15, 9));
    const [told] = directedUpdates(six, { mac: PEER, address: peer });
    expect(ipText(neighbourClaim(told!)!.address)).toBe('2001:db8::7');
    const [asked] = directedUpdates(six, { address: peer });
    expect([asked![54], macText(asked!.subarray(0, 6))]).toEqual([135, '33:33:ff:00:00:09']);
  });

  it('have right checksums in their echo', () => {
    const echo = directedEcho(
      { mac: MAC, address: Uint8Array.of(10, 0, 0, 7) },
      { mac: PEER, address: Uint8Array.of(10, 0, 0, 9) },
    );
    expect([sum(echo.subarray(14, 34)), sum(echo.subarray(34))]).toEqual([0xffff, 0xffff]);
  });
});

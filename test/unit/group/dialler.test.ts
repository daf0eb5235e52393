import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LEARNED_KEPT_MS, LEARNED_MAX, LEARNED_PER_NAME_MAX } from '../../../src/group/address-book.ts';
import { Counters } from '../../../src/group/counters.ts';
import { Dialler } from '../../../src/group/dialler.ts';
import { Journal, type LogLine } from '../../../src/group/journal.ts';
import type { Mesh } from '../../../src/group/mesh.ts';
import { type MemberId, memberId, nameOf } from '../../../src/model/member.ts';

const SELF = memberId('a', '0000000000000001');
const B = memberId('b', '0000000000000001');
const NEWS = { news: true, clockOff: 0 };
const RECORDING = { news: false, clockOff: -600 };
const PORT = 4803;
const DAY = 86_400_000;

/** The streams a dialler sees: notes what is dialled and checked, and has what a test opens. */
class Streams {
  readonly dialled: string[] = [];
  readonly destroyed: string[] = [];
  readonly checked: MemberId[] = [];
  readonly sessions = new Map<string, { member: MemberId; remoteAddress: string }>();
  now = 0;

  dial(host: string) {
    this.dialled.push(host);
    const destroy = (): void => void this.destroyed.push(host);
    return { phase: 'connecting', settings: { startedAt: this.now, outgoing: true }, destroy };
  }
  session(member: MemberId) {
    const session = this.sessionOfName(nameOf(member));
    return session?.member === member ? session : undefined;
  }
  sessionOfName(name: string) {
    return this.sessions.get(name);
  }
  check(member: MemberId): void {
    this.checked.push(member);
  }
}

let streams: Streams;
let lines: LogLine[];
let counters: Counters;

/** After its first round no timer of its own runs, so that only what is heard makes it dial. `b` is at 10.0.0.2. */
function make(peers = [{ name: 'b', addresses: [{ host: '10.0.0.2', port: PORT }] }]): Dialler {
  const dialler = new Dialler(
    {
      self: SELF,
      config: { listen: { host: '10.0.0.1', port: PORT }, peers },
      seekInterval: 50,
    },
    {
      mesh: streams as unknown as Mesh,
      sendSeek: () => undefined,
      counters,
      journal: new Journal((line) => lines.push(line), clock),
      clock,
      random: () => 0.5,
      forget: () => 0,
    },
  );
  dialler.start();
  streams.dialled.length = 0;
  return dialler;
}

const clock = (): number => streams.now;
const from = (host: string) => ({ host, port: PORT });
const learned = (dialler: Dialler) => [...dialler.places()].filter(({ configured }) => !configured);

beforeEach(() => {
  streams = new Streams();
  lines = [];
  counters = new Counters();
  vi.useFakeTimers();
});

afterEach(() => vi.useRealTimers());

describe('what a dialler believes', () => {
  test('recordings from false sources are neither remembered nor dialled, however many', () => {
    const dialler = make([]);
    for (let count = 0; count < 2 * LEARNED_MAX; count += 1) {
      dialler.heard(from(`10.9.${count >> 8}.${count & 255}`), B, RECORDING);
    }
    expect([...dialler.places()]).toEqual([]);
    expect(streams.dialled).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields['reason']).toMatch(/clock -600 s off ours.*group\.peers/);
    // And one who is really there is taken up.
    dialler.heard(from('10.0.0.3'), memberId('c', '0000000000000001'), NEWS);
    expect(learned(dialler)).toMatchObject([{ address: '10.0.0.3', name: 'c' }]);
  });

  test('a configured peer is dialled whatever its clock says, but seldom', () => {
    const dialler = make();
    const [place] = dialler.places();
    for (streams.now = 1000; streams.now < 2000; streams.now += 1) {
      place!.attempt = undefined;
      dialler.heard(from('10.0.0.2'), B, RECORDING);
    }
    expect(streams.dialled).toEqual(Array.from({ length: 5 }, () => '10.0.0.2'));
    // Nothing it says of itself is taken for true.
    expect(place).toMatchObject({ name: 'b', member: undefined, lastHeardAt: 0 });
  });

  test('a recording does not make us give up the dial that is under way, news does', () => {
    const dialler = make();
    streams.now = 1000;
    dialler.heard(from('10.0.0.2'), B, RECORDING);
    expect(streams.destroyed).toEqual([]);
    dialler.heard(from('10.0.0.2'), B, NEWS);
    expect(streams.destroyed).toEqual(['10.0.0.2']);
    expect(streams.dialled).toEqual(['10.0.0.2']);
  });

  test('one member is remembered at a few addresses, and a fresh one takes the place of the one long silent', () => {
    const dialler = make([]);
    for (let count = 0; count < 50; count += 1) dialler.heard(from(`10.9.0.${count}`), B, NEWS);
    expect(learned(dialler)).toHaveLength(LEARNED_PER_NAME_MAX);
    expect(counters.get('peers_too_many')).toBe(50 - LEARNED_PER_NAME_MAX);
    for (const place of learned(dialler)) place.attempt = undefined;
    streams.now = LEARNED_KEPT_MS;
    dialler.heard(from('10.9.0.2'), B, NEWS);
    for (const place of learned(dialler)) place.attempt = undefined;
    dialler.heard(from('10.0.0.7'), B, NEWS);
    const addresses = learned(dialler).map(({ address }) => address);
    expect(addresses).toHaveLength(LEARNED_PER_NAME_MAX);
    expect(addresses).toEqual(expect.arrayContaining(['10.0.0.7', '10.9.0.2']));
  });

  test('a full book makes room for the newest instead of staying shut for ten minutes', () => {
    const dialler = make([]);
    for (let count = 0; count < LEARNED_MAX; count += 1) {
      dialler.heard(
        from(`10.9.${count >> 8}.${count & 255}`),
        memberId(`m${count}`, '0000000000000001'),
        NEWS,
      );
    }
    for (const place of learned(dialler)) place.attempt = undefined;
    streams.now = LEARNED_KEPT_MS;
    dialler.heard(from('10.0.0.7'), B, NEWS);
    expect(learned(dialler)).toHaveLength(LEARNED_MAX);
    expect(learned(dialler).map(({ address }) => address)).toContain('10.0.0.7');
  });

  test('where a member has a stream, a seek of it from elsewhere asks the stream and is not one of its addresses', () => {
    const dialler = make([]);
    streams.sessions.set('b', { member: B, remoteAddress: '10.0.0.2' });
    dialler.heard(from('10.9.0.1'), B, NEWS);
    expect(streams.checked).toEqual([B]);
    expect(dialler.addressesOf('b')).toEqual([]);
  });

  test('an address that only datagrams came from is never probed for the member', () => {
    const dialler = make();
    dialler.heard(from('10.9.0.1'), B, NEWS);
    expect(learned(dialler)).toHaveLength(1);
    expect(dialler.addressesOf('b')).toEqual([from('10.0.0.2')]);
  });
});

describe('who is expected at the door', () => {
  test('a configured peer, and one heard of lately; not one silent for long, not a stranger, not a recording', () => {
    const dialler = make();
    dialler.heard(from('10.0.0.3'), memberId('c', '0000000000000001'), NEWS);
    dialler.heard(from('10.0.0.4'), memberId('d', '0000000000000001'), RECORDING);
    const expected = (): boolean[] => [2, 3, 4, 5].map((last) => dialler.expects(`10.0.0.${last}`));
    expect(expected()).toEqual([true, true, false, false]);
    streams.now = DAY;
    expect(expected()).toEqual([true, false, false, false]);
  });
});

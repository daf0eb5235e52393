import { afterEach, beforeEach, expect, test } from 'vitest';
import { Counters } from '../../../src/group/counters.ts';
import { DatagramPlane, type SeekAge } from '../../../src/group/datagram-plane.ts';
import { clusterHash, type DatagramKind, sealDatagram } from '../../../src/group/sealed-datagram.ts';
import { type MemberId, memberId } from '../../../src/model/member.ts';
import { type DatagramSocket, openDatagramSocket } from '../../../src/platform/datagram-socket.ts';
import { deriveKey, sealingKey } from '../../../src/platform/keyed-hash.ts';
import { closeDescriptor } from '../../../src/platform/libc.ts';
import { openDatagramQueue } from '../../../src/platform/split-datagrams.ts';

const A = memberId('a', '0000000000000001');
const B = memberId('b', '0000000000000001');
const TOKEN = Buffer.alloc(32, 7);
const NOW_SECONDS = 1_700_000_000;
const SECRET = {
  key: sealingKey(deriveKey(Buffer.alloc(32, 1), { salt: 'prod', use: 'test' })),
  clusterHash: clusterHash('prod'),
};

let plane: DatagramPlane;
let wire: DatagramSocket;
let counters: Counters;
let sought: { readonly host: string; readonly sender: MemberId; readonly age: SeekAge }[];
let heartbeats: { readonly text: string; readonly loose: boolean }[];
let port: number;

beforeEach(async () => {
  sought = [];
  heartbeats = [];
  counters = new Counters();
  wire = await openDatagramSocket(
    { host: '127.0.0.9', port: 0 },
    { datagram: (_, from) => replied(from.port), failed: () => undefined },
  );
  port = 20_000 + (process.pid % 10_000);
  const settings = {
    self: A,
    listen: { host: '127.0.0.8', port },
    secret: SECRET,
    beaconInterval: 1000,
    heartbeatFresh: 1000,
  };
  const events = {
    sought: (from: { host: string }, sender: MemberId, age: SeekAge) =>
      void sought.push({ host: from.host, sender, age }),
    heartbeat: (_: MemberId, bytes: Uint8Array, loose: boolean) =>
      void heartbeats.push({ text: Buffer.from(bytes).toString(), loose }),
    tokensOf: () => (paired ? [TOKEN] : []),
    problem: () => undefined,
  };
  paired = false;
  plane = new DatagramPlane(settings, {
    counters,
    clock: () => 0,
    wallClock: () => NOW_SECONDS,
    events,
  });
  await plane.start(port);
});

afterEach(() => {
  plane.stop();
  wire.close();
});

let paired: boolean;
let replied: (port: number) => void = () => undefined;

/** The port that what comes back is sent from. */
function replyPort(ask: () => void): Promise<number> {
  return new Promise((resolve) => {
    replied = resolve;
    ask();
  });
}

interface Said {
  readonly number: bigint;
  readonly kind?: DatagramKind;
  /** Seconds by which the sender's clock is off ours. */
  readonly off?: number;
  readonly sender?: MemberId;
}

/** Sends them and waits until all were looked at. */
async function hear(...all: readonly Said[]): Promise<void> {
  const before = taken();
  for (const { number, kind = 'seek', off = 0, sender = B } of all) {
    const body = Buffer.from(`well ${number}`);
    const datagram = { kind, sender, number, clock: NOW_SECONDS + off, listenPort: 4803, body };
    const sealed = sealDatagram(datagram, SECRET, kind === 'heartbeat' ? TOKEN : undefined)!;
    wire.send(sealed, { host: '127.0.0.8', port });
  }
  await expect.poll(taken, { timeout: 4000, interval: 2 }).toBe(before + all.length);
}

const taken = (): number =>
  ['seeks_received', 'beacons_received', 'heartbeats_received', 'datagrams_replayed', 'datagrams_stale_pair']
    .map((name) => counters.get(name))
    .reduce((sum, count) => sum + count);
const news = (): boolean[] => sought.map(({ age }) => age.news);

test('what was made lately is news, its heartbeat too; ten minutes old or ahead it is neither, and that is counted', async () => {
  await hear({ number: 1n });
  await hear({ number: 2n, off: -600 });
  await hear({ number: 3n, off: 600, kind: 'beacon' });
  expect(news()).toEqual([true, false, false]);
  expect(sought.map(({ age }) => age.clockOff)).toEqual([0, -600, 600]);
  expect(heartbeats).toEqual([{ text: 'well 1', loose: true }]);
  expect(counters.get('datagrams_clock_differs')).toBe(2);
});

test('who had a stream with us in this run is believed though its clock was set back and forth, by higher numbers only', async () => {
  paired = true;
  await hear({ number: 10n, kind: 'heartbeat', off: -600 });
  paired = false;
  await hear({ number: 11n, off: -600 });
  await hear({ number: 12n, off: 600 });
  expect(news()).toEqual([true, true]);
  await hear({ number: 11n, off: -600 });
  expect(counters.get('datagrams_replayed')).toBe(1);
  expect(sought).toHaveLength(2);
  // A heartbeat that is bound to no stream still needs the clock: a view long gone must not outrank us.
  expect(heartbeats.map(({ loose }) => loose)).toEqual([false]);
});

test('recordings of members long gone do not push out what is remembered of the living', async () => {
  await hear({ number: 5n });
  for (let first = 0; first < 520; first += 40) {
    const gone = Array.from({ length: 40 }, (_, at) => memberId(`m${first + at}`, '0000000000000001'));
    await hear(...gone.map((sender) => ({ number: 1n, off: -3600, sender })));
  }
  await hear({ number: 5n });
  expect(counters.get('datagrams_replayed')).toBe(1);
});

test('heartbeats of a stream wait in the queue until they are read, those of a new stream for some milliseconds; seeks wake', async () => {
  const queue = openDatagramQueue('127.0.0.8');
  const settings = {
    self: A,
    listen: { host: '127.0.0.8', port: port + 1 },
    secret: SECRET,
    queue,
    beaconInterval: 1000,
    heartbeatFresh: 1000,
  };
  const heard: string[] = [];
  const events = {
    sought: () => void heard.push('seek'),
    heartbeat: () => void heard.push('heartbeat'),
    tokensOf: () => [TOKEN],
    problem: () => undefined,
  };
  const clocks = { clock: () => 0, wallClock: () => NOW_SECONDS };
  const split = new DatagramPlane(settings, { counters, ...clocks, events });
  const say = (kind: DatagramKind, number: bigint): void => {
    const datagram = {
      kind,
      sender: B,
      number,
      clock: NOW_SECONDS,
      listenPort: 4803,
      body: Buffer.from('x'),
    };
    const sealed = sealDatagram(datagram, SECRET, kind === 'heartbeat' ? TOKEN : undefined)!;
    wire.send(sealed, { host: '127.0.0.8', port: port + 1 });
  };
  try {
    await split.start(port + 1);
    split.prefer([TOKEN]);
    say('heartbeat', 1n);
    await expect.poll(() => heard).toEqual(['heartbeat']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    say('heartbeat', 2n);
    say('seek', 3n);
    await expect.poll(() => heard).toEqual(['heartbeat', 'seek']);
    split.readHeartbeats();
    expect(heard).toEqual(['heartbeat', 'seek', 'heartbeat']);
    // Sent from the port that peers know.
    const first = await replyPort(() => split.sendSeek({ host: '127.0.0.9', port: wire.port }));
    expect(first).toBe(port + 1);
  } finally {
    split.stop();
    closeDescriptor(queue);
  }
});

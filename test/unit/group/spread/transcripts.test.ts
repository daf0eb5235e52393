/** Every recorded session is read to its last byte, says what Spread's own library said, and can be written again byte for byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteQueue } from '../../../../src/group/spread/byte-queue.ts';
import { encodeFrame, type Frame, readFrame } from '../../../../src/group/spread/frame.ts';
import { encodeChoice, encodeHello, readAnswer } from '../../../../src/group/spread/handshake.ts';
import type { SpreadMessage } from '../../../../src/group/spread/message.ts';
import { AUTH_IP, AUTH_NULL, Session, type SessionAction } from '../../../../src/group/spread/session.ts';
import { CAUSE_BITS, SERVICE_BITS } from '../../../../src/group/spread/wire.ts';
import { bytesFrom, type Channel, type Report, transcript, transcripts } from './transcripts.ts';

/** The first version whose handshake asks how to say who one is; ours is never older. */
const AUTH_SINCE = 31_600;
/** Ends within a message on purpose: the client never sent the rest. */
const CUT = 'exact';

const all = transcripts();
const channels = all.flatMap((recorded) =>
  recorded.channels.map((channel) => ({ name: `${recorded.name} ${channel.name}`, recorded, channel })),
);
const modern = channels.filter(({ channel }) => presents(channel) >= AUTH_SINCE);

describe('recorded sessions', () => {
  test('are there', () => {
    expect(all).toHaveLength(50);
    expect(channels.length).toBeGreaterThan(150);
    // Two sessions with each daemon hold an older handshake.
    expect(channels.length - modern.length).toBe(4);
  });

  test.each(modern)('$name: read, nothing left over, and the same byte by byte', ({ channel }) => {
    const whole = play(channel, (bytes) => [bytes]);
    const last = whole.at(-1);
    if (last?.kind !== 'failed') throw new Error('a session ends by failing');
    expect(last.error.code).toMatch(/^(REJECT_|CONNECTION_CLOSED)/);
    expect(last.error.message).not.toContain('unfinished');
    expect(play(channel, (bytes) => Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
  });

  test('in pieces of any size they say the same', () => {
    const wanted = modern.map(({ channel }) => play(channel, (bytes) => [bytes]));
    fc.assert(
      fc.property(
        fc.nat(modern.length - 1),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        (index, sizes) => {
          expect(play(modern[index]!.channel, (bytes) => pieces(bytes, sizes))).toEqual(wanted[index]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(all.filter(({ reports }) => reports.size > 0))(
    '$name: says what Spread’s library said',
    (recorded) => {
      for (const [client, reports] of recorded.reports) {
        const sessions = recorded.channels.filter(({ name }) => name.split('.')[0] === client);
        const told = sessions.flatMap((channel) => play(channel, (bytes) => [bytes])).flatMap(reportOf);
        expect(reports.length).toBeGreaterThan(0);
        // What a client had not read when it ended was never reported.
        expect(inOrder(told, reports)).toBe(true);
      }
    },
  );

  test.each(modern)('$name: written again, byte for byte', ({ recorded, channel }) => {
    for (const from of ['client', 'daemon'] as const) {
      const frames = framesFrom(channel, from);
      if (frames === undefined) continue;
      const queue = new ByteQueue();
      queue.push(Buffer.from(frames));
      const written: Buffer[] = [];
      let read = readFrame(queue);
      for (; read.kind === 'frame'; read = readFrame(queue)) written.push(encodeFrame(read.frame));
      const again = Buffer.concat(written);
      const clean = withoutFiller(frames.subarray(0, again.length));
      expect(again.equals(clean)).toBe(true);
      if (recorded.scenario !== 'bad-header' || from === 'daemon') expect(queue.length).toBe(0);
    }
  });

  test.each(all)('$name: our requests are the bytes of Spread’s library', (recorded) => {
    // Raw clients send on purpose what ours never would.
    for (const channel of recorded.channels.filter(({ name }) => /^[A-Z]/.test(name))) {
      const sent = bytesFrom(channel, 'client');
      expect(Buffer.concat(asOurs(channel)).equals(withoutFiller(sent, helloLength(sent) + 90))).toBe(true);
    }
  });
});

test('the answer to a client without the authentication phase is read', () => {
  const { channels: recorded } = transcript('4.4.0', 'bad-version');
  const queue = new ByteQueue();
  queue.push(bytesFrom(recorded.find(({ name }) => name === 'v3150')!, 'daemon'));
  expect(readAnswer(queue)).toEqual({ kind: 'answer', version: [4, 4, 0], privateGroup: '#c#localhost' });
});

/** Version number of the recorded hello; a modern one where it is missing, or so old that it is refused. */
function presents(channel: Channel): number {
  const [major = 5, minor = 0, patch = 1] = channel.pieces.find(({ from }) => from === 'client')?.bytes ?? [];
  return major < 3 ? 50_001 : major * 10_000 + minor * 100 + patch;
}

function helloLength(sent: Buffer): number {
  return sent.length < 5 ? sent.length : 5 + sent[4]!;
}

function play(channel: Channel, cut: (bytes: Buffer) => Buffer[]): SessionAction[] {
  const settings = { version: [5, 0, 1], name: 'x', membership: true, priority: false } as const;
  const session = new Session({ ...settings, auth: [AUTH_NULL, AUTH_IP] });
  const actions = [...session.connected()];
  for (const bytes of cut(bytesFrom(channel, 'daemon'))) actions.push(...session.receive(bytes));
  actions.push(...session.ended('end of recording'));
  return actions.map(asData);
}

function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    cut.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return cut;
}

/** With the bytes as a plain Buffer each, so that views on different stores are equal. */
function asData(action: SessionAction): SessionAction {
  if (action.kind !== 'message' || !('data' in action.message)) return action;
  return { ...action, message: { ...action.message, data: Buffer.from(action.message.data) } };
}

/** In the terms of Spread's library. */
function reportOf(action: SessionAction): Report[] {
  if (action.kind !== 'message') return [];
  const { message } = action;
  const common = { endian_mismatch: 0, mess_type: 0 };
  switch (message.kind) {
    case 'message':
      return [dataReport(message)];
    case 'membership':
      return [
        {
          ...common,
          ret: 20 + message.sets.reduce((sum, set) => sum + 4 + 32 * set.length, 0),
          service: 0x1000 | CAUSE_BITS[message.cause],
          sender: message.group,
          groups: message.members,
          gid: [message.id.daemon, message.id.time, message.id.index],
          changed: message.changed ?? '',
          vs_sets: message.sets,
          my_vs_index: message.ownSet,
        },
      ];
    case 'transitional': {
      const { daemon, time, index } = message.id;
      return [
        {
          ...common,
          ret: 12,
          service: 0x2000,
          sender: message.group,
          groups: [],
          gid: [daemon, time, index],
        },
      ];
    }
    case 'left':
      return [{ ...common, ret: 0, service: 0x200, sender: message.group, groups: [], data: '' }];
    case 'rejected':
      throw new Error('no recorded daemon refuses a request');
  }
}

function dataReport(message: Extract<SpreadMessage, { kind: 'message' }>): Report {
  const { data } = message;
  const long = data.length > 200;
  return {
    ret: data.length,
    service: SERVICE_BITS[message.service] | (message.selfDiscard ? 0x40 : 0),
    sender: message.sender,
    groups: message.groups,
    mess_type: message.type,
    endian_mismatch: message.foreignOrder ? 1 : 0,
    ...(long ? { hash: data.reduce((h, byte) => (Math.imul(h, 33) + byte) >>> 0, 5381) } : {}),
    ...(long ? {} : { data: Buffer.from(data).toString('latin1') }),
  };
}

/** Whether each report stands among what we read, in order; a client may end before it has read all. */
function inOrder(told: readonly Report[], reports: readonly Report[]): boolean {
  let at = 0;
  for (const report of reports) {
    while (at < told.length && !equals(told[at]!, report)) at += 1;
    if (at === told.length) return false;
    at += 1;
  }
  return true;
}

/** All that the library reported; of a membership `mess_type` is the own place, which is in the list. */
function equals(told: Report, report: Report): boolean {
  const keys = Object.keys(told) as (keyof Report)[];
  return keys.every((key) => {
    if (key === 'mess_type' && (report.service & 0x3f00) !== 0) return true;
    return JSON.stringify(told[key]) === JSON.stringify(report[key]);
  });
}

/** What a channel said in frames, after the handshake; undefined if it never came so far. */
function framesFrom(channel: Channel, from: 'client' | 'daemon'): Buffer | undefined {
  const bytes = bytesFrom(channel, from);
  const opened = play(channel, (all_) => [all_]).some(({ kind }) => kind === 'open');
  if (!opened || channel.name === CUT) return undefined;
  if (from === 'client') return bytes.subarray(helloLength(bytes) + 90);
  const methods = 1 + bytes[0]!;
  return bytes.subarray(methods + 5 + bytes[methods + 4]!);
}

/** Behind the zero byte of a name may stand anything; ours writes zeros. `start`: where the frames begin. */
function withoutFiller(bytes: Buffer, start = 0): Buffer {
  const clean = Buffer.from(bytes);
  for (let at = start; at + 48 <= clean.length; ) {
    const little = (clean[at]! & 0x80) !== 0;
    const read = (offset: number) =>
      little ? clean.readInt32LE(at + offset) : clean.readInt32BE(at + offset);
    const [count, length] = [read(36), read(44)];
    if (count < 0 || length < 0) return clean;
    for (const name of [at + 4, ...Array.from({ length: count }, (_, index) => at + 48 + 32 * index)]) {
      const zero = clean.subarray(name, name + 32).indexOf(0);
      if (zero >= 0) clean.fill(0, name + zero, name + 32);
    }
    at += 48 + 32 * count + length;
  }
  return clean;
}

/** The requests of a channel, made again by our session from what they mean. */
function asOurs(channel: Channel): Uint8Array[] {
  const sent = bytesFrom(channel, 'client');
  const hello = sent.subarray(0, helloLength(sent));
  const version = [hello[0]!, hello[1]!, hello[2]!] as const;
  const settings = {
    version,
    name: hello.toString('latin1', 5),
    membership: (hello[3]! & 1) !== 0,
    priority: hello[3]! >= 0x10,
  };
  const session = new Session({ ...settings, auth: [AUTH_NULL, AUTH_IP] });
  const written = [encodeHello(settings)];
  if (sent.length === hello.length) return written;
  written.push(encodeChoice([sent.toString('latin1', hello.length, sent.indexOf(0, hello.length))]));
  session.connected();
  session.receive(bytesFrom(channel, 'daemon').subarray(0, 6 + 5 + 31));
  const queue = new ByteQueue();
  queue.push(sent.subarray(hello.length + 90));
  for (let read = readFrame(queue); read.kind === 'frame'; read = readFrame(queue)) {
    written.push(requestOf(read.frame, session));
  }
  return written;
}

function requestOf({ type, groups, hint, data }: Frame, session: Session): Uint8Array {
  if (type === 0x10000) return session.join(groups[0]!);
  if (type === 0x20000) return session.leave(groups[0]!);
  if (type === 0x40000) return session.kill();
  const service = (Object.keys(SERVICE_BITS) as (keyof typeof SERVICE_BITS)[]).find(
    (s) => SERVICE_BITS[s] & type,
  )!;
  return session.multicast(groups, data, {
    service,
    type: (hint << 8) >> 16,
    selfDiscard: (type & 0x40) !== 0,
  });
}

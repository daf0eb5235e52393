/** The daemon double is right as far as recordings go: given what a recorded client sent, it says what the recorded daemon said. */
import { describe, expect, test } from 'vitest';
import { ByteQueue } from '../../../../src/group/spread/byte-queue.ts';
import { type Frame, readFrame } from '../../../../src/group/spread/frame.ts';
import { readMessage, type SpreadMessage } from '../../../../src/group/spread/message.ts';
import { type DaemonSession, Daemons } from '../../../spread/daemon.ts';
import { bytesFrom, type Channel, type Line, type Transcript, transcripts } from './transcripts.ts';

describe('the daemon double', () => {
  test.each(transcripts())('$name: says what the daemon said', (recorded) => {
    const replayed = replay(recorded);
    for (const channel of recorded.channels) {
      const wanted = bytesFrom(channel, 'daemon');
      const said = replayed.get(channel.name) ?? Buffer.alloc(0);
      const known = { wanted: new Map<string, number>(), said: new Map<string, number>() };
      const told = plain(said, known.said);
      const recordedTold = plain(wanted, known.wanted);
      expect(told.slice(0, recordedTold.length), channel.name).toEqual(recordedTold);
      // At the end several leave at once: some may see others go that the recorded ones did not wait for.
      for (const late of told.slice(recordedTold.length)) expect(late).toMatchObject({ type: 0x1400 });
    }
  });
});

function replay(recorded: Transcript): ReadonlyMap<string, Buffer> {
  const { meta } = recorded;
  const invented = recorded.channels.flatMap((channel) => {
    return /#(r\d+-\d+)#/.exec(bytesFrom(channel, 'daemon').toString('latin1'))?.[1] ?? [];
  });
  const [major, minor, patch] = recorded.version.split('.').map(Number);
  const daemons = new Daemons({
    version: [major!, minor!, patch!],
    names: meta.daemons,
    ...(recorded.scenario === 'auth-ip' && { auth: ['IP'] }),
    invent: () => invented.shift() ?? 'nobody',
  });
  const stage = new Stage(daemons, recorded);
  for (const line of recorded.lines) stage.play(line);
  return stage.said;
}

/** What a client did, to be played when the recorded daemon seems to have seen it. */
interface Deed {
  readonly at: number;
  readonly name: string;
  readonly line: Line;
}

/** What several clients do within this time the daemon may have seen in another order; seconds. */
const CROSSING = 0.01;

/** Plays the lines of a recording to the double, those of clients in the order that the daemon's answers show. */
class Stage {
  readonly said = new Map<string, Buffer>();
  readonly #daemons: Daemons;
  readonly #recorded: Transcript;
  readonly #sessions = new Map<string, DaemonSession>();
  readonly #heard = new Map<string, number>();
  readonly #origins: ReadonlyMap<string, readonly Origin[]>;
  /** Private groups by channel. */
  readonly #groups: ReadonlyMap<string, string | undefined>;
  #deeds: Deed[];

  constructor(daemons: Daemons, recorded: Transcript) {
    this.#daemons = daemons;
    this.#recorded = recorded;
    this.#origins = new Map(recorded.channels.map((channel) => [channel.name, originsOf(channel)]));
    this.#groups = new Map(recorded.channels.map((channel) => [channel.name, privateGroup(channel)]));
    this.#deeds = recorded.lines.flatMap((line) => {
      const { c: name, t: at } = line;
      const deed = name !== undefined && (line.conn === 'open' || line.d === '>');
      return deed ? singly(line).map((part) => ({ at, name, line: part })) : [];
    });
  }

  play(line: Line): void {
    this.catchUp(line.t - CROSSING);
    if (line.ev !== undefined) this.#event(line.ev);
    else if (line.d === '<' && line.x !== undefined) this.#expect(line.c!, line.x.length / 2, line.t);
  }

  /** Everything that was surely seen by then. */
  catchUp(time: number): void {
    const due = this.#deeds.filter(({ at }) => at < time);
    this.#deeds = this.#deeds.slice(due.length);
    for (const deed of due) this.#do(deed);
  }

  #do({ name, line }: Deed): void {
    if (line.conn === 'open') this.#open(name);
    else if (line.x !== undefined) this.#sessions.get(name)?.receive(Buffer.from(line.x, 'hex'));
    else if (line.conn === 'eof' || line.conn === 'reset') this.#sessions.get(name)?.end();
  }

  #open(name: string): void {
    const { clients = {}, daemons } = this.#recorded.meta;
    const daemon = this.#daemons.daemon(clients[name.split('.')[0]!] ?? daemons[0]!);
    const write = (bytes: Buffer) => {
      this.said.set(name, Buffer.concat([this.said.get(name) ?? Buffer.alloc(0), bytes]));
    };
    this.#sessions.set(name, daemon.open({ write, close: () => undefined }));
  }

  /** The recorded daemon has said so much to this client by now: the double must come as far. */
  #expect(name: string, bytes: number, now: number): void {
    const heard = (this.#heard.get(name) ?? 0) + bytes;
    this.#heard.set(name, heard);
    for (let said = this.#saidTo(name); said < heard; said = this.#saidTo(name)) {
      const origin = this.#origins.get(name)?.find(({ end }) => end > said)?.by ?? NETWORK;
      const index = this.#deeds.findIndex(({ at, name: by }) => {
        return at < now + CROSSING / 10 && (by === origin || this.#groups.get(by) === origin);
      });
      if (index >= 0) this.#do(this.#deeds.splice(index, 1)[0]!);
      // It was done and waits for a ring, or nobody did it.
      else this.#daemons.settle();
      if (index < 0 && this.#saidTo(name) === said) return;
    }
  }

  #saidTo(name: string): number {
    return this.said.get(name)?.length ?? 0;
  }

  #event(text: string): void {
    const killed = /^daemon (\w+) killed|^daemon (kill9|term)$/.exec(text);
    if (killed !== null) this.#daemons.kill(killed[1] ?? 'localhost');
    const started = /^daemon (\w+) started again|^daemon is (up) again$/.exec(text);
    if (started !== null) this.#daemons.start(started[1] ?? 'localhost');
    if (text === 'link of abe down') this.#daemons.connect(['zed', 'mid'], ['abe']);
    if (text === 'link of abe up') this.#daemons.connect(['zed', 'mid', 'abe']);
  }
}

/** Several requests in one piece as one piece each: the daemon may take those of others in between. */
function singly(line: Line): Line[] {
  const bytes = Buffer.from(line.x ?? '', 'hex');
  const parts: Line[] = [];
  let at = 0;
  while (bytes.length - at >= 48 && (bytes[at]! & 0x80) !== 0) {
    const end = at + 48 + 32 * bytes.readInt32LE(at + 36) + bytes.readInt32LE(at + 44);
    parts.push({ ...line, x: bytes.toString('hex', at, end) });
    at = end;
  }
  return at === bytes.length && at > 0 ? parts : [line];
}

const NETWORK = 'the network';

/** Whose deed the daemon's words to a client come from, up to which of its bytes. */
interface Origin {
  readonly end: number;
  readonly by: string;
}

function originsOf(channel: Channel): Origin[] {
  const bytes = bytesFrom(channel, 'daemon');
  const handshake = handshakeLength(bytes);
  const origins: Origin[] = [{ end: handshake, by: channel.name }];
  const queue = new ByteQueue();
  queue.push(Buffer.from(bytes.subarray(handshake)));
  for (let read = readFrame(queue); read.kind === 'frame'; read = readFrame(queue)) {
    const message = readMessage(read.frame);
    const end = bytes.length - queue.length;
    origins.push({ end, by: (message.ok && originOf(message.message)) || channel.name });
  }
  return origins;
}

/** The private group of whose deed it is; undefined for the receiver's own. */
function originOf(message: SpreadMessage): string | undefined {
  if (message.kind === 'transitional') return NETWORK;
  if (message.kind === 'membership') return message.changed ?? NETWORK;
  return message.kind === 'message' ? message.sender : undefined;
}

function privateGroup(channel: Channel): string | undefined {
  const bytes = bytesFrom(channel, 'daemon');
  return /#[^#]+#[a-z]+$/.exec(bytes.toString('latin1', 0, handshakeLength(bytes)))?.[0];
}

function handshakeLength(bytes: Buffer): number {
  const frames = bytes.indexOf('80', 0, 'hex');
  return frames < 0 || bytes.length < 48 ? bytes.length : frames;
}

/** What was said, with the daemons' and the clock's numbers replaced by the order in which they appeared. */
function plain(bytes: Buffer, known: Map<string, number>): unknown[] {
  const frames = handshakeLength(bytes);
  const queue = new ByteQueue();
  queue.push(Buffer.from(bytes.subarray(frames)));
  const told: unknown[] = [bytes.toString('hex', 0, frames)];
  for (let read = readFrame(queue); read.kind === 'frame'; read = readFrame(queue)) {
    told.push(anonymous(read.frame, known));
  }
  if (queue.length > 0) told.push(`and ${queue.length} bytes`);
  return told;
}

function anonymous(frame: Frame, known: Map<string, number>): unknown {
  const data = Buffer.from(frame.data);
  if ((frame.type & 0x3000) === 0) return { ...frame, data: data.toString('hex') };
  const ring = data.toString('hex', 0, 8);
  if (!known.has(ring)) known.set(ring, known.size);
  return { ...frame, ring: known.get(ring), data: data.toString('hex', 8) };
}

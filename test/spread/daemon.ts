/**
 * Spread daemons as far as a client can notice: handshake, groups, order, what they refuse, and how their rings split, merge
 * and lose daemons. No sockets (`daemons-on-sockets.ts` has them) and no time: a ring whose daemons changed holds everything
 * back until `settle`. Proved against recorded sessions in `double.test.ts`.
 */
import { ByteQueue } from '../../src/group/spread/byte-queue.ts';
import { encodeFrame, type Frame, readFrame } from '../../src/group/spread/frame.ts';
import { JOIN, KILL, LEAVE, SELF_DISCARD, SERVICE_MASK } from '../../src/group/spread/wire.ts';
import { makeupOf, Ring } from './ring.ts';

export interface DaemonSettings {
  readonly version: readonly [number, number, number];
  /** In the order of the configuration file. */
  readonly names: readonly string[];
  /** NULL unless given; IP finds no address on its list. */
  readonly auth?: readonly string[];
  readonly sessionsMax?: number;
  /** The name of a client that gives none. */
  readonly invent?: () => string;
  /** Requests wait for {@link Daemons.advance}, as they do for the ring's token; otherwise they are carried out as they come. */
  readonly held?: true;
}

/** Where the daemon's bytes for one client go. */
export interface ClientEnd {
  write(bytes: Buffer): void;
  /** Nothing follows. */
  close(): void;
}

export class Daemons {
  readonly settings: DaemonSettings;
  readonly all: readonly Daemon[];
  #components: readonly (readonly Daemon[])[];
  #rings: readonly Ring[] = [];
  #time = 1_700_000_000;
  #inventions = 0;
  /** Requests that wait for a ring, or that arrived while another was being carried out. */
  #waiting: { readonly daemon: Daemon; readonly carryOut: (ring: Ring) => void }[] = [];
  #settled = true;

  constructor(settings: DaemonSettings) {
    this.settings = settings;
    this.all = settings.names.map((name, place) => new Daemon(this, name, place));
    this.#components = [this.all];
    this.settle();
  }

  daemon(name: string): Daemon {
    return this.all.find((daemon) => daemon.name === name)!;
  }

  /** Ends its process: its clients see the end of their streams, the other daemons nothing until `settle`. */
  kill(name: string): void {
    const daemon = this.daemon(name);
    daemon.up = false;
    this.#settled = false;
    daemon.incarnation += 1;
    this.#waiting = this.#waiting.filter((request) => request.daemon !== daemon);
    for (const session of [...daemon.visitors]) session.drop();
    daemon.visitors.clear();
    daemon.sessions.clear();
  }

  start(name: string): void {
    this.daemon(name).up = true;
    this.#settled = false;
  }

  /** Who reaches whom from now on: one list for each part. */
  connect(...parts: readonly (readonly string[])[]): void {
    this.#components = parts.map((part) => this.all.filter(({ name }) => part.includes(name)));
    this.#settled = false;
  }

  /** Forms the rings that can be, and carries out what waited for them. */
  settle(): void {
    const former = this.#rings;
    this.#time += 1;
    this.#rings = this.#components.flatMap((component) => {
      const daemons = component.filter(({ up }) => up);
      return daemons.length === 0 ? [] : [this.#ringOf(daemons, former)];
    });
    this.#settled = true;
    this.#carryOut();
  }

  #ringOf(daemons: readonly Daemon[], former: readonly Ring[]): Ring {
    const same = former.find(({ makeup }) => makeup === makeupOf(daemons));
    if (same !== undefined) return same;
    const ring = new Ring(daemons, this.#time);
    const parts = former.filter((old) => old.daemons.some((daemon) => daemons.includes(daemon)));
    ring.succeed(parts);
    return ring;
  }

  /** In the one order of the daemon's ring. */
  order(daemon: Daemon, carryOut: (ring: Ring) => void): void {
    this.#waiting.push({ daemon, carryOut });
    if (this.#settled) this.#carryOut();
  }

  /** Whether anything waits at one of these daemons. */
  waitsAt(names: readonly string[]): boolean {
    return this.#waiting.some(({ daemon }) => names.includes(daemon.name));
  }

  /** The token of the ring of these daemons went round: what waited at them is carried out, but for what comes of it. */
  advance(names: readonly string[]): void {
    const due = this.#waiting.filter(({ daemon }) => names.includes(daemon.name));
    this.#waiting = this.#waiting.filter((request) => !due.includes(request));
    for (const { daemon, carryOut } of due) {
      const ring = this.#rings.find(({ daemons }) => daemons.includes(daemon));
      if (ring !== undefined) carryOut(ring);
    }
  }

  #carryOut(): void {
    if (this.settings.held === true) return;
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      const { daemon } = request;
      const ring = this.#rings.find(({ daemons }) => daemons.includes(daemon));
      if (ring !== undefined) request.carryOut(ring);
    }
  }

  invent(): string {
    if (this.settings.invent !== undefined) return this.settings.invent();
    this.#inventions += 1;
    return `r${this.#inventions}-9`;
  }
}

export class Daemon {
  readonly cluster: Daemons;
  readonly name: string;
  readonly place: number;
  up = true;
  incarnation = 0;
  /** By private name; one that is gone stays until its going is ordered. */
  readonly sessions = new Map<string, DaemonSession>();
  /** All that are connected, also those that have said no name yet. */
  readonly visitors = new Set<DaemonSession>();

  constructor(cluster: Daemons, name: string, place: number) {
    this.cluster = cluster;
    this.name = name;
    this.place = place;
  }

  /** A client connected. */
  open(client: ClientEnd): DaemonSession {
    const session = new DaemonSession(this, client);
    this.visitors.add(session);
    const { sessionsMax = 997 } = this.cluster.settings;
    if (this.sessions.size >= sessionsMax) session.refuse(-3);
    return session;
  }
}

type State = 'hello' | 'choice' | 'open' | 'over';

/** One client's session. */
export class DaemonSession {
  readonly daemon: Daemon;
  readonly incarnation: number;
  readonly #client: ClientEnd;
  readonly #queue = new ByteQueue();
  #state: State = 'hello';
  #name = '';
  #version = 0;
  membership = false;
  #vanished = false;

  constructor(daemon: Daemon, client: ClientEnd) {
    this.daemon = daemon;
    this.incarnation = daemon.incarnation;
    this.#client = client;
  }

  get group(): string {
    return `#${this.#name}#${this.daemon.name}`;
  }

  /** One piece as the socket gave it: the handshake depends on how it is cut. */
  receive(piece: Buffer): void {
    if (this.#state === 'hello') this.#hello(piece);
    else if (this.#state === 'choice') this.#choice(piece);
    else if (this.#state === 'open') this.#requests(piece);
  }

  /** The client closed its end. */
  end(): void {
    // It had less than a whole choice to say.
    if (this.#state === 'choice') return this.refuse(-9);
    if (this.#state === 'open' || this.#state === 'over') this.#vanish();
    this.#forgetName();
    this.#state = 'over';
    this.daemon.visitors.delete(this);
  }

  /** The daemon ends it. */
  drop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.daemon.visitors.delete(this);
    this.#client.close();
  }

  refuse(code: number): void {
    if (this.#state === 'over') return;
    this.#client.write(Buffer.from([code & 0xff]));
    this.#forgetName();
    this.drop();
  }

  deliver(bytes: Buffer): void {
    if (this.#state === 'open') this.#client.write(bytes);
  }

  /** News of membership, for those who asked for them. */
  tell(bytes: Buffer): void {
    if (this.membership) this.deliver(bytes);
  }

  /** Only while no request was made under it; afterwards its going is ordered first. */
  #forgetName(): void {
    const { sessions } = this.daemon;
    if (this.#state !== 'open' && !this.#vanished && sessions.get(this.#name) === this)
      sessions.delete(this.#name);
  }

  #vanish(): void {
    if (this.#vanished || this.#state === 'hello' || this.daemon.sessions.get(this.#name) !== this) return;
    this.#vanished = true;
    this.daemon.cluster.order(this.daemon, (ring) => {
      this.daemon.sessions.delete(this.#name);
      ring.disconnect(this);
    });
  }

  #hello(piece: Buffer): void {
    const [major = 0, minor = 0] = piece;
    const short = major * 10_000 + minor * 100 <= 31_400;
    const patch = short ? 0 : (piece[2] ?? 0);
    this.#version = major * 10_000 + minor * 100 + patch;
    if (this.#version < 30_100) return this.refuse(-7);
    const head = short ? 4 : 5;
    if (piece.length < head) return this.drop();
    const length = piece[head - 1]!;
    // The daemon reads ten bytes for the name, and no more than that of what follows it.
    const name = piece.subarray(head, head + 10);
    if (length > 10) return this.refuse(-5);
    if (name.length === 0 && length > 0) return this.drop();
    if (name.length !== length || !name.every((byte) => byte > 0x23 && byte <= 0x7e)) return this.refuse(-5);
    this.membership = (piece[head - 2]! & 1) !== 0;
    this.#named(
      length === 0 ? this.daemon.cluster.invent() : name.toString('latin1'),
      piece.subarray(head + length),
    );
  }

  #named(name: string, rest: Buffer): void {
    if (this.daemon.sessions.has(name)) return this.refuse(-6);
    this.#name = name;
    this.daemon.sessions.set(name, this);
    if (this.#version < 31_600) return this.#accept();
    const list = (this.daemon.cluster.settings.auth ?? ['NULL']).map((method) => `${method} `).join('');
    this.#client.write(Buffer.concat([Buffer.from([list.length]), Buffer.from(list, 'latin1')]));
    if (list === '') return this.refuse(-9);
    this.#state = 'choice';
    if (rest.length > 0) this.#choice(rest);
  }

  #choice(piece: Buffer): void {
    const allowed = this.daemon.cluster.settings.auth ?? ['NULL'];
    const chosen = [0, 30, 60]
      .map((at) => piece.toString('latin1', at, at + 30).split('\0')[0]!)
      .filter(Boolean);
    const fits =
      piece.length >= 90 && chosen.length > 0 && chosen.every((method) => allowed.includes(method));
    if (!fits || chosen.includes('IP')) return this.refuse(-9);
    this.#accept();
    if (piece.length > 90) this.#requests(piece.subarray(90));
  }

  #accept(): void {
    const { version } = this.daemon.cluster.settings;
    const numbers = this.#version < 31_500 ? version.slice(0, 2) : version;
    this.#state = 'open';
    this.#client.write(Buffer.from([1, ...numbers, this.group.length, ...Buffer.from(this.group, 'latin1')]));
  }

  #requests(piece: Buffer): void {
    // Our own reading takes pieces over, and this one is the client's.
    this.#queue.push(Buffer.from(piece));
    while (this.#state === 'open') {
      if (this.#queue.length >= 48 && this.#refused(this.#queue.peek(48))) return this.#throwOut();
      const read = readFrame(this.#queue);
      if (read.kind === 'more') return;
      if (read.kind === 'malformed') return this.#throwOut();
      this.#request(read.frame);
    }
  }

  #throwOut(): void {
    this.#vanish();
    this.drop();
  }

  /** What the daemon checks of a header, before the body is there. */
  #refused(header: Buffer): boolean {
    const little = (header[0]! & 0x80) !== 0;
    const hintLittle = (header[40]! & 0x80) !== 0;
    const i32 = (at: number) => (little ? header.readInt32LE(at) : header.readInt32BE(at));
    const bits = i32(0) & (SERVICE_MASK | JOIN | LEAVE | KILL);
    const hint = (hintLittle ? header.readUInt32LE(40) : header.readUInt32BE(40)) & ~0x80000080;
    const [groups, length] = [i32(36), i32(44)];
    if (bits === 0 || (bits & (bits - 1)) !== 0 || (hint & ~0xffff00) !== 0) return true;
    if (header.toString('latin1', 4, 36).split('\0')[0] !== this.group) return true;
    return groups < 0 || groups > 100 || length < 0 || length + 32 * groups > 143_952;
  }

  #request(request: Frame): void {
    const { type, groups } = request;
    if ((type & KILL) !== 0) return this.#throwOut();
    if ((type & JOIN) !== 0) return this.#order((ring) => ring.join(this, groups[0]!));
    if ((type & LEAVE) !== 0) return this.#order((ring) => ring.leave(this, groups[0]!));
    const bytes = encodeFrame({ ...request, little: true, name: this.group });
    const back = (type & SELF_DISCARD) === 0;
    this.#order((ring) => {
      for (const { group, session } of reachable(ring)) {
        const member = groups.some(
          (name) => name === group || ring.groups.get(name)?.members.includes(session),
        );
        if (member && (back || session !== this)) session.deliver(bytes);
      }
    });
  }

  #order(carryOut: (ring: Ring) => void): void {
    this.daemon.cluster.order(this.daemon, carryOut);
  }
}

function reachable(ring: Ring): { group: string; session: DaemonSession }[] {
  return ring.daemons.flatMap((daemon) =>
    [...daemon.sessions.values()].map((session) => ({ group: session.group, session })),
  );
}

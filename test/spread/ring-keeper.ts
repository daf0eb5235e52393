/**
 * Keeps the rings of a daemon double whose daemons are processes on several hosts (`daemon-process.ts`), as real daemons do
 * between each other: a token goes round over the hosts' network, and nothing is delivered but when it has; where it is lost, who
 * answers whom is gathered, and rings form of those. How long that takes is what spread.conf says of real ones.
 * Argument: JSON with `path` (of our socket), `names` and `times`.
 */
import { createServer, type Socket } from 'node:net';
import { type DaemonSession, Daemons } from './daemon.ts';
import { type FromDaemon, listen, type RingTimes, say, type ToDaemon } from './ring-words.ts';

interface Task {
  readonly path: string;
  readonly names: readonly string[];
  readonly times: RingTimes;
}

/** Daemons that pass a token round. */
interface TokenRing {
  readonly names: readonly string[];
  serial: number;
  /** The token is under way. */
  out: boolean;
  lost: NodeJS.Timeout;
  next: NodeJS.Timeout | undefined;
  readonly lookup: NodeJS.Timeout;
}

/** Daemons that find out whom they reach. */
interface Gathering {
  readonly names: Set<string>;
  readonly reached: Map<string, Set<string>>;
}

class Keeper {
  readonly #times: RingTimes;
  readonly #model: Daemons;
  readonly #daemons = new Map<string, Socket>();
  #rings: TokenRing[] = [];
  #gatherings: Gathering[] = [];
  #serial = 0;

  constructor({ names, times }: Task) {
    this.#times = times;
    this.#model = new Daemons({ version: [5, 0, 1], names, held: true });
    for (const name of names) this.#model.kill(name);
    this.#model.settle();
  }

  /** A daemon's process connected. */
  visit(socket: Socket): void {
    let name: string | undefined;
    const sessions = new Map<number, DaemonSession>();
    listen<FromDaemon>(socket, (word) => {
      if (word.kind === 'up') {
        name = word.name;
        return this.#up(name, socket);
      }
      if (name === undefined) return;
      if (word.kind === 'token') this.#tokenBack(name, word.serial);
      else if (word.kind === 'heard') this.#heard(name, word.peer);
      else this.#client(name, word, sessions);
    });
    socket.on('close', () => name !== undefined && this.#down(name));
  }

  #up(name: string, socket: Socket): void {
    this.#daemons.set(name, socket);
    this.#model.start(name);
    this.#gather([name]);
  }

  /** Its peers know nothing of it until the token does not come. */
  #down(name: string): void {
    this.#daemons.delete(name);
    this.#model.kill(name);
  }

  #client(
    name: string,
    word: Extract<FromDaemon, { readonly client: number }>,
    sessions: Map<number, DaemonSession>,
  ): void {
    const { client } = word;
    const socket = this.#daemons.get(name)!;
    if (word.kind === 'open') {
      const write = (bytes: Buffer) => {
        say(socket, { kind: 'write', client, bytes: bytes.toString('base64') });
      };
      const session = this.#model
        .daemon(name)
        .open({ write, close: () => say(socket, { kind: 'close', client }) });
      sessions.set(client, session);
    } else if (word.kind === 'end') sessions.get(client)?.end();
    else {
      const bytes = Buffer.from(word.bytes, 'base64');
      sessions.get(client)?.receive(bytes);
    }
    this.#hurry(name);
  }

  /** Something waits: the token need not rest. */
  #hurry(name: string): void {
    const ring = this.#rings.find(({ names }) => names.includes(name));
    if (ring !== undefined && !ring.out && this.#model.waitsAt(ring.names)) this.#send(ring);
  }

  #send(ring: TokenRing): void {
    clearTimeout(ring.next);
    ring.serial = this.#serial += 1;
    ring.out = true;
    this.#say(ring.names[0]!, { kind: 'token', serial: ring.serial, route: ring.names });
  }

  #tokenBack(name: string, serial: number): void {
    const ring = this.#rings.find((one) => one.serial === serial && one.names[0] === name);
    if (ring === undefined) return;
    ring.out = false;
    clearTimeout(ring.lost);
    ring.lost = setTimeout(() => this.#gather(ring.names), this.#times.token);
    this.#model.advance(ring.names);
    if (this.#model.waitsAt(ring.names)) return this.#send(ring);
    ring.next = setTimeout(() => this.#send(ring), this.#times.hurry);
  }

  /** A ring of one that hears others, or one that looks for others and finds some, makes both gather. */
  #heard(name: string, peer: string): void {
    const gathering = this.#gatherings.find(({ names }) => names.has(name));
    if (gathering === undefined) {
      const ring = this.#rings.find(({ names }) => names.includes(name));
      if (ring?.names.includes(peer) === false) this.#gather([name, peer]);
      return;
    }
    gathering.reached.set(name, (gathering.reached.get(name) ?? new Set()).add(peer));
    if (!gathering.names.has(peer)) this.#draw(peer, gathering);
  }

  #gather(names: readonly string[]): void {
    const present = this.#gatherings.find((one) => names.some((name) => one.names.has(name)));
    if (present !== undefined) {
      for (const name of names) this.#draw(name, present);
      return;
    }
    const gathering: Gathering = { names: new Set(), reached: new Map() };
    this.#gatherings.push(gathering);
    for (const name of names) this.#draw(name, gathering);
    const { seg, gather } = this.#times;
    const probes = setInterval(() => this.#probe(gathering), gather / 5);
    setTimeout(() => {
      clearInterval(probes);
      this.#form(gathering);
    }, seg + gather);
  }

  /** With all of its ring. */
  #draw(name: string, into: Gathering): void {
    if (into.names.has(name)) return;
    const other = this.#gatherings.find((one) => one !== into && one.names.has(name));
    if (other !== undefined) return this.#absorb(other, into);
    const ring = this.#rings.find(({ names }) => names.includes(name));
    if (ring !== undefined) this.#end(ring);
    for (const one of ring?.names ?? [name]) {
      into.names.add(one);
      this.#say(one, { kind: 'probe' });
    }
  }

  /** Two that hear of each other while they gather go on as one. */
  #absorb(other: Gathering, into: Gathering): void {
    this.#gatherings = this.#gatherings.filter((one) => one !== other);
    for (const name of other.names) into.names.add(name);
    for (const [name, peers] of other.reached) {
      into.reached.set(name, new Set([...(into.reached.get(name) ?? []), ...peers]));
    }
  }

  #probe({ names }: Gathering): void {
    for (const name of names) this.#say(name, { kind: 'probe' });
  }

  #end(ring: TokenRing): void {
    for (const timer of [ring.lost, ring.next]) clearTimeout(timer);
    clearInterval(ring.lookup);
    this.#rings = this.#rings.filter((one) => one !== ring);
  }

  #form(gathering: Gathering): void {
    if (!this.#gatherings.includes(gathering)) return;
    this.#gatherings = this.#gatherings.filter((one) => one !== gathering);
    const live = this.#model.settings.names.filter(
      (name) => gathering.names.has(name) && this.#daemons.has(name),
    );
    const parts = partsOf(live, gathering.reached);
    const elsewhere = this.#gatherings.map(({ names }) => [...names]);
    this.#model.connect(...this.#rings.map(({ names }) => names), ...elsewhere, ...parts);
    this.#model.settle();
    for (const names of parts) this.#begin(names);
  }

  #begin(names: readonly string[]): void {
    const { token, lookup } = this.#times;
    const ring: TokenRing = {
      names,
      serial: 0,
      out: false,
      lost: setTimeout(() => this.#gather(names), token),
      next: undefined,
      lookup: setInterval(() => this.#say(names[0]!, { kind: 'probe' }), lookup),
    };
    this.#rings.push(ring);
    this.#send(ring);
  }

  #say(name: string, word: ToDaemon): void {
    const socket = this.#daemons.get(name);
    if (socket !== undefined) say(socket, word);
  }
}

/** Who reaches whom, over others too. */
function partsOf(names: readonly string[], reached: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const parts: string[][] = [];
  const left = new Set(names);
  for (const first of names) {
    if (!left.delete(first)) continue;
    const part = [first];
    for (let at = 0; at < part.length; at += 1) {
      for (const other of names) {
        const linked =
          reached.get(part[at]!)?.has(other) === true || reached.get(other)?.has(part[at]!) === true;
        if (linked && left.delete(other)) part.push(other);
      }
    }
    parts.push(names.filter((name) => part.includes(name)));
  }
  return parts;
}

const task = JSON.parse(process.argv[2]!) as Task;
const keeper = new Keeper(task);
createServer((socket) => keeper.visit(socket)).listen(task.path, () => process.stdout.write('listening\n'));

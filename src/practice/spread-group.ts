/** A group of Spread in memory: real sessions and real rounds, byte for byte, with a daemon that only passes frames on. */
import { encodeFrame } from '../group/spread/frame.ts';
import { AUTH_NULL, Session } from '../group/spread/session.ts';
import { Synchrony, type SynchronyAction } from '../group/spread/synchrony.ts';
import { CAUSE_BITS, type Cause, NAME_BYTES, REGULAR_MEMBERSHIP } from '../group/spread/wire.ts';
import type { MemberId } from '../model/member.ts';
import type { Departure } from '../model/view.ts';
import type { GroupOutlets, PracticeEngine, PracticeGroup } from './stage.ts';

/** @param cluster as the running agent has it */
export function spreadEngine(cluster: string): PracticeEngine {
  return (outlets) => new SpreadPracticeGroup(cluster, outlets);
}

const GROUP = 'practice';
const HEAD_BYTES = 20;
const COUNT_BYTES = 4;
const CAUSES: Readonly<Record<Departure, Cause>> = { process: 'disconnect', host: 'network', leave: 'leave' };

class SpreadPracticeGroup implements PracticeGroup {
  readonly #cluster: string;
  readonly #outlets: GroupOutlets;
  #clients: readonly Client[] = [];
  #changes = 0;

  constructor(cluster: string, outlets: GroupOutlets) {
    this.#cluster = cluster;
    this.#outlets = outlets;
  }

  form(members: readonly MemberId[], how: Departure): void {
    const before = this.#clients;
    this.#changes += 1;
    const joined = members.filter((id) => !before.some(({ self }) => self === id));
    const came = joined.map((self) => this.#open(self));
    this.#clients = [...before.filter(({ self }) => members.includes(self)), ...came];
    const gone = before.filter(({ self }) => !members.includes(self));
    const cause = gone.length === 0 ? 'join' : CAUSES[how];
    const changed = [...came, ...gone];
    const along = cause === 'network' ? this.#clients : changed;
    this.#relay(membership({ cause, members: this.#clients, along, index: this.#changes }));
  }

  multicast(sender: MemberId, bytes: Uint8Array): void {
    this.#clients.find(({ self }) => self === sender)?.multicast(bytes);
  }

  #open(self: MemberId): Client {
    const number = this.#changes.toString(36).padStart(7, '0');
    return new Client(
      { self, privateGroup: `#wk~${number}#practice`, cluster: this.#cluster },
      {
        send: (frame) => this.#relay(frame),
        deliver: (event) => this.#outlets.deliver(self, event),
      },
    );
  }

  /** In one order to all that are there, in a piece of its own each. */
  #relay(frame: Uint8Array): void {
    for (const client of this.#clients) this.#outlets.later(() => client.receive(Buffer.from(frame)));
  }
}

interface ClientSettings {
  readonly self: MemberId;
  readonly privateGroup: string;
  readonly cluster: string;
}

interface ClientOutlets {
  send(frame: Uint8Array): void;
  deliver(event: Parameters<GroupOutlets['deliver']>[1]): void;
}

class Client {
  readonly self: MemberId;
  readonly privateGroup: string;
  readonly #outlets: ClientOutlets;
  readonly #session: Session;
  readonly #synchrony: Synchrony;

  constructor({ self, privateGroup, cluster }: ClientSettings, outlets: ClientOutlets) {
    this.self = self;
    this.privateGroup = privateGroup;
    this.#outlets = outlets;
    this.#session = openSession(privateGroup);
    this.#synchrony = new Synchrony({
      ...{ self, privateGroup, cluster },
      group: GROUP,
      pulsesUnheard: Number.POSITIVE_INFINITY,
      pulsesMute: Number.POSITIVE_INFINITY,
    });
  }

  receive(bytes: Uint8Array): void {
    for (const action of this.#session.receive(bytes))
      if (action.kind === 'message') this.#perform(this.#synchrony.handle(action.message));
  }

  multicast(bytes: Uint8Array): void {
    this.#perform(this.#synchrony.multicast(bytes));
  }

  #perform(actions: readonly SynchronyAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.#outlets.send(this.#session.multicast([GROUP], action.bytes));
      else if (action.kind === 'deliver') this.#outlets.deliver(action.event);
    }
  }
}

/** As a daemon opens it that asks nobody who he is. */
function openSession(privateGroup: string): Session {
  const [, name = ''] = privateGroup.split('#');
  const session = new Session({
    ...{ name, version: [5, 0, 1], membership: true, priority: false },
    auth: [AUTH_NULL],
  });
  session.connected();
  session.receive(Buffer.from('\x04NULL', 'latin1'));
  const answer = Buffer.from([1, 5, 0, 1, privateGroup.length]);
  session.receive(Buffer.concat([answer, Buffer.from(privateGroup, 'latin1')]));
  return session;
}

interface Membership {
  readonly cause: Cause;
  readonly members: readonly Client[];
  /** The one set that is told. */
  readonly along: readonly Client[];
  readonly index: number;
}

function membership({ cause, members, along, index }: Membership): Uint8Array {
  const data = Buffer.alloc(HEAD_BYTES + COUNT_BYTES + along.length * NAME_BYTES);
  data.writeInt32LE(index, 8);
  data.writeUInt32LE(1, 12);
  data.writeUInt32LE(along.length, HEAD_BYTES);
  for (const [at, { privateGroup }] of along.entries())
    data.write(privateGroup, HEAD_BYTES + COUNT_BYTES + at * NAME_BYTES, 'latin1');
  return encodeFrame({
    type: REGULAR_MEMBERSHIP | CAUSE_BITS[cause],
    ...{ little: true, hint: 0, hintLittle: true, name: GROUP, data },
    groups: members.map(({ privateGroup }) => privateGroup),
  });
}

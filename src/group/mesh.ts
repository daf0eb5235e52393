/**
 * The streams of this member: one to each other member, whoever dialled, whatever breaks. Knows no engine and no timers
 * of membership; says when a stream opened, what came over it, and why it closed.
 *
 * Of a pair the smaller member is the arbiter: the larger says `ready` on every stream it would use, the arbiter answers
 * `go` on one of them and from then on that is the pair's stream. Both may dial at once: there is no instant at which each
 * end has dropped the stream the other has kept. A new stream where one is open already (the other end lost it, or was
 * restarted, and we have not noticed) makes us ask over the old one; silence or a reset there gives way to the new one.
 */
import { compareMembers, type MemberId, type MemberName, nameOf } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import { freshToken } from '../platform/identity.ts';
import {
  dialStream,
  listenStreams,
  type SharedKeys,
  type StreamHandlers,
  type StreamSocket,
} from '../platform/stream-socket.ts';
import { Connection, type ConnectionEnd, HANDSHAKE_MS_MAX } from './connection.ts';
import type { Counters } from './counters.ts';
import { Door } from './door.ts';
import { FAILURE_COUNTERS } from './failure-counters.ts';
import { decodeReason, decodeRefusal, type Hello, type Refusal } from './hello.ts';
import { judgeHello } from './judge-hello.ts';
import { KeyRing } from './key-ring.ts';
import type { MeshEvents, MeshSettings, Session } from './mesh-events.ts';
import { PairTokens } from './pair-tokens.ts';
import type { PairToken } from './sealed-datagram.ts';
import { StreamCheck } from './stream-check.ts';
import { FRAME_KIND, frameBytes, type StreamFrame } from './stream-frames.ts';
import { lostBy, StreamKeys } from './stream-keys.ts';

/** Members (with a stream, or about to have one) we deal with at once. */
export const SESSIONS_MAX = 256;

export interface MeshCollaborators {
  readonly counters: Counters;
  readonly clock: () => Instant;
  readonly events: MeshEvents;
}

/** Bytes for the other end's engine as they go over a stream; the same for every member they are sent to. */
export function framedData(bytes: Uint8Array): Buffer {
  return frameBytes(FRAME_KIND.data, bytes);
}

interface OpenSession extends Session {
  readonly connection: Connection;
  readonly keys: StreamKeys;
  readonly check: StreamCheck;
}

interface Candidate {
  /** We would use it. */
  willing: boolean;
  otherReady: boolean;
  refusal: Refusal | undefined;
}

export class Mesh {
  readonly #settings: MeshSettings;
  readonly #counters: Counters;
  readonly #clock: () => Instant;
  readonly #events: MeshEvents;
  readonly #door: Door;
  readonly #sessions = new Map<MemberName, OpenSession>();
  readonly #byConnection = new Map<Connection, OpenSession>();
  readonly #candidates = new Map<Connection, Candidate>();
  readonly #tokens = new PairTokens<Connection>(() => this.#events.tokensChanged());
  #port = 0;
  #startedAt: Instant = 0;
  #stopped = false;

  constructor(settings: MeshSettings, collaborators: MeshCollaborators) {
    this.#settings = settings;
    this.#counters = collaborators.counters;
    this.#clock = collaborators.clock;
    this.#events = collaborators.events;
    const thronged = (): void => {
      this.#counters.add('stream_floods');
      this.#events.thronged();
    };
    this.#door = new Door({ ...this.#events, clock: this.#clock, thronged });
  }

  /** Listens. Rejects with Node's error when it cannot. */
  async start(): Promise<void> {
    this.#startedAt = this.#clock();
    const listener = await listenStreams({ ...this.#settings.listen, ...this.#key() }, (address, open) =>
      this.#admit(address, open),
    );
    this.#door.open(listener);
    this.#port = listener.port;
  }

  get port(): number {
    return this.#port;
  }

  session(member: MemberId): Session | undefined {
    return this.#own(member);
  }

  sessionOfName(name: MemberName): Session | undefined {
    return this.#sessions.get(name);
  }

  get tokens(): Pick<PairTokens<Connection>, 'of' | 'all'> {
    return this.#tokens;
  }

  /** Dials; `failed` or `opened` tells how it went. */
  dial(host: string, port: number): Connection {
    this.#counters.add('streams_dialled');
    const { connectWithin, localAddress } = this.#settings;
    const connection = this.#connection({
      outgoing: true,
      address: `${host} port ${port}`,
      within: connectWithin,
    });
    const source = localAddress === undefined ? {} : { localAddress };
    connection.start((handlers) => dialStream({ host, port, ...source, ...this.#key() }, handlers));
    return connection;
  }

  /** `framed`: see `framedData`. Dropped when there is no stream; `closed` has told or will tell. */
  send(member: MemberId, framed: Buffer): void {
    this.#own(member)?.connection.sendFramed(framed);
  }

  close(member: MemberId, reason: string): void {
    const session = this.#own(member);
    if (session === undefined) return;
    this.#forget(session);
    session.connection.bye(reason);
    session.check.end(false);
  }

  /** Something hints that the other end may have lost this stream: ask over it. */
  check(member: MemberId): void {
    const session = this.#own(member);
    if (session !== undefined && !session.check.running) this.#askThen(session, () => undefined);
  }

  /** The way to the other end is dead: `closed` is told, nothing is sent. */
  drop(member: MemberId, reason: string): void {
    const session = this.#own(member);
    if (session !== undefined) this.#lose(session, reason);
  }

  /**
   * Other cluster keys from now on, without a new stream. Why not, for people, where a member would be lost by it: nothing
   * has changed then.
   */
  rekey(secrets: readonly Uint8Array[]): string | undefined {
    const { cluster } = this.#settings.identity;
    const sessions = [...this.#sessions.values()];
    const obstacle = lostBy(sessions, new KeyRing(cluster, secrets));
    if (obstacle !== undefined) return obstacle;
    this.#settings.ring.replace(secrets);
    for (const session of sessions) this.#tellKeys(session);
    // Begun with keys that may have been removed; whoever is there dials again.
    for (const connection of [...this.#candidates.keys()]) connection.destroy();
    return undefined;
  }

  #tellKeys({ keys, connection }: OpenSession): void {
    const ours = keys.ours(this.#settings.ring);
    if (ours !== undefined) connection.send(FRAME_KIND.keys, ours);
  }

  /** Ends everything; what is queued still goes out. */
  stop(reason: string): void {
    this.#stopped = true;
    this.#door.close();
    for (const session of [...this.#sessions.values()]) this.close(session.member, reason);
    for (const connection of this.#candidates.keys()) connection.destroy();
  }

  #own(member: MemberId): OpenSession | undefined {
    const session = this.#sessions.get(nameOf(member));
    return session?.member === member ? session : undefined;
  }

  #key(): { sharedKeys?: SharedKeys } {
    const { ring } = this.#settings;
    const first = ring.streamKeys;
    return first === undefined ? {} : { sharedKeys: () => ring.streamKeys ?? first };
  }

  #admit(address: string, open: (handlers: StreamHandlers) => StreamSocket): void {
    const verdict = this.#door.admit(address);
    if (verdict !== 'admitted' || this.#stopped) {
      this.#counters.add(`refused_${verdict.replaceAll('-', '_')}`);
      return;
    }
    this.#counters.add('streams_accepted');
    this.#connection({ outgoing: false, address, within: HANDSHAKE_MS_MAX }).start(open);
  }

  #connection(made: { outgoing: boolean; address: string; within: Millis }): Connection {
    const { outgoing, address, within } = made;
    const now = this.#clock();
    const hello: Hello = {
      wireOldest: this.#settings.identity.wire.oldest,
      wireNewest: this.#settings.identity.wire.newest,
      cluster: this.#settings.identity.cluster,
      member: this.#settings.identity.member,
      listen: { host: this.#settings.listen.host, port: this.#port },
      token: freshToken(16).toString('hex'),
      age: Math.round(now - this.#startedAt),
    };
    let admitted = !outgoing;
    const release = (): void => {
      if (admitted) this.#door.release(address);
      admitted = false;
    };
    const connection = new Connection(
      { outgoing, address, hello, connectWithin: within, startedAt: now },
      {
        greeted: (self, theirs) => {
          release();
          this.#greeted(self, theirs);
        },
        frame: (self, frame) => this.#frame(self, frame),
        ended: (self, end) => {
          release();
          this.#ended(self, end);
        },
      },
    );
    this.#candidates.set(connection, {
      willing: false,
      otherReady: false,
      refusal: undefined,
    });
    return connection;
  }

  #greeted(connection: Connection, hello: Hello): void {
    this.#events.greeted(connection, hello);
    const verdict = judgeHello(this.#settings.identity, connection.settings.hello, hello);
    if (verdict.kind === 'yield') return; // The other end, the elder, will refuse.
    if (verdict.kind === 'refuse') return this.#refuse(connection, verdict.refusal);
    const rival = this.#sessions.get(nameOf(hello.member));
    if (rival === undefined && this.#sessions.size >= SESSIONS_MAX) {
      return this.#refuse(connection, { code: 'busy', text: `more than ${SESSIONS_MAX} members` });
    }
    if (rival === undefined || rival.member === hello.member) return this.#willing(connection, hello);
    this.#askThen(rival, (alive) => {
      if (!alive) return this.#willing(connection, hello);
      const text = `the name ${nameOf(hello.member)} is in use by a live member at ${rival.remoteAddress}`;
      this.#refuse(connection, { code: 'name-in-use', text });
    });
  }

  #refuse(connection: Connection, refusal: Refusal): void {
    const candidate = this.#candidates.get(connection);
    if (candidate !== undefined) candidate.refusal = refusal;
    this.#counters.add(`refused_${refusal.code.replaceAll('-', '_')}`);
    connection.refuse(refusal);
  }

  #arbiter(other: MemberId): boolean {
    return compareMembers(this.#settings.identity.member, other) < 0;
  }

  #willing(connection: Connection, hello: Hello): void {
    const candidate = this.#candidates.get(connection);
    if (candidate === undefined || connection.phase !== 'greeted') return;
    candidate.willing = true;
    this.#tokens.set(connection, hello.member, this.#token(connection, hello));
    if (!this.#arbiter(hello.member)) connection.send(FRAME_KIND.ready);
    else if (candidate.otherReady) this.#decide(connection, hello);
  }

  #frame(connection: Connection, frame: StreamFrame): void {
    const session = this.#byConnection.get(connection);
    if (session !== undefined) return this.#sessionFrame(session, frame);
    const candidate = this.#candidates.get(connection);
    const hello = connection.theirs;
    if (candidate === undefined || hello === undefined) return;
    if (frame.kind === FRAME_KIND.refuse) return this.#refused(connection, candidate, frame.body);
    if (frame.kind === FRAME_KIND.bye) return connection.destroy();
    if (frame.kind === FRAME_KIND.ready && this.#arbiter(hello.member)) {
      candidate.otherReady = true;
      if (candidate.willing) this.#decide(connection, hello);
    } else if (frame.kind === FRAME_KIND.go && candidate.willing && !this.#arbiter(hello.member)) {
      this.#replaceAndOpen(connection, hello);
    } else {
      connection.reject(`frame ${frame.kind} before the pair has agreed on this stream`);
    }
  }

  /** Arbiter only: both ends would use it. */
  #decide(connection: Connection, hello: Hello): void {
    const current = this.#sessions.get(nameOf(hello.member));
    if (current === undefined) {
      connection.send(FRAME_KIND.go);
      return this.#open(connection, hello);
    }
    this.#askThen(current, (alive) => {
      if (connection.phase !== 'greeted') return;
      if (!alive) return this.#decide(connection, hello);
      const same = current.member === hello.member;
      const text = same ? 'the pair has a working stream' : `the name ${nameOf(hello.member)} is in use`;
      this.#refuse(connection, { code: same ? 'duplicate' : 'name-in-use', text });
    });
  }

  /** The arbiter chose this one, so whatever we still have to that name is over. */
  #replaceAndOpen(connection: Connection, hello: Hello): void {
    const current = this.#sessions.get(nameOf(hello.member));
    if (current !== undefined) this.#lose(current, 'the other end opened a new stream');
    this.#open(connection, hello);
  }

  #open(connection: Connection, hello: Hello): void {
    this.#candidates.delete(connection);
    connection.opened();
    const session: OpenSession = {
      member: hello.member,
      wireVersion: Math.min(this.#settings.identity.wire.newest, hello.wireNewest),
      remoteAddress: connection.remoteAddress,
      listenPort: hello.listen.port,
      token: this.#token(connection, hello),
      connection,
      keys: new StreamKeys({ ...connection.ends, self: this.#settings.identity.member, other: hello.member }),
      check: new StreamCheck(this.#settings.checkWithin),
    };
    this.#sessions.set(nameOf(hello.member), session);
    this.#tokens.set(connection, hello.member, session.token);
    this.#byConnection.set(connection, session);
    this.#tellKeys(session);
    this.#counters.add('streams_opened');
    this.#events.opened(session);
  }

  #token(connection: Connection, hello: Hello): PairToken {
    const ours = connection.settings.hello.token;
    return Buffer.from(this.#arbiter(hello.member) ? ours + hello.token : hello.token + ours, 'hex');
  }

  #refused(connection: Connection, candidate: Candidate, body: Uint8Array): void {
    const refusal = decodeRefusal(body) ?? { code: 'malformed', text: 'refused for a reason we do not know' };
    candidate.refusal = refusal;
    connection.destroy();
    if (refusal.code !== 'name-in-use') return;
    this.#counters.add('refused_by_name_in_use');
    this.#events.nameTaken(connection.settings.address, refusal.text);
  }

  #sessionFrame(session: OpenSession, frame: StreamFrame): void {
    if (frame.kind === FRAME_KIND.data) return this.#events.data(session, frame.body);
    if (frame.kind === FRAME_KIND.check) return session.connection.send(FRAME_KIND.alive);
    if (frame.kind === FRAME_KIND.alive) return session.check.end(true);
    if (frame.kind === FRAME_KIND.bye) return this.#lose(session, `it closed: ${decodeReason(frame.body)}`);
    if (frame.kind === FRAME_KIND.keys) return session.keys.learn(frame.body);
    if (frame.kind === FRAME_KIND.ready) return; // It crossed our `go`.
    session.connection.reject(`frame ${frame.kind} on an open stream`);
  }

  #askThen(session: OpenSession, answered: (alive: boolean) => void): void {
    const ask = (): void => {
      this.#counters.add('streams_checked');
      session.connection.send(FRAME_KIND.check);
    };
    const silent = (): void => this.#lose(session, 'no answer came over it in time: it is a corpse');
    session.check.start({ ask, silent, answered });
  }

  #lose(session: OpenSession, reason: string): void {
    if (!this.#forget(session)) return;
    session.connection.destroy();
    this.#counters.add('streams_lost');
    this.#events.closed(session, reason);
    session.check.end(false);
  }

  /** False when it was forgotten already. */
  #forget(session: OpenSession): boolean {
    if (!this.#byConnection.delete(session.connection)) return false;
    this.#tokens.delete(session.connection);
    this.#sessions.delete(nameOf(session.member));
    return true;
  }

  #ended(connection: Connection, end: ConnectionEnd): void {
    this.#tokens.delete(connection);
    const session = this.#byConnection.get(connection);
    const counter = FAILURE_COUNTERS[end.code];
    if (counter !== undefined) this.#counters.add(counter);
    if (session !== undefined) return this.#lose(session, end.text);
    const candidate = this.#candidates.get(connection);
    if (!this.#candidates.delete(connection) || candidate === undefined) return;
    if (!this.#stopped) this.#events.failed(connection, end, candidate.refusal);
  }
}

/**
 * Gets and keeps a stream to every member there may be: dials, again with growing pauses, and at once when an authentic
 * seek says that somebody is there. Sends seeks to every address without a stream, so that a healed network is noticed
 * within about one seek interval, while TCP's own retries would take seconds.
 */
import type { EmbeddedGroupConfig } from '../config/config.ts';
import { compareMembers, type MemberId, type MemberName, nameOf } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { DatagramEndpoint } from '../platform/datagram-socket.ts';
import { ipFamily, isWildcard, resolveAddress } from '../platform/name-lookup.ts';
import { AddressBook, type Place } from './address-book.ts';
import type { Connection, ConnectionEnd } from './connection.ts';
import type { Counters } from './counters.ts';
import type { SeekAge } from './datagram-plane.ts';
import type { Hello, Refusal } from './hello.ts';
import type { Journal } from './journal.ts';
import type { Mesh } from './mesh.ts';
import type { Session } from './mesh-events.ts';
import { type Forget, SilentNeighbours } from './silent-neighbours.ts';

/** Between two dials to an address where nobody answers. */
const PAUSE_MS_MAX = 1000;
/** Between two dials to one that refused us: only an operator can mend it. */
const REFUSED_PAUSE_MS = 2000;
/** A dial that got no further than this for so long is given up for a fresh one when somebody is heard there. */
const STUCK_MS = 1000;
/** Who was heard of so lately is let in though strangers fill the house. */
const EXPECTED_MS = 10_000;
const RESOLVE_INTERVAL_MS = 10_000;
const PRUNE_INTERVAL_MS = 60_000;

export interface DiallerSettings {
  readonly self: MemberId;
  readonly config: Pick<EmbeddedGroupConfig, 'listen' | 'peers'>;
  readonly seekInterval: Millis;
}

export interface DiallerCollaborators {
  readonly mesh: Mesh;
  readonly sendSeek: (to: DatagramEndpoint) => void;
  readonly counters: Counters;
  readonly journal: Journal;
  readonly clock: () => Instant;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  /** The kernel's neighbour table unless given. */
  readonly forget?: Forget;
}

export class Dialler {
  readonly #settings: DiallerSettings;
  readonly #with: DiallerCollaborators;
  readonly #book = new AddressBook();
  readonly #neighbours: SilentNeighbours;
  #timer: NodeJS.Timeout | undefined;
  #resolvedAt: Instant = Number.NEGATIVE_INFINITY;
  #prunedAt: Instant = 0;
  #stopped = false;

  constructor(settings: DiallerSettings, collaborators: DiallerCollaborators) {
    this.#settings = settings;
    this.#with = collaborators;
    const { config, seekInterval } = settings;
    const source = isWildcard(config.listen.host) ? {} : { source: config.listen.host };
    this.#neighbours = new SilentNeighbours({ seekInterval, ...source }, collaborators.forget);
  }

  start(): void {
    const { config, self } = this.#settings;
    const now = this.#with.clock();
    for (const peer of config.peers) {
      if (peer.name === nameOf(self)) continue;
      for (const at of peer.addresses) {
        const address = ipFamily(at.host) === 0 ? undefined : at.host;
        this.#book.add({ at, configured: true, address, name: peer.name, now });
      }
    }
    this.#prunedAt = now;
    this.#round();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  places(): Iterable<Place> {
    return this.#book.all();
  }

  /** Whether a configured peer has this address, or a member was heard from it lately. */
  expects(address: string): boolean {
    for (const place of this.#book.at(address)) if (this.#isExpected(place)) return true;
    return false;
  }

  /** All such addresses. */
  expected(): readonly string[] {
    const found = [...this.#book.all()].filter((place) => this.#isExpected(place));
    return found.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  #isExpected({ configured, self, lastHeardAt }: Place): boolean {
    return configured || (!self && lastHeardAt >= this.#with.clock() - EXPECTED_MS);
  }

  /** IP literals where that member may be reached besides the one its stream uses. */
  addressesOf(name: MemberName): readonly DatagramEndpoint[] {
    const found: DatagramEndpoint[] = [];
    for (const { address, port, name: there, self, vouched } of this.#book.all()) {
      if (there === name && address !== undefined && !self && vouched) found.push({ host: address, port });
    }
    return found;
  }

  /** An authentic seek or beacon came from that address; a recording counts only where we would have dialled anyway. */
  heard(from: DatagramEndpoint, sender: MemberId, age: SeekAge): void {
    const now = this.#with.clock();
    const place = this.#believed(from, sender, age);
    if (place === undefined) return;
    if (age.news) {
      place.lastHeardAt = now;
      place.member = sender;
    }
    if (this.#with.mesh.session(sender) !== undefined) {
      // It seeks us, so it has no stream to us: perhaps ours is a corpse.
      if (now - place.lastAnsweredAt < 4 * this.#settings.seekInterval) return;
      place.lastAnsweredAt = now;
      return this.#with.mesh.check(sender);
    }
    if (compareMembers(this.#settings.self, sender) < 0) this.#dialHeard(place, now, age);
    else this.#answer(place, now);
    this.#wake();
  }

  /** Somebody said who it is, on a stream that either end dialled. */
  greeted(connection: Connection, hello: Hello): void {
    const place = this.#attemptOf(connection) ?? this.#learn(connection, hello);
    if (place === undefined) return;
    place.lastHeardAt = this.#with.clock();
    place.member = hello.member;
    place.vouched = true;
    if (hello.member === this.#settings.self) {
      place.self = true;
      return;
    }
    const name = nameOf(hello.member);
    const expected = place.name;
    place.name = name;
    place.problem = undefined;
    if (place.configured && expected !== undefined && expected !== name) {
      place.problem = `configured as ${expected}, but the member there calls itself ${name}: mend group.peers`;
      this.#warn(place, place.problem);
    }
  }

  opened(session: Session): void {
    for (const place of this.#book.all()) {
      if (place.name !== nameOf(session.member)) continue;
      place.failures = 0;
      if (place.attempt?.phase === 'open') place.attempt = undefined;
    }
  }

  /** The stream is gone: `atOnce` where nobody wanted that. */
  lost(session: Session, reason: string, atOnce: boolean): void {
    const now = this.#with.clock();
    for (const place of this.#book.all()) {
      if (place.name !== nameOf(session.member) || place.self) continue;
      place.problem = reason;
      place.lastHeardAt = now;
      // The smaller one dials first; the other gives it one interval, so that mostly one stream is made.
      const first = compareMembers(this.#settings.self, session.member) < 0;
      place.nextDialAt = now + (atOnce && first ? 0 : this.#settings.seekInterval);
      if (atOnce && first) this.#dial(place, now);
    }
    this.#wake();
  }

  /** A connection, dialled by either end, came to nothing. */
  failed(connection: Connection, end: ConnectionEnd, refusal: Refusal | undefined): void {
    const now = this.#with.clock();
    const dialled = this.#attemptOf(connection);
    if (refusal?.code === 'duplicate' || refusal?.code === 'self') {
      if (dialled !== undefined) dialled.attempt = undefined;
      return;
    }
    const problem = problemOf(connection, end, refusal);
    if (dialled !== undefined) this.#dialFailed(dialled, now, isRefusal(end, refusal));
    if (problem === undefined) return;
    const places = dialled === undefined ? this.#book.at(connection.settings.address) : [dialled];
    for (const place of places) if (this.#sessionAt(place) === undefined) place.problem = problem;
    this.#with.journal.writeSeldom(`stream ${connection.settings.address} ${end.code} ${refusal?.code}`, {
      level: isRefusal(end, refusal) ? 'warn' : 'debug',
      message: connection.settings.outgoing ? 'no stream to a peer' : 'a connection was refused',
      fields: { address: connection.settings.address, reason: problem },
    });
    this.#wake();
  }

  #believed(from: DatagramEndpoint, sender: MemberId, age: SeekAge): Place | undefined {
    const known = this.#book.find(from.host, from.port);
    if (known?.configured === true) return known;
    if (!age.news) {
      this.#warnOfClock(from, sender, age.clockOff);
      return undefined;
    }
    // One we have a stream with may seek over a path we do not know, but to be asked over the stream it needs no new place.
    if (known === undefined && this.#with.mesh.session(sender) !== undefined) {
      this.#with.mesh.check(sender);
      return undefined;
    }
    return this.#placeFor(from, nameOf(sender), this.#with.clock());
  }

  #warnOfClock(from: DatagramEndpoint, sender: MemberId, clockOff: number): void {
    this.#with.journal.writeSeldom('clock', {
      level: 'warn',
      message:
        'a member that is not configured here is not dialled: its clock differs, or somebody replays its words',
      fields: {
        peer: sender,
        address: `${from.host} port ${from.port}`,
        reason: `clock ${clockOff} s off ours; set the clocks, or name it in group.peers`,
      },
    });
  }

  #placeFor(at: DatagramEndpoint, name: MemberName, now: Instant): Place | undefined {
    const known = this.#book.find(at.host, at.port);
    if (known !== undefined) {
      // Who vouched for it is believed until somebody else says hello there.
      known.name ??= name;
      if (!known.vouched) known.name = name;
      return known;
    }
    const fresh = { at, configured: false, address: at.host, name, now };
    const place = this.#book.add(fresh, (old) => this.#carries(old));
    if (place === undefined) this.#with.counters.add('peers_too_many');
    return place;
  }

  #learn(connection: Connection, hello: Hello): Place | undefined {
    if (hello.member === this.#settings.self) return undefined;
    const { host, port } = hello.listen;
    const dialable = isWildcard(host) || ipFamily(host) === 0 ? connection.remoteAddress : host;
    return this.#placeFor({ host: dialable, port }, nameOf(hello.member), this.#with.clock());
  }

  #attemptOf(connection: Connection): Place | undefined {
    if (!connection.settings.outgoing) return undefined;
    for (const place of this.#book.all()) if (place.attempt === connection) return place;
    return undefined;
  }

  /** A dial or a stream uses this very address. */
  #carries(place: Place): boolean {
    return place.attempt !== undefined || this.#sessionAt(place)?.remoteAddress === place.address;
  }

  #sessionAt(place: Place): Session | undefined {
    return place.name === undefined ? undefined : this.#with.mesh.sessionOfName(place.name);
  }

  /** A possible recording makes us dial seldom, and give up nothing that is under way. */
  #dialHeard(place: Place, now: Instant, { news }: SeekAge): void {
    const { seekInterval } = this.#settings;
    const apart = news ? seekInterval / 2 : Math.min(4 * seekInterval, PAUSE_MS_MAX);
    if (now - place.lastDialAt < apart) return;
    const { attempt } = place;
    if (attempt !== undefined) {
      if (!news) return;
      const age = now - attempt.settings.startedAt;
      if (age < (attempt.phase === 'connecting' ? seekInterval : STUCK_MS)) return;
      this.#with.counters.add('dials_abandoned');
      place.attempt = undefined;
      attempt.destroy();
    }
    this.#dial(place, now);
  }

  /** The smaller one shall dial: it does so when it hears us. */
  #answer(place: Place, now: Instant): void {
    if (now - place.lastAnsweredAt < this.#settings.seekInterval / 2) return;
    place.lastAnsweredAt = now;
    this.#seek(place);
    place.nextDialAt = Math.min(place.nextDialAt, now + this.#settings.seekInterval);
  }

  #seek(place: Place): void {
    if (place.address === undefined) return;
    this.#with.sendSeek({ host: place.address, port: place.port });
  }

  #dial(place: Place, now: Instant): void {
    if (place.address === undefined || place.attempt !== undefined || this.#stopped) return;
    place.lastDialAt = now;
    place.attempt = this.#with.mesh.dial(place.address, place.port);
  }

  #dialFailed(place: Place, now: Instant, refused: boolean): void {
    place.attempt = undefined;
    place.failures += 1;
    const growing = this.#settings.seekInterval * 2 ** Math.min(place.failures - 1, 10);
    const pause = refused
      ? REFUSED_PAUSE_MS
      : Math.min(growing, Math.max(PAUSE_MS_MAX, this.#settings.seekInterval));
    place.nextDialAt = now + pause * (0.5 + this.#with.random() / 2);
  }

  /** One look at every address; comes again as long as one is without a stream. */
  #round(): void {
    this.#timer = undefined;
    const now = this.#with.clock();
    const silent = [...this.#book.all()].filter(
      (place) => !place.self && this.#sessionAt(place) === undefined,
    );
    const missing = silent.length > 0;
    this.#neighbours.askAnew(silent, now);
    for (const place of silent) {
      this.#seek(place);
      if (place.nextDialAt <= now) this.#dial(place, now);
    }
    if (now - this.#prunedAt > PRUNE_INTERVAL_MS) this.#prune(now);
    if (missing && now - this.#resolvedAt > RESOLVE_INTERVAL_MS) void this.#resolve(now);
    if (missing) this.#wake();
  }

  #prune(now: Instant): void {
    this.#prunedAt = now;
    this.#book.prune(now, (place) => place.attempt !== undefined || this.#sessionAt(place) !== undefined);
  }

  #wake(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#round(), this.#settings.seekInterval);
  }

  async #resolve(now: Instant): Promise<void> {
    this.#resolvedAt = now;
    const named = [...this.#book.all()].filter((place) => ipFamily(place.host) === 0);
    for (const place of named) {
      const address = await resolveAddress(place.host);
      if (address !== undefined) this.#book.resolve(place, address);
      else if (place.address === undefined) place.problem = `the name ${place.host} cannot be resolved`;
    }
  }

  #warn(place: Place, reason: string): void {
    this.#with.journal.writeSeldom(`place ${place.host} ${place.port}`, {
      level: 'warn',
      message: 'a peer is not as configured',
      fields: { address: `${place.host} port ${place.port}`, reason },
    });
  }
}

function isRefusal(end: ConnectionEnd, refusal: Refusal | undefined): boolean {
  return refusal !== undefined || ['wrong-key', 'wrong-group', 'not-tls', 'malformed'].includes(end.code);
}

/** In words; absent where we gave it up ourselves. */
function problemOf(
  connection: Connection,
  end: ConnectionEnd,
  refusal: Refusal | undefined,
): string | undefined {
  if (refusal !== undefined) return refusal.text;
  if (end.code === 'ours') return undefined;
  // A stranger that just closes again (a port scan, a health check) is no news.
  if (!connection.settings.outgoing && (end.code === 'closed' || end.code === 'reset')) return undefined;
  return end.text;
}

/**
 * The addresses where members are or may be: configured, heard of, or learned from a stream. Bounded. Remembers for each
 * how dialling went; does no I/O.
 */
import type { PeerAddress } from '../config/config.ts';
import type { MemberId, MemberName } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { Connection } from './connection.ts';

/** Addresses that were not configured; the one silent for longest makes room. */
export const LEARNED_MAX = 256;
/** Of these under one name: a member has a few addresses, one who replays its words with false sources has many. */
export const LEARNED_PER_NAME_MAX = 4;
/** A learned address heard of within this time gives way to no other. */
export const LEARNED_KEPT_MS = 10_000;
/** A learned address that was silent for so long is forgotten. */
const LEARNED_MS = 10 * 60_000;

export interface Place {
  /** As configured; an IP literal where it was learned. */
  readonly host: string;
  readonly port: number;
  readonly configured: boolean;
  /** IP literal to use; absent until the host name could be resolved. */
  address: string | undefined;
  /** Name of the member that is, or should be, there. */
  name: MemberName | undefined;
  /** Configured, or a member told of it on a stream. One that only datagrams came from may be a false source. */
  vouched: boolean;
  /** Who said hello or was heard from there last. */
  member: MemberId | undefined;
  /** It is this host itself. */
  self: boolean;
  /** The dial under way. */
  attempt: Connection | undefined;
  lastDialAt: Instant;
  nextDialAt: Instant;
  /** In a row. */
  failures: number;
  lastHeardAt: Instant;
  lastAnsweredAt: Instant;
  /** What went wrong last, for people. */
  problem: string | undefined;
}

export interface NewPlace {
  readonly at: PeerAddress;
  readonly configured: boolean;
  readonly address: string | undefined;
  readonly name: MemberName | undefined;
  readonly now: Instant;
}

export class AddressBook {
  readonly #places = new Map<string, Place>();
  readonly #byAddress = new Map<string, Set<Place>>();
  #learned = 0;

  all(): Iterable<Place> {
    return this.#places.values();
  }

  /** Places with this IP literal. */
  at(address: string): Iterable<Place> {
    return this.#byAddress.get(address) ?? [];
  }

  find(address: string, port: number): Place | undefined {
    for (const place of this.at(address)) if (place.port === port) return place;
    return undefined;
  }

  /**
   * The place, new or known; absent when there is no room among the learned ones: every one was heard of lately, or `inUse`
   * speaks for it.
   */
  add(place: NewPlace, inUse: (place: Place) => boolean = () => false): Place | undefined {
    const key = `${place.at.host} ${place.at.port}`;
    const known = this.#places.get(key) ?? this.find(place.at.host, place.at.port);
    if (known !== undefined) return known;
    if (!place.configured) {
      if (!this.#makeRoom(place, inUse)) return undefined;
      this.#learned += 1;
    }
    const fresh: Place = {
      host: place.at.host,
      port: place.at.port,
      configured: place.configured,
      address: undefined,
      name: place.name,
      vouched: place.configured,
      member: undefined,
      self: false,
      attempt: undefined,
      lastDialAt: Number.NEGATIVE_INFINITY,
      nextDialAt: place.now,
      failures: 0,
      lastHeardAt: place.now,
      lastAnsweredAt: Number.NEGATIVE_INFINITY,
      problem: undefined,
    };
    this.#places.set(key, fresh);
    if (place.address !== undefined) this.resolve(fresh, place.address);
    return fresh;
  }

  resolve(place: Place, address: string): void {
    if (place.address === address) return;
    if (place.address !== undefined) this.#byAddress.get(place.address)?.delete(place);
    place.address = address;
    const there = this.#byAddress.get(address) ?? new Set();
    there.add(place);
    this.#byAddress.set(address, there);
  }

  /** Forgets learned places that nobody was heard from for long and that `inUse` does not speak for. */
  prune(now: Instant, inUse: (place: Place) => boolean): void {
    for (const place of [...this.#places.values()]) {
      if (!place.configured && now - place.lastHeardAt >= LEARNED_MS && !inUse(place)) this.#remove(place);
    }
  }

  /** Under its name first, then among all. */
  #makeRoom(fresh: NewPlace, inUse: (place: Place) => boolean): boolean {
    const learned = [...this.#places.values()].filter(({ configured }) => !configured);
    const named = learned.filter(({ name }) => name === fresh.name);
    const crowd = fresh.name !== undefined && named.length >= LEARNED_PER_NAME_MAX ? named : learned;
    if (crowd === learned && this.#learned < LEARNED_MAX) return true;
    let oldest: Place | undefined;
    for (const place of crowd) {
      if (fresh.now - place.lastHeardAt < LEARNED_KEPT_MS || inUse(place)) continue;
      if (oldest === undefined || place.lastHeardAt < oldest.lastHeardAt) oldest = place;
    }
    if (oldest !== undefined) this.#remove(oldest);
    return oldest !== undefined;
  }

  #remove(place: Place): void {
    this.#places.delete(`${place.host} ${place.port}`);
    this.#learned -= 1;
    if (place.address === undefined) return;
    const there = this.#byAddress.get(place.address);
    there?.delete(place);
    if (there?.size === 0) this.#byAddress.delete(place.address);
  }
}

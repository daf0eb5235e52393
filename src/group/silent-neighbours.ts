/**
 * Where nobody answers on the link, the kernel asks for the link address once a second, and seeks wait for that: a healed
 * network would be noticed up to a second late, and with more than two hosts by each pair at another time. So the kernel is
 * made to ask with the seeks. An answer to either end serves both. Touches nobody but silent peers on our own links.
 */
import type { Instant, Millis } from '../model/time.ts';
import { forgetUnanswered } from '../platform/neighbour-table.ts';
import type { Place } from './address-book.ts';

/** Each costs the link one broadcast (ARP) or multicast (IPv6) if nobody answers. */
const ASKED_AT_ONCE_MAX = 4;
/** A host silent for longer is more likely off than cut off, and is asked every fourth time. */
const LATELY_MS = 600_000;
const SELDOM = 4;
/** Seeks this far apart wait for the kernel no longer than for each other. */
const KERNEL_INTERVAL_MS = 1000;

export type Forget = typeof forgetUnanswered;

export interface SilentNeighboursSettings {
  readonly seekInterval: Millis;
  /** Where seeks leave from; absent: the kernel chooses. */
  readonly source?: string;
}

export class SilentNeighbours {
  readonly #settings: SilentNeighboursSettings;
  readonly #forget: Forget;
  readonly #askedAt = new WeakMap<Place, Instant>();
  #allowed = true;

  constructor(settings: SilentNeighboursSettings, forget: Forget = forgetUnanswered) {
    this.#settings = settings;
    this.#forget = forget;
  }

  /** To be called just before seeks to these places go out, and not more often than that. */
  askAnew(silent: readonly Place[], now: Instant): void {
    if (!this.#allowed || silent.length === 0 || this.#settings.seekInterval >= KERNEL_INTERVAL_MS) return;
    const due = silent
      .filter((place) => place.address !== undefined && now - this.#asked(place) >= this.#pause(place, now))
      .sort((a, b) => this.#asked(a) - this.#asked(b))
      .slice(0, ASKED_AT_ONCE_MAX);
    if (due.length === 0) return;
    for (const place of due) this.#askedAt.set(place, now);
    const result = this.#forget(
      due.map(({ address }) => address ?? ''),
      this.#settings.source,
    );
    if (result === 'not-allowed') this.#allowed = false;
  }

  #asked(place: Place): Instant {
    return this.#askedAt.get(place) ?? Number.MIN_SAFE_INTEGER;
  }

  /** A little below what is meant, since rounds are not to the millisecond. */
  #pause({ lastHeardAt }: Place, now: Instant): Millis {
    const { seekInterval } = this.#settings;
    return (now - lastHeardAt < LATELY_MS ? 1 : SELDOM) * 0.9 * seekInterval;
  }
}

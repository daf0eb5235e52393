/**
 * Tells the neighbours where our addresses are: at once, and again on a schedule. Never speaks for an address that was
 * forgotten, nor on an interface whose neighbours need no telling.
 */
import type { Millis } from '../../src/model/time.ts';
import { bootTimeNow } from '../../src/platform/clock.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import type { FrameSender } from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import type { Notifier } from './notifier.ts';
import { arpAnnouncement, arpGratuitousReply, neighbourAdvertisement } from './packets.ts';
import { type Standing, standingKey } from './placement.ts';

/** When a queue of the kernel is full, the rest follows after this. */
const FULL_RETRY: Millis = 2;
const FULL_RETRIES_MAX = 100;
/** A repetition later than this comes from a process that stood still. */
const LATENESS_MAX: Millis = 50;
const LATE_RETRY: Millis = 50;

/** Between two refreshes; where that is too short, several addresses are announced in one. */
const BEAT_MIN: Millis = 20;

export interface AnnouncerSettings {
  /** Delays after the first announcement at which it is said again. */
  readonly repeats: readonly Millis[];
  /** Everything is announced once in so long, one address after the other; absent: it is not. */
  readonly refresh?: Millis | undefined;
}

export interface AnnouncerParts {
  readonly sender: FrameSender;
  readonly linkOf: (interfaceIndex: number) => Link | undefined;
  /** Tells some neighbours directly besides. */
  readonly notifier?: Notifier | undefined;
}

export class Announcer {
  readonly #settings: AnnouncerSettings;
  readonly #parts: AnnouncerParts;
  /** Addresses we may speak for; who was refreshed last stands last. */
  readonly #active = new Map<string, Standing>();
  /** The same frames as long as the link keeps its address. */
  readonly #frames = new WeakMap<
    Standing,
    { readonly mac: Uint8Array; readonly frames: readonly Buffer[] }
  >();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Addresses that a beat may refresh; what is left of one is for the next. */
  #credit = 0;
  #beating = false;

  constructor(settings: AnnouncerSettings, parts: AnnouncerParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Has ready what {@link announce} says. */
  prepare(standings: readonly Standing[]): void {
    for (const standing of standings) {
      const link = this.#parts.linkOf(standing.interfaceIndex);
      if (link !== undefined) this.#framesFor(standing, link);
    }
  }

  announce(standings: readonly Standing[]): void {
    for (const standing of standings) this.#active.set(standingKey(standing), standing);
    this.#send(standings, 0);
    for (const delay of this.#settings.repeats) {
      this.#repeat(standings, delay);
    }
    this.#parts.notifier?.tell(standings);
    if (!this.#beating) this.#armRefresh();
  }

  /** What is still ours of these, and once. */
  announceOnce(standings: readonly Standing[]): void {
    this.#send(this.#stillActive(standings), 0);
  }

  /**
   * A process that stood still may have lost its addresses without knowing it yet. What is late therefore waits once more: the
   * tick that is due by now finds out first, and has us forget them.
   */
  #repeat(standings: readonly Standing[], delay: Millis): void {
    const due = bootTimeNow() + delay;
    this.#later(delay, () => {
      if (bootTimeNow() - due > LATENESS_MAX) this.#repeat(standings, LATE_RETRY);
      else this.#send(this.#stillActive(standings), 0);
    });
  }

  /** Of 1,000 addresses some with each beat, of one each time it is due. */
  #armRefresh(): void {
    const { refresh } = this.#settings;
    const count = this.#active.size;
    this.#beating = refresh !== undefined && count > 0;
    if (refresh === undefined || count === 0) return;
    const delay = Math.max(refresh / count, BEAT_MIN);
    const due = bootTimeNow() + delay;
    this.#later(delay, () => {
      // Late is who stood still: what it lost meanwhile it has to be told first.
      if (bootTimeNow() - due <= LATENESS_MAX) this.#refresh((delay * count) / refresh);
      this.#armRefresh();
    });
  }

  #refresh(share: number): void {
    this.#credit = Math.min(this.#credit + share, share + 1);
    const count = Math.floor(this.#credit + 1e-6);
    this.#credit -= count;
    const next = [...firstOf(this.#active, count)];
    for (const [key, standing] of next) {
      this.#active.delete(key);
      this.#active.set(key, standing);
    }
    this.#send(
      next.map(([, standing]) => standing),
      0,
    );
  }

  /** From now on nothing is said for these. */
  forget(standings: readonly Standing[]): void {
    for (const standing of standings) this.#active.delete(standingKey(standing));
    this.#parts.notifier?.forget(standings);
  }

  stop(): void {
    this.#active.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#beating = false;
    this.#parts.notifier?.stop();
  }

  #send(standings: readonly Standing[], retries: number): void {
    for (const [at, standing] of standings.entries()) {
      if (this.#tell(standing)) continue;
      if (retries === FULL_RETRIES_MAX) return;
      const rest = standings.slice(at);
      this.#later(FULL_RETRY, () => this.#send(this.#stillActive(rest), retries + 1));
      return;
    }
  }

  /** `false` when the kernel's queue is full. */
  #tell(standing: Standing): boolean {
    const link = this.#parts.linkOf(standing.interfaceIndex);
    if (link === undefined || !link.resolves) return true;
    const frames = this.#framesFor(standing, link);
    return frames.every((frame) => this.#parts.sender.send(frame, link.index) !== 'full');
  }

  #framesFor(standing: Standing, { mac }: Link): readonly Buffer[] {
    const known = this.#frames.get(standing);
    if (known?.mac === mac) return known.frames;
    const binding = { mac, address: ipBytes(standing.address) };
    const frames =
      standing.family === 4
        ? [arpAnnouncement(binding), arpGratuitousReply(binding)]
        : [neighbourAdvertisement(binding)];
    this.#frames.set(standing, { mac, frames });
    return frames;
  }

  #stillActive(standings: readonly Standing[]): Standing[] {
    return standings.filter((standing) => this.#active.has(standingKey(standing)));
  }

  #later(delay: Millis, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delay);
    timer.unref();
    this.#timers.add(timer);
  }
}

function* firstOf<T>(all: Iterable<T>, count: number): Generator<T, undefined> {
  let left = count;
  if (left <= 0) return;
  for (const one of all) {
    yield one;
    if (--left === 0) return;
  }
}

/**
 * Tells chosen neighbours, one by one and no faster than allowed, where our addresses are: for those whom a broadcast does not
 * reach. Works in the background after the announcement, keeps no list of what is to be sent, never speaks for an address that
 * was forgotten.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import { bootTimeNow } from '../../src/platform/clock.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import type { FrameSender } from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import { type Binding, directedEcho, directedUpdates } from './packets.ts';
import { type Standing, standingKey } from './placement.ts';

/** Who is told, and how. */
export interface Audience {
  readonly family: 4 | 6;
  /** How many there are; may change. */
  count(): number;
  /** 4 or 16 bytes of one of them, from 0 on, for a VIP on this interface; `undefined`: not this one. */
  at(index: number, interfaceIndex: number): Uint8Array | undefined;
  /** Its link address where the kernel here knows none; absent: nobody knows. */
  linkAddressAt?(index: number): Uint8Array | undefined;
  readonly interface?: string;
  /** A second, at most. */
  readonly throttle: number;
  readonly ping: boolean;
}

export interface NotifierParts {
  readonly sender: FrameSender;
  readonly linkOf: (interfaceIndex: number) => Link | undefined;
  /** Link address of a neighbour as the kernel knows it. */
  readonly linkAddressOf: (interfaceIndex: number, address: Uint8Array) => Uint8Array | undefined;
}

/** The announcement goes first. */
const HEAD_START: Millis = 20;
const BEAT: Millis = 20;
/** A beat later than this comes from a process that stood still: what it has to forget comes first. */
const LATENESS_MAX: Millis = 50;
/** Addresses of an audience that are passed over in one beat, at most. */
const PASSED_OVER_MAX = 256;

export class Notifier {
  readonly #rounds: readonly Round[];

  constructor(audiences: readonly Audience[], parts: NotifierParts) {
    this.#rounds = audiences.map((audience) => new Round(audience, parts));
  }

  /** Begins again for those under way. */
  tell(standings: readonly Standing[]): void {
    for (const round of this.#rounds) round.add(standings);
  }

  forget(standings: readonly Standing[]): void {
    for (const round of this.#rounds) round.drop(standings);
  }

  /** Addresses that somebody is still to be told of. */
  get pending(): number {
    return this.#rounds.reduce((sum, { pending }) => sum + pending, 0);
  }

  stop(): void {
    for (const round of this.#rounds) round.stop();
  }
}

/** One audience on its way through. */
class Round {
  readonly #audience: Audience;
  readonly #parts: NotifierParts;
  readonly #pending = new Map<string, { readonly standing: Standing; next: number }>();
  #timer: NodeJS.Timeout | undefined;
  #due: Instant = 0;
  /** What may be sent now; gathers with time, never beyond one beat's worth. */
  #credit = 0;

  constructor(audience: Audience, parts: NotifierParts) {
    this.#audience = audience;
    this.#parts = parts;
  }

  get pending(): number {
    return this.#pending.size;
  }

  add(standings: readonly Standing[]): void {
    const { family, interface: device } = this.#audience;
    for (const standing of standings) {
      if (standing.family !== family || (device !== undefined && device !== standing.interfaceName)) continue;
      const key = standingKey(standing);
      this.#pending.delete(key);
      this.#pending.set(key, { standing, next: 0 });
    }
    if (this.#timer === undefined && this.#pending.size > 0) this.#arm(HEAD_START);
  }

  drop(standings: readonly Standing[]): void {
    for (const standing of standings) this.#pending.delete(standingKey(standing));
  }

  stop(): void {
    this.#pending.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delay: Millis): void {
    this.#due = bootTimeNow() + delay;
    this.#timer = setTimeout(() => this.#beat(), delay);
    this.#timer.unref();
  }

  #beat(): void {
    this.#timer = undefined;
    const perBeat = (this.#audience.throttle * BEAT) / 1000;
    if (bootTimeNow() - this.#due <= LATENESS_MAX) {
      this.#credit = Math.min(this.#credit + perBeat, Math.max(1, perBeat));
      this.#spend();
    }
    if (this.#pending.size > 0) this.#arm(BEAT);
  }

  #spend(): void {
    let passedOver = 0;
    for (const [key, entry] of this.#pending) {
      while (this.#credit >= 1 && passedOver < PASSED_OVER_MAX) {
        if (entry.next >= this.#audience.count()) {
          this.#pending.delete(key);
          break;
        }
        const told = this.#tell(entry.standing, entry.next);
        // A full queue is tried again with the next beat.
        if (told === 'full') return;
        entry.next += 1;
        if (told === 'told') this.#credit -= 1;
        else passedOver += 1;
      }
      if (this.#credit < 1 || passedOver >= PASSED_OVER_MAX) return;
    }
  }

  #tell(standing: Standing, index: number): 'told' | 'full' | 'nobody' {
    const address = this.#audience.at(index, standing.interfaceIndex);
    if (address === undefined) return 'nobody';
    const link = this.#parts.linkOf(standing.interfaceIndex);
    if (link === undefined || !link.resolves) return 'nobody';
    const binding: Binding = { mac: link.mac, address: ipBytes(standing.address) };
    if (Buffer.compare(binding.address, address) === 0) return 'nobody';
    const mac = this.#parts.linkAddressOf(link.index, address) ?? this.#audience.linkAddressAt?.(index);
    const frames = directedUpdates(binding, mac === undefined ? { address } : { mac, address });
    const echo = this.#audience.ping && mac !== undefined ? [directedEcho(binding, { mac, address })] : [];
    for (const frame of [...frames, ...echo])
      if (this.#parts.sender.send(frame, link.index) === 'full') return 'full';
    return 'told';
  }
}

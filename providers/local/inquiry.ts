/**
 * Asks a link for some addresses, for long enough that an answer that could come has come. What arrives is told to it from outside. Says
 * nothing of addresses where it was late itself, or could not send.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import type { FrameSender } from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import { arpProbe, neighbourProbe } from './packets.ts';

/** More patient than what puts an address up: silence makes a host let go here. */
const ROUNDS_MIN = 5;
const ROUND_MIN: Millis = 10;
/** A round that ends later than this says nothing of now. */
const LATENESS_MAX: Millis = 50;
/** An advertisement does not say whether somebody asked: one that is not repeated with the questions is none of answers. */
const CLAIMS_MIN = 3;

/** As the link is asked before an address is put up. */
export interface InquirySettings {
  /** Length of a round; 10 ms at least. */
  readonly interval: Millis;
  /** At least five. */
  readonly rounds: number;
}

export interface InquiryParts {
  readonly sender: FrameSender;
  /** As it is now; `undefined`: gone. */
  readonly link: () => Link | undefined;
  /** Reads what waits, before it is judged: calls {@link Inquiry.hear}. */
  readonly drain: () => void;
  /** Called once: which addresses were answered for; `undefined`: nobody can say. */
  readonly done: (answered: ReadonlySet<string> | undefined) => void;
}

export class Inquiry {
  readonly #round: Millis;
  readonly #parts: InquiryParts;
  /** Answers and claims by address. */
  readonly #heard: Map<string, number>;
  #left: number;
  #due: Instant = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(addresses: readonly string[], { interval, rounds }: InquirySettings, parts: InquiryParts) {
    this.#round = Math.max(interval, ROUND_MIN);
    this.#left = Math.max(rounds, ROUNDS_MIN);
    this.#parts = parts;
    this.#heard = new Map(addresses.map((address) => [address, 0]));
  }

  start(): void {
    const link = this.#parts.link();
    const sent = link?.up === true && link.carrier && this.#ask(link);
    if (!sent) return this.#parts.done(undefined);
    this.#left -= 1;
    this.#due = monotonicNow() + this.#round;
    this.#timer = setTimeout(() => this.#next(), this.#round);
    this.#timer.unref();
  }

  hear(address: string, kind: 'answer' | 'claim'): void {
    const known = this.#heard.get(address);
    if (known !== undefined) this.#heard.set(address, known + (kind === 'answer' ? CLAIMS_MIN : 1));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(): void {
    const late = monotonicNow() - this.#due > LATENESS_MAX;
    if (this.#left > 0 && !late) return this.start();
    this.#parts.drain();
    const answered = [...this.#heard].filter(([, count]) => count >= CLAIMS_MIN).map(([address]) => address);
    const known = !late || answered.length === this.#heard.size;
    this.#parts.done(known ? new Set(answered) : undefined);
  }

  #ask({ mac, index }: Link): boolean {
    return [...this.#heard.keys()].every((text) => {
      const address = ipBytes(text);
      const frame = address.length === 4 ? arpProbe({ mac, address }) : neighbourProbe({ mac, address });
      return this.#parts.sender.send(frame, index) === 'sent';
    });
  }
}

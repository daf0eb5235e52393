/**
 * What lies between hosts: cuts in one or both directions, delay, loss, duplication. It knows since when two hosts reach
 * each other, as the checkers need it: a stretch in which every probe between them was lost counts as a cut.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Range } from '../options.ts';
import type { Host } from './host.ts';
import type { Random } from './random.ts';

export interface Weather {
  readonly loss: number;
  readonly duplicates: number;
  /** Added to each way, at random up to this. */
  readonly delay: Millis;
  /** Share of the datagrams that arrive later than some that were sent after them. */
  readonly overtaking: number;
}

export interface NetworkSettings {
  readonly delay: Range;
  /** On the link that carries the VIPs. */
  readonly linkDelay: Range;
  readonly probeTimeout: Millis;
  readonly oneNic: boolean;
}

/** Longer than a heartbeat interval of the quicker profiles. */
const HELD_UP_MAX: Millis = 600;

const CALM: Weather = { loss: 0, duplicates: 0, delay: 0, overtaking: 0 };

export class Network {
  weather: Weather = CALM;
  readonly #settings: NetworkSettings;
  readonly #random: Random;
  readonly #now: () => Instant;
  readonly #reachChanged: () => void;
  #hosts: readonly Host[] = [];
  #cuts = new Uint8Array(0);
  #joined = new Uint8Array(0);
  #since = new Float64Array(0);
  #unanswered = new Float64Array(0);
  #darkEnded = new Float64Array(0);
  #calmSince: Instant = 0;
  /** When a host last lost or won the way to another one while both lived. */
  readonly #partlyCut = new Map<Host, Instant>();

  constructor(
    settings: NetworkSettings,
    parts: { random: Random; now: () => Instant; reachChanged: () => void },
  ) {
    this.#settings = settings;
    this.#random = parts.random;
    this.#now = parts.now;
    this.#reachChanged = parts.reachChanged;
  }

  populate(hosts: readonly Host[]): void {
    const pairs = hosts.length ** 2;
    this.#hosts = hosts;
    this.#cuts = new Uint8Array(pairs);
    this.#joined = new Uint8Array(pairs);
    this.#since = new Float64Array(pairs);
    this.#unanswered = new Float64Array(pairs).fill(-1);
    this.#darkEnded = new Float64Array(pairs).fill(-1e9);
  }

  cut(from: Host, to: Host, cut: boolean): void {
    this.#cuts[this.#pair(from, to)] = cut ? 1 : 0;
  }

  heal(): void {
    this.#cuts.fill(0);
    this.changed();
  }

  /** No loss, no repetition, no delay beyond the usual. */
  get isCalm(): boolean {
    return this.weather === CALM;
  }

  calm(): void {
    if (!this.isCalm) this.#calmSince = this.#now();
    this.weather = CALM;
  }

  /** Time since the last storm; 0 in one. */
  get calmFor(): Millis {
    return this.isCalm ? this.#now() - this.#calmSince : 0;
  }

  /** Whether a packet of the group can get from one to the other; both kernels run. */
  passes(from: Host, to: Host): boolean {
    if (this.#cuts[this.#pair(from, to)] === 1) return false;
    return !this.#settings.oneNic || (from.carrier && to.carrier);
  }

  /** Whether the peer's kernel runs and can hear and answer. */
  answers(from: Host, to: Host): boolean {
    return to.up && !to.frozen && this.passes(from, to) && this.passes(to, from);
  }

  /** On the link of the VIPs, both ways, both alive. */
  connected(a: Host, b: Host): boolean {
    return this.#joined[this.#pair(a, b)] === 1;
  }

  /** For how long they have been connected. */
  joinedFor(a: Host, b: Host): Millis {
    return this.connected(a, b) ? this.#now() - this.#since[this.#pair(a, b)]! : 0;
  }

  /** Whether everybody else who is connected to one is connected to the other. */
  reachesSame(a: Host, b: Host): boolean {
    return this.#hosts.every((c) => c === a || c === b || this.connected(a, c) === this.connected(b, c));
  }

  /** To be called after anything that may part or join hosts. */
  changed(): void {
    let turned = false;
    for (const a of this.#hosts) {
      for (const b of this.#hosts) {
        if (a.index >= b.index) continue;
        const joined = a.carrier && b.carrier && this.#alive(a) && this.#alive(b) && this.#open(a, b);
        if (this.connected(a, b) === joined) continue;
        if (this.#alive(a) && this.#alive(b)) this.#partlyCut.set(a, this.#now()).set(b, this.#now());
        for (const pair of [this.#pair(a, b), this.#pair(b, a)]) {
          this.#joined[pair] = joined ? 1 : 0;
          this.#since[pair] = this.#now();
        }
        turned = true;
      }
    }
    if (turned) this.#reachChanged();
  }

  /**
   * Since when two connected hosts have been able to know of each other's part. Where reachability is not transitive, who is
   * with whom is settled only some time after the last way was cut or opened.
   */
  knownSince(a: Host, b: Host): Instant {
    let since = this.#since[this.#pair(a, b)]!;
    for (const host of [a, b]) {
      since = Math.max(since, this.#partlyCut.get(host) ?? since);
      for (const other of this.#hosts) {
        if (other === host || !this.#alive(other)) continue;
        since = Math.max(
          since,
          this.#darkEnded[this.#pair(host, other)]!,
          this.#darkEnded[this.#pair(other, host)]!,
        );
      }
    }
    return since;
  }

  /** Whether every probe between one of them and somebody who lives has been lost for so long that they must think each other dead. */
  dark(a: Host, b: Host): boolean {
    return [a, b].some((host) =>
      this.#hosts.some(
        (other) =>
          other !== host &&
          this.connected(host, other) &&
          (this.#isDark(this.#pair(host, other)) || this.#isDark(this.#pair(other, host))),
      ),
    );
  }

  probeSent(from: Host, to: Host): void {
    const pair = this.#pair(from, to);
    if (this.#unanswered[pair]! < 0) this.#unanswered[pair] = this.#now();
  }

  probeAnswered(from: Host, to: Host): void {
    const pair = this.#pair(from, to);
    if (this.#isDark(pair)) this.#darkEnded[pair] = this.#now();
    this.#unanswered[pair] = -1;
  }

  /** Its streams are gone: nothing is asked any more. */
  probesEnded(from: Host, to: Host): void {
    this.probeAnswered(from, to);
  }

  /** A question on the link got lost though somebody would have answered. */
  falseSilence(a: Host, b: Host): void {
    this.#darkEnded[this.#pair(a, b)] = this.#now();
  }

  probePasses(_from: Host, _to: Host): boolean {
    return (
      !this.lost() &&
      !this.lost() &&
      this.#onTheWay(this.#settings.linkDelay) + this.#onTheWay(this.#settings.linkDelay) < 4
    );
  }

  lost(): boolean {
    return this.weather.loss > 0 && this.#random.chance(this.weather.loss);
  }

  duplicated(): boolean {
    return this.weather.duplicates > 0 && this.#random.chance(this.weather.duplicates);
  }

  delay(): Millis {
    return this.#onTheWay(this.#settings.delay);
  }

  #onTheWay({ min, max }: Range): Millis {
    const usual = min + this.#random.next() * (max - min);
    return this.weather.delay === 0 ? usual : usual + this.#random.next() ** 3 * this.weather.delay;
  }

  /** By how much a datagram is held up on its way, beside the delay of all. */
  heldUp(): Millis {
    const { overtaking } = this.weather;
    return overtaking > 0 && this.#random.chance(overtaking) ? this.#random.between(0, HELD_UP_MAX) : 0;
  }

  roundTrip(_a: Host, _b: Host): Millis {
    return this.delay() + this.delay();
  }

  #isDark(pair: number): boolean {
    const since = this.#unanswered[pair]!;
    return since >= 0 && this.#now() - since >= 0.95 * this.#settings.probeTimeout;
  }

  #open(a: Host, b: Host): boolean {
    return this.#cuts[this.#pair(a, b)] === 0 && this.#cuts[this.#pair(b, a)] === 0;
  }

  #alive(host: Host): boolean {
    return host.up && !host.frozen;
  }

  #pair(a: Host, b: Host): number {
    return a.index * this.#hosts.length + b.index;
  }
}

/** One thread of one process: does one thing after the other. While it stands still everything waits, and nothing is lost. */
import type { Instant, Millis } from '../../model/time.ts';
import type { Agenda } from './agenda.ts';
import type { Random } from './random.ts';

export class Thread {
  alive = true;
  /** Each piece of work waits up to this long for the processor. */
  slowness: Millis = 0;
  readonly #agenda: Agenda;
  readonly #random: Random;
  #backlog: (() => void)[] = [];
  #stalls = 0;
  #stalledAt = 0;
  #draining = false;
  #freeAt = 0;
  /** Pieces of work that wait for the processor; what comes after them waits behind them, whatever happens. */
  #pending = 0;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  get stalled(): boolean {
    return this.#stalls > 0;
  }

  /** Since when it does nothing; absent: it works. */
  get stalledSince(): Instant | undefined {
    return this.stalled ? this.#stalledAt : undefined;
  }

  /** Work would be done at once. */
  get isFree(): boolean {
    return this.alive && !this.#queues && this.#pending === 0 && this.slowness === 0;
  }

  get #queues(): boolean {
    return this.#stalls > 0 || this.#draining || this.#backlog.length > 0;
  }

  post(work: () => void): void {
    if (!this.alive) return;
    const { now } = this.#agenda;
    if (this.#pending === 0 && this.#queues) this.#backlog.push(work);
    else if (this.#pending === 0 && this.slowness === 0) work();
    else {
      this.#pending += 1;
      this.#freeAt = Math.max(this.#freeAt, now + this.#random.next() * this.slowness);
      this.#agenda.at(this.#freeAt, () => this.#perform(work));
    }
  }

  /** After everything that waits now. */
  last(work: () => void): void {
    if (this.#draining) this.#backlog.push(work);
    else this.#agenda.after(0.01, () => this.post(work));
  }

  stall(): void {
    if (this.#stalls === 0) this.#stalledAt = this.#agenda.now;
    this.#stalls += 1;
  }

  resume(): void {
    if (this.#stalls === 0) return;
    this.#stalls -= 1;
    if (this.#stalls > 0 || this.#draining) return;
    this.#draining = true;
    for (let work = this.#next(); work; work = this.#next()) work();
    this.#draining = false;
  }

  /** Of what waited, the first; nothing while the thread stands still or is dead. */
  #next(): (() => void) | undefined {
    return this.#stalls > 0 || !this.alive ? undefined : this.#backlog.shift();
  }

  #perform(work: () => void): void {
    this.#pending -= 1;
    if (!this.alive) return;
    if (this.#queues) this.#backlog.push(work);
    else work();
  }
}

/** Messages from one thread to another: in order, a moment later. */
export class Channel {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #to: Thread;
  #lastAt = 0;

  constructor(to: Thread, agenda: Agenda, random: Random) {
    this.#to = to;
    this.#agenda = agenda;
    this.#random = random;
  }

  post(work: () => void): void {
    this.#lastAt = Math.max(this.#lastAt, this.#agenda.now + this.#random.between(0.02, 0.2));
    this.#agenda.at(this.#lastAt, () => this.#to.post(work));
  }
}

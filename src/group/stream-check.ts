/** Asking over an open stream whether the other end still has it: one question at a time, any number who wait for it. */
import type { Millis } from '../model/time.ts';

export class StreamCheck {
  readonly #within: Millis;
  #timer: NodeJS.Timeout | undefined;
  #waiting: ((alive: boolean) => void)[] = [];

  constructor(within: Millis) {
    this.#within = within;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  /** Tells `answered` how it went; `ask` is called when no question is under way, `silent` when no answer comes. */
  start(steps: { ask: () => void; silent: () => void; answered: (alive: boolean) => void }): void {
    this.#waiting.push(steps.answered);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(steps.silent, this.#within);
    steps.ask();
  }

  /** The answer came, or the stream is gone. */
  end(alive: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const answered of waiting) answered(alive);
  }
}

/**
 * Judges one target's requests in the order they were sent: answered or not. Pure arithmetic on instants.
 *
 * An answer counts when it may have come within `patience`. The observer's own lateness is never held against the
 * target: what lay in the socket is taken to have come right after the socket was last seen empty, and nothing is
 * given up before the socket was seen empty after the patience had passed.
 */
import type { Instant, Millis } from '../model/time.ts';

/** The target began, or ceased, to answer: `at` is when the first request of the new kind was sent. */
export interface Turn {
  readonly at: Instant;
  readonly up: boolean;
}

interface Pending {
  readonly request: number;
  readonly at: Instant;
  answered: boolean;
}

export class Verdicts {
  readonly #patience: Millis;
  #pending: Pending[] = [];
  #up: boolean | undefined;
  sent = 0;
  answered = 0;
  /** Answers to requests that had been answered before. */
  repeated = 0;

  constructor(patience: Millis) {
    this.#patience = patience;
  }

  sentRequest(request: number, at: Instant): void {
    this.sent += 1;
    this.#pending.push({ request, at, answered: false });
  }

  /** `earliest`: when the socket was last seen empty, that is, before the answer can have come. */
  answer(request: number, earliest: Instant): void {
    const pending = this.#pending.find((candidate) => candidate.request === request);
    if (pending === undefined || earliest - pending.at > this.#patience) return;
    if (pending.answered) this.repeated += 1;
    pending.answered = true;
  }

  /** Judges what can be judged, `emptyAt` being when the socket was last seen empty. */
  settle(emptyAt: Instant): readonly Turn[] {
    const turns: Turn[] = [];
    while (this.#pending.length > 0) {
      const [first] = this.#pending;
      if (first === undefined || (!first.answered && emptyAt - first.at <= this.#patience)) break;
      this.#pending.shift();
      if (first.answered) this.answered += 1;
      if (first.answered === this.#up) continue;
      this.#up = first.answered;
      turns.push({ at: first.at, up: first.answered });
    }
    return turns;
  }
}

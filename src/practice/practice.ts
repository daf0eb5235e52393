/**
 * Practises takeovers while nothing else is to be done, so that the first real one does not run code for the first time: the runtime
 * compiles what it has seen run. In slices, and not for long. Touches nothing of the running agent.
 */
import type { AgentSettings } from '../agent/agent.ts';
import type { Instant, Millis } from '../model/time.ts';
import { type PracticeEngine, Stage } from './stage.ts';

export interface PracticeParts {
  readonly clock: () => Instant;
  readonly engine: PracticeEngine;
  /** It broke off: `reason` is for people. Called once at most. */
  readonly broken: (reason: string) => void;
}

/** A slice is over at the first step that ends later than this; a step takes a fraction of a millisecond. */
export const SLICE: Millis = 4;
/** After so many the runtime has compiled what comes in them; more bring nothing (docs/adr/0015-practice.md). */
export const TAKEOVERS = 30;

/**
 * To be kept when it is over: with its objects would go the runtime's record of their shapes, and with that all machine code that reckons
 * with them, which is the code of a takeover (docs/adr/0015-practice.md).
 */
export class Practice {
  readonly #parts: PracticeParts;
  readonly stage: Stage;
  readonly #steps: Iterator<void>;

  /** @param settings of the running agent */
  constructor(settings: AgentSettings, parts: PracticeParts) {
    this.#parts = parts;
    this.stage = new Stage(settings, parts.engine);
    this.#steps = this.stage.play(TAKEOVERS);
  }

  /** One slice. `false`: it is over. Never throws. */
  turn(): boolean {
    try {
      return this.#slice();
    } catch (error) {
      this.#parts.broken(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #slice(): boolean {
    const end = this.#parts.clock() + SLICE;
    do {
      if (this.#steps.next().done === true) return false;
    } while (this.#parts.clock() < end);
    return true;
  }
}

/**
 * What the process runs short of without its core knowing: descriptors, room for the log. Looked at now and then, told once when it
 * begins and once when it ends, and in every status meanwhile. Changes nothing.
 */
import type { Status } from '../model/status.ts';
import type { Millis } from '../model/time.ts';
import type { Logger } from '../platform/logger.ts';
import { descriptorTrouble } from '../platform/spare-descriptor.ts';

const LOOK_EVERY: Millis = 5_000;

export class Shortages {
  readonly #logger: Logger;
  readonly #look: () => string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #descriptors: string | undefined;

  /** `look`: why nothing can be opened; for tests. */
  constructor(logger: Logger, look: () => string | undefined = descriptorTrouble) {
    this.#logger = logger;
    this.#look = look;
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_EVERY);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The status with what an operator should mend about the process itself. */
  addedTo(status: Status): Status {
    const warnings = [this.#logger.trouble(), this.#descriptors].filter((trouble) => trouble !== undefined);
    return {
      ...status,
      counters: { ...status.counters, ...this.#logger.counters() },
      warnings: [...status.warnings, ...warnings],
    };
  }

  #lookAgain(): void {
    const before = this.#descriptors;
    this.#descriptors = this.#look();
    if (this.#descriptors === before) return;
    if (this.#descriptors === undefined) this.#logger.info({}, 'there are file descriptors again');
    else this.#logger.error({ reason: this.#descriptors }, 'nobody can reach this agent anew');
  }
}

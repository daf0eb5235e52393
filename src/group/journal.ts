/** The transport's log: structured lines, each kind at most once in a while, so that a stranger cannot fill a disk. */
import type { Instant, Millis } from '../model/time.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const KINDS_MAX = 512;

interface Repetition {
  lastAt: Instant;
  suppressed: number;
}

export class Journal {
  readonly #write: (line: LogLine) => void;
  readonly #clock: () => Instant;
  readonly #interval: Millis;
  readonly #repetitions = new Map<string, Repetition>();

  /** `interval`: between two lines of one kind written by `writeSeldom`. */
  constructor(write: (line: LogLine) => void, clock: () => Instant, interval: Millis = 10_000) {
    this.#write = write;
    this.#clock = clock;
    this.#interval = interval;
  }

  write(line: LogLine): void {
    this.#write(line);
  }

  /** For what outside events cause: lines of one `kind` that come too fast are counted and told with the next. */
  writeSeldom(kind: string, line: LogLine): void {
    const now = this.#clock();
    const known = this.#repetitions.get(kind);
    if (known !== undefined && now - known.lastAt < this.#interval) {
      known.suppressed += 1;
      return;
    }
    // More kinds than this at once come from hostile names: forgetting them all bounds memory, and lines to a few.
    if (known === undefined && this.#repetitions.size >= KINDS_MAX) this.#repetitions.clear();
    const suppressed = known?.suppressed ?? 0;
    this.#repetitions.set(kind, { lastAt: now, suppressed: 0 });
    this.#write(suppressed === 0 ? line : { ...line, fields: { ...line.fields, suppressed } });
  }
}

/** The log: structured lines by pino, to standard error or a file (see `log-sink.ts`). Never writes key material. */
import { openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger as Pino } from 'pino';
import type { Millis } from '../model/time.ts';
import { makeFolders } from './folders.ts';
import { LogSink } from './log-sink.ts';

export interface LogSettings {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** Appended to; absent: standard error. */
  readonly file?: string;
}

/** A structured record and what happened. Never throws. */
export type LogFunction = (record: object, message: string) => void;

export interface Logger {
  readonly trace: LogFunction;
  readonly debug: LogFunction;
  readonly info: LogFunction;
  readonly warn: LogFunction;
  readonly error: LogFunction;
  counters(): LogCounters;
  /** Why lines cannot be written just now, for people; undefined: all is well. */
  trouble(): string | undefined;
  /** Opens the file anew (after rotation); where that fails it is counted and the old one stays. */
  reopen(): void;
  setLevel(level: LogSettings['level']): void;
  /** Writes out what waits, at most for half a second. What is logged later is dropped. */
  close(): Promise<void>;
}

/** Never decreasing within a run. */
export interface LogCounters {
  readonly log_errors: number;
  readonly log_lines_dropped: number;
}

const CLOSE_PATIENCE: Millis = 500;

const STANDARD_ERROR = 2;

/**
 * So long the first lines wait, with the time at which they were said: to load pino and to have it make ready takes 10 ms, and what logs first
 * is a start that others wait for.
 */
const LOAD_AFTER: Millis = 100;
/** Where it cannot be loaded (descriptors may have run out), until the next attempt; and how many lines wait for it. */
const LOAD_AGAIN_AFTER: Millis = 1_000;
const LINES_MAX = 10_000;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** Wherever one of these names appears in a record, down to its third level, the value is left out. */
const SECRET = ['key', 'psk', 'secret', 'password', 'cluster_key', 'clusterKey'];

/** Throws an Error for a person when the file cannot be opened in the first place. */
export function createLogger({ level, file }: LogSettings): Logger {
  const sink =
    file === undefined
      ? new LogSink(STANDARD_ERROR, { owned: false })
      : new LogSink(openLog(file), { owned: true });
  let reopenErrors = 0;
  const lines = new Lines(sink, level);
  return {
    trace: (record, message) => lines.write({ level: 'trace', record, message }),
    debug: (record, message) => lines.write({ level: 'debug', record, message }),
    info: (record, message) => lines.write({ level: 'info', record, message }),
    warn: (record, message) => lines.write({ level: 'warn', record, message }),
    error: (record, message) => lines.write({ level: 'error', record, message }),
    counters: () => ({
      log_errors: sink.errors + reopenErrors,
      log_lines_dropped: sink.dropped + lines.dropped,
    }),
    trouble: () => {
      const trouble = lines.trouble ?? sink.trouble;
      return trouble === undefined
        ? undefined
        : `the log cannot be written to ${file ?? 'standard error'} (${trouble}): what happens meanwhile may be missing there`;
    },
    reopen: () => {
      if (file === undefined) return;
      try {
        sink.replace(openLog(file));
      } catch {
        reopenErrors += 1;
      }
    },
    setLevel: (next) => lines.setLevel(next),
    close: async () => {
      await lines.load();
      await sink.close(CLOSE_PATIENCE);
    },
  };
}

interface Line {
  readonly level: LogSettings['level'];
  readonly record: object;
  readonly message: string;
}

/** From what is to be logged to lines of text: pino's part, and waiting for it. */
class Lines {
  readonly #sink: LogSink;
  #level: LogSettings['level'];
  #pino: Pino | undefined;
  #waiting: (Line & { readonly at: number })[] = [];
  #loading: Promise<void> | undefined;
  #timer: NodeJS.Timeout;
  /** Lines that were dropped for want of pino. */
  dropped = 0;
  /** Why it could not be loaded. */
  trouble: string | undefined;
  /** When what is being written was said. */
  #at = 0;

  constructor(sink: LogSink, level: LogSettings['level']) {
    this.#sink = sink;
    this.#level = level;
    this.#timer = this.#loadAfter(LOAD_AFTER);
  }

  write(line: Line): void {
    const at = Date.now();
    if (this.#pino !== undefined) this.#put(this.#pino, { ...line, at });
    else if (LEVELS.indexOf(line.level) < LEVELS.indexOf(this.#level)) return;
    else if (this.#waiting.length < LINES_MAX) this.#waiting.push({ ...line, at });
    else this.dropped += 1;
  }

  setLevel(level: LogSettings['level']): void {
    this.#level = level;
    if (this.#pino !== undefined) this.#pino.level = level;
  }

  /** Now. Never rejects: without pino the lines go on waiting. */
  load(): Promise<void> {
    clearTimeout(this.#timer);
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      this.trouble = error instanceof Error ? error.message : String(error);
      this.#timer = this.#loadAfter(LOAD_AGAIN_AFTER);
    });
    return this.#loading;
  }

  #loadAfter(delay: Millis): NodeJS.Timeout {
    return setTimeout(() => void this.load(), delay).unref();
  }

  async #load(): Promise<void> {
    const { default: pino } = await import('pino');
    const paths = SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
    const log = pino(
      {
        level: 'trace',
        timestamp: () => `,"time":"${new Date(this.#at).toISOString()}"`,
        redact: { paths, censor: '[secret]' },
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: pino.stdSerializers.err },
      },
      this.#sink,
    );
    for (const line of this.#waiting.splice(0)) this.#put(log, line);
    log.level = this.#level;
    this.#pino = log;
    this.trouble = undefined;
  }

  #put(log: Pino, { level, record, message, at }: Line & { readonly at: number }): void {
    this.#at = at;
    log[level](record, message);
  }
}

function openLog(file: string): number {
  try {
    makeFolders(dirname(file));
    return openSync(file, 'a', 0o640);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `cannot write the log file ${file} (${message}); set log.file to one that can be written`,
      {
        cause: error,
      },
    );
  }
}

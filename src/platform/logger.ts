/** The log: structured lines by pino, to standard error or a file (see `log-sink.ts`). Never writes key material. */
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import type { Millis } from '../model/time.ts';
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

/** Wherever one of these names appears in a record, down to its third level, the value is left out. */
const SECRET = ['key', 'psk', 'secret', 'password', 'cluster_key', 'clusterKey'];

/** Throws an Error for a person when the file cannot be opened in the first place. */
export function createLogger({ level, file }: LogSettings): Logger {
  const sink =
    file === undefined
      ? new LogSink(STANDARD_ERROR, { owned: false })
      : new LogSink(openLog(file), { owned: true });
  let reopenErrors = 0;
  const log = pinoOver(sink, level);
  return {
    trace: (record, message) => log.trace(record, message),
    debug: (record, message) => log.debug(record, message),
    info: (record, message) => log.info(record, message),
    warn: (record, message) => log.warn(record, message),
    error: (record, message) => log.error(record, message),
    counters: () => ({ log_errors: sink.errors + reopenErrors, log_lines_dropped: sink.dropped }),
    trouble: () =>
      sink.trouble === undefined
        ? undefined
        : `the log cannot be written to ${file ?? 'standard error'} (${sink.trouble}): what happens meanwhile may be missing there`,
    reopen: () => {
      if (file === undefined) return;
      try {
        sink.replace(openLog(file));
      } catch {
        reopenErrors += 1;
      }
    },
    setLevel: (next) => {
      log.level = next;
    },
    close: () => sink.close(CLOSE_PATIENCE),
  };
}

function pinoOver(sink: LogSink, level: LogSettings['level']): pino.Logger {
  const paths = SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '[secret]' },
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    sink,
  );
}

function openLog(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true });
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

/**
 * Where log lines go: a file descriptor written in the background, with a bound on what waits. A full disk, a closed
 * pipe or a slow reader costs lines and counts, never an exception and never the agent's time.
 */
import { close, closeSync, write } from 'node:fs';
import type { Millis } from '../model/time.ts';

/** What may wait for a slow disk; beyond it the newest lines are dropped. UTF-16 code units. */
const WAITING_MAX = 4 * 1024 * 1024;

/** Most that goes into one write. */
const CHUNK_MAX = 64 * 1024;

/** Pause after a failed write: a full disk is not asked again for every line. */
const RETRY_MS: Millis = 250;

export class LogSink {
  #fd: number;
  readonly #owned: boolean;
  #waiting: string[] = [];
  #waitingLength = 0;
  /** Under way or not yet taken by the kernel. */
  #chunk: Buffer | undefined;
  #writing = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #replaced: number | undefined;
  #drained: (() => void)[] = [];
  #errors = 0;
  #dropped = 0;
  #trouble: string | undefined;

  /** `owned`: the descriptor is closed with the sink (not so standard error). */
  constructor(fd: number, { owned }: { owned: boolean }) {
    this.#fd = fd;
    this.#owned = owned;
  }

  /** Failed writes so far. */
  get errors(): number {
    return this.#errors;
  }

  /** Lines dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why nothing can be written just now; undefined: it can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Takes a line with its end. Never throws, never waits. */
  write(line: string): void {
    if (this.#closed || this.#waitingLength + line.length > WAITING_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    if (!this.#writing && this.#retry === undefined) this.#next();
  }

  /** Goes on with another descriptor of the same kind (rotation); closes the present one when it is idle. */
  replace(fd: number): void {
    if (this.#replaced !== undefined) closeSync(this.#replaced);
    this.#replaced = fd;
    if (!this.#writing) this.#adopt();
  }

  /** Resolves when everything is written, or after `patience` with the rest counted as dropped. */
  async close(patience: Millis): Promise<void> {
    if (this.#closed) return;
    if (this.#writing || this.#retry !== undefined) await this.#drain(patience);
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    // A write that hangs still uses the descriptor: the end of the process closes it then.
    if (this.#owned && !this.#writing) close(this.#fd, () => {});
  }

  #drain(patience: Millis): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#drained.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    this.#retry = undefined;
    this.#adopt();
    this.#chunk ??= this.#takeChunk();
    if (this.#chunk === undefined) {
      for (const done of this.#drained.splice(0)) done();
      return;
    }
    this.#writing = true;
    write(this.#fd, this.#chunk, (error, written) => this.#written(error, written));
  }

  #written(error: NodeJS.ErrnoException | null, written: number): void {
    this.#writing = false;
    this.#trouble = error?.code;
    if (error !== null) {
      this.#errors += 1;
      if (this.#closed) return;
      this.#retry = setTimeout(() => this.#next(), RETRY_MS);
      this.#retry.unref();
      return;
    }
    const rest = this.#chunk!.subarray(written);
    this.#chunk = rest.length > 0 ? rest : undefined;
    if (!this.#closed) this.#next();
  }

  #takeChunk(): Buffer | undefined {
    if (this.#waiting.length === 0) return undefined;
    let [count, length] = [0, 0];
    while (
      count < this.#waiting.length &&
      (count === 0 || length + this.#waiting[count]!.length <= CHUNK_MAX)
    ) {
      length += this.#waiting[count]!.length;
      count += 1;
    }
    this.#waitingLength -= length;
    return Buffer.from(this.#waiting.splice(0, count).join(''));
  }

  #adopt(): void {
    if (this.#replaced === undefined) return;
    if (this.#owned) close(this.#fd, () => {});
    this.#fd = this.#replaced;
    this.#replaced = undefined;
  }
}

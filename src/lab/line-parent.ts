/** The child's end of {@link LineChild}: blocking, for processes that do one thing in a loop of their own. */
import { readSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';

export const STDIN = 0;
const STDOUT = 1;

/** Writes one JSON line, whole. */
export function tell(line: object): void {
  let bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(STDOUT, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** The lines that came in; to be called when standard input can be read. */
export class Questions {
  readonly #buffer = Buffer.alloc(4096);
  #rest = '';

  /** Numbers of the syncs asked for, or `undefined` when the parent is gone. */
  read(): readonly number[] | undefined {
    let length: number;
    try {
      length = readSync(STDIN, this.#buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return [];
      return undefined;
    }
    if (length === 0) return undefined;
    const lines = (this.#rest + this.#buffer.toString('utf8', 0, length)).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => (JSON.parse(line) as { number: number }).number);
  }
}

/** An observer must not be late because of what it observes. Silently without effect where it is not allowed. */
export function beFirst(): void {
  try {
    setPriority(0, -20);
  } catch {
    // An unprivileged world: then the observer competes like everybody else, and says when it was late.
  }
}

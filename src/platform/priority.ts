/** The share of the processor this process gets when the machine is busy. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Gives every thread of this process the nice value (−20 to 19, lower is more); threads started later inherit it. On Linux
 * the value belongs to a thread, and one raised alone would wait for the runtime's own helpers (setpriority(2), notes).
 * Returns why it could not be done, for the log; undefined when it was.
 */
export function raisePriority(nice: number): string | undefined {
  try {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), nice);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Lowers the priority of the calling thread alone to this nice value, for work that must not delay the others'. Anybody may; where it
 * is not possible nothing changes.
 */
export function lowerThreadPriority(nice: number): void {
  try {
    setPriority(0, nice);
  } catch {
    // Then it competes with the others as before.
  }
}

/** Whether this process may still open anything: without descriptors nobody can ask it, and no member can come back to it. */
import { closeSync, openSync } from 'node:fs';

/** Why nothing can be opened just now and what to do, for people; undefined: something can. Takes some 10 µs. Never throws. */
export function descriptorTrouble(): string | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE')
      return 'no file descriptor is left (EMFILE): raise the limit (LimitNOFILE, ulimit -n)';
    if (code === 'ENFILE') return 'this machine has no file descriptor left (ENFILE): see sysctl fs.file-max';
    return undefined;
  }
}

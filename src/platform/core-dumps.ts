/**
 * Keeps the memory of this process, and the keys in it, out of files and debuggers of others. Holds for the process and, what is
 * said of sizes, for its children; to be called before a key is read.
 */
import { forbidDumps, limitResource } from './libc.ts';

/** getrlimit(2). */
const RLIMIT_CORE = 4;

/**
 * No core dump, neither to a file (the size is limited to nothing) nor to a handler (which does not heed sizes, but is not
 * called for a process that may not be dumped, core(5)); and no reading of our memory by processes of the same user without
 * CAP_SYS_PTRACE (prctl(2), PR_SET_DUMPABLE). Returns why it could not be done, for the log; undefined when it was.
 */
export function forbidCoreDumps(): string | undefined {
  try {
    limitResource(RLIMIT_CORE, 0);
    forbidDumps();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

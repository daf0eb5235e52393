/** Gives back memory that was needed once. Changes nothing that anybody could see but how much memory this process has. */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';

/**
 * Returns to the kernel what C code (the runtime's compilers, OpenSSL, libuv) has freed and the C library kept in all its
 * arenas (malloc_trim(3)): some megabytes after a start, and again after the runtime has compiled for a while. Takes a
 * millisecond. Does nothing where the C library has no such call (musl gives back by itself).
 */
export function returnFreeMemory(): void {
  trim ??= bind();
  trim(0);
}

let trim: ((keep: number) => unknown) | undefined;

function bind(): (keep: number) => unknown {
  try {
    return koffi.load(null).func('int malloc_trim(size_t keep)') as (keep: number) => unknown;
  } catch {
    return () => undefined;
  }
}

const MADV_DONTNEED = 4;

/**
 * Unmaps what is only read at a start out of the runtime's own file: symbol tables, and the heap that every new thread begins
 * with; no code. Some 15 MB that stand in the kernel's page cache anyway and come back by themselves, a page when it is touched
 * (madvise(2), MADV_DONTNEED on a private mapping of a file that nobody wrote to). Does nothing where /proc is missing.
 */
export function forgetStartPages(): void {
  try {
    const advise = koffi.load(null).func('int madvise(uintptr_t from, size_t length, int advice)');
    for (const { from, to } of constantsOf(process.execPath, readFileSync('/proc/self/smaps', 'utf8')))
      advise(from, to - from, MADV_DONTNEED);
  } catch {
    // It is about tidiness alone.
  }
}

interface Mapping {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * The mappings of a file that are neither code nor were ever written to: what the loader has relocated and then protected
 * (RELRO) would be lost. @param smaps as proc_pid_smaps(5) has it
 */
export function constantsOf(file: string, smaps: string): Mapping[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((entry) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r--p \S+ \S+ \d+ +(\/.*)$/m.exec(entry) ?? [];
    if (path !== file || !/^Anonymous: +0 kB$/m.test(entry)) return [];
    return [{ from: BigInt(`0x${from}`), to: BigInt(`0x${to}`) }];
  });
}

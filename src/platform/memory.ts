/** Gives back memory that was needed once. Changes nothing that anybody could see but how much memory this process has. */
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

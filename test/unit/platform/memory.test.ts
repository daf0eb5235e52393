import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { returnFreeMemory } from '../../../src/platform/memory.ts';

/** Below the size that the C library would ask the kernel for, and give back, one by one. */
const PIECE_BYTES = 64 << 10;
const PIECES = 800;

function residentMib(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

test('what C code has freed goes back to the kernel', ({ skip }) => {
  const libc = koffi.load(null);
  if (!('glibcVersionRuntime' in (process.report.getReport() as { header: object }).header))
    skip('only glibc keeps what is freed');
  const take = libc.func('void *malloc(size_t bytes)');
  const fill = libc.func('void *memset(void *at, int byte, size_t bytes)');
  const free = libc.func('void free(void *at)');
  const pieces = Array.from({ length: PIECES }, () => {
    const piece: unknown = take(PIECE_BYTES);
    fill(piece, 1, PIECE_BYTES);
    return piece;
  });
  // The last one stays, so that the heap cannot just become shorter.
  for (const piece of pieces.slice(0, -1)) free(piece);
  const before = residentMib();
  returnFreeMemory();
  const given = before - residentMib();
  free(pieces.at(-1));
  expect(given).toBeGreaterThan(0.7 * ((PIECES * PIECE_BYTES) >> 20));
});

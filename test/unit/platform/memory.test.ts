import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { constantsOf, forgetStartPages, returnFreeMemory } from '../../../src/platform/memory.ts';

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

test('what only a start reads is unmapped, and comes back for a thread that starts later', async ({
  skip,
}) => {
  const constants = () => constantsOf(process.execPath, readFileSync('/proc/self/smaps', 'utf8'));
  if (constants().length === 0) skip('no mapping of the runtime is constant');
  const before = residentMib();
  forgetStartPages();
  expect(before - residentMib()).toBeGreaterThan(5);
  const worker = new Worker('require("node:worker_threads").parentPort.postMessage(6 * 7)', { eval: true });
  expect(await new Promise((resolve) => worker.once('message', resolve))).toBe(42);
  await worker.terminate();
});

test('only what is neither code nor was written to is unmapped, of this file alone', () => {
  const entry = (first: string, anonymous = 0) =>
    [first, 'Size:  8 kB', `Anonymous:            ${anonymous} kB`, 'VmFlags: rd mr mw me'].join('\n');
  const smaps = [
    entry('00400000-00746000 r--p 00000000 fe:00 1234                       /usr/bin/node'),
    entry('0074a000-03044000 r-xp 0034a000 fe:00 1234                       /usr/bin/node'),
    entry('03201000-06b51000 r--p 02e01000 fe:00 1234                       /usr/bin/node'),
    entry('06b52000-06b56000 r--p 06751000 fe:00 1234                       /usr/bin/node', 16),
    entry('06b56000-06b7d000 rw-p 06755000 fe:00 1234                       /usr/bin/node', 156),
    entry('7f0000000000-7f0000001000 r--p 00000000 fe:00 99                 /usr/lib/node'),
    entry('7f0000002000-7f0000003000 r--p 00000000 00:00 0 '),
  ].join('\n');
  expect(constantsOf('/usr/bin/node', smaps)).toEqual([
    { from: 0x400000n, to: 0x746000n },
    { from: 0x3201000n, to: 0x6b51000n },
  ]);
});

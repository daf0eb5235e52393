import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bytesAt, wordsAt } from '../../../src/platform/foreign-memory.ts';

describe('what a library points at', () => {
  it('is copied byte by byte, or in words of 32 bits', () => {
    const foreign = Buffer.from([1, 0, 0, 0, 2, 0, 0, 1, 9]);
    const bytes = bytesAt(foreign, 3);
    const words = wordsAt(foreign, 2);
    foreign.fill(0);
    expect([...bytes]).toEqual([1, 0, 0]);
    // This machine is little-endian, as all are that Node runs on.
    expect([...words]).toEqual([1, 0x01000002]);
  });

  it('is not looked at where there is nothing', () => {
    expect(bytesAt(null, 0)).toEqual(new Uint8Array(0));
    expect(wordsAt(null, 0)).toEqual(new Uint32Array(0));
  });

  it('leaves nothing behind', { timeout: 60_000 }, () => {
    const program = fileURLToPath(new URL('./copy-for-long.ts', import.meta.url));
    const grown = Number(
      execFileSync(process.execPath, ['--max-semi-space-size=1', program], { encoding: 'utf8' }),
    );
    // Two million copies. `koffi.decode` leaves 18 bytes of each, and with a new type for each 750.
    expect(grown).toBeLessThan(8 << 20);
  });
});

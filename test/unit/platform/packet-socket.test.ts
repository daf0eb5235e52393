import { describe, expect, it } from 'vitest';
import { matchProgram } from '../../../src/platform/packet-socket.ts';

/** What the kernel would return for the frame: the four instructions we use, run by hand. */
function runProgram(program: Buffer, frame: Uint8Array): number {
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const k = program.readUInt32LE(at * 8 + 4);
    const code = program.readUInt16LE(at * 8);
    if (code === 0x06) return k;
    if (code === 0x30) {
      // A load past the end of the frame drops it.
      const byte = frame[k];
      if (byte === undefined) return 0;
      accumulator = byte;
    } else if (code === 0x15) at += program[at * 8 + (accumulator === k ? 2 : 3)] ?? 0;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('ran off the end');
}

describe('the filter for frames', () => {
  const program = matchProgram([
    { offset: 1, value: 58 },
    { offset: 3, value: 136 },
  ]);

  it.each([
    [[0, 58, 0, 136], 2048],
    [[0, 58, 0, 135], 0],
    [[0, 6, 0, 136], 0],
    [[0, 58], 0],
  ])('%j', (frame, kept) => {
    expect(runProgram(program, Uint8Array.from(frame))).toBe(kept);
  });

  it.each([
    [[58, 135, 7], 2048],
    [[58, 136, 7], 2048],
    [[58, 134, 7], 0],
    [[58, 135, 8], 0],
    [[6, 136, 7], 0],
  ])('one of two values: %j', (frame, kept) => {
    const either = matchProgram([
      { offset: 0, value: 58 },
      { offset: 1, value: 136, or: 135 },
      { offset: 2, value: 7 },
    ]);
    expect(runProgram(either, Uint8Array.from(frame))).toBe(kept);
  });
});

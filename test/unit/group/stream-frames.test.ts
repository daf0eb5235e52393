import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FRAME_KIND, FrameReader, frameBytes } from '../../../src/group/stream-frames.ts';

function readAll(reader: FrameReader): { kind: number; body: string }[] {
  const frames: { kind: number; body: string }[] = [];
  for (;;) {
    const result = reader.next();
    if (result.kind !== 'frame') return frames;
    frames.push({ kind: result.frame.kind, body: result.frame.body.toString('hex') });
  }
}

describe('frames of a stream', () => {
  test('come out as they went in, wherever the bytes were cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 50 })), (list, cuts) => {
        const whole = Buffer.concat(list.map((body) => frameBytes(FRAME_KIND.data, body)));
        const reader = new FrameReader(1000);
        const frames = [];
        for (let at = 0; at < whole.length; ) {
          const cut = cuts.next().value ?? 1;
          reader.push(whole.subarray(at, at + cut));
          at += cut;
          frames.push(...readAll(reader));
        }
        expect(frames).toEqual(
          list.map((body) => ({ kind: FRAME_KIND.data, body: Buffer.from(body).toString('hex') })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['no length at all', '00000000'],
    ['one byte too long', '000003e9'],
    ['absurdly long', 'ffffffff'],
  ])('a frame of %s is malformed before its bytes are there', (_, hex) => {
    const reader = new FrameReader(1000);
    reader.push(Buffer.from(hex, 'hex'));
    expect(reader.next()).toMatchObject({ kind: 'malformed' });
  });

  test('any bytes yield frames, a wait or an error, and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const reader = new FrameReader(500);
        reader.push(Buffer.from(bytes));
        for (let turn = 0; turn < 2001; turn += 1) if (reader.next().kind !== 'frame') return;
        throw new Error('more frames than bytes');
      }),
    );
  });
});

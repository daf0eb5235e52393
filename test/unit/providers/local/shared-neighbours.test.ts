import { describe, expect, it } from 'vitest';
import { SHARED_NEIGHBOURS_MAX, SharedNeighbours } from '../../../../providers/local/shared-neighbours.ts';
import type { KnownNeighbour } from '../../../../src/model/neighbour.ts';
import { ipText } from '../../../../src/platform/ip-bytes.ts';

const ENTRY = { throttle: 100, ping: false };
const MAC = '02:00:00:00:00:09';
const X: KnownNeighbour = ['10.0.0.9', MAC];
const Y: KnownNeighbour = ['10.0.0.10', MAC];

/** As an interface sees them, in their places. */
function seen(known: SharedNeighbours, family: 4 | 6 = 4, isOnLink = () => true): (string | undefined)[] {
  const audience = known.audiences(ENTRY, isOnLink).find((one) => one.family === family)!;
  return Array.from({ length: audience.count() }, (_, index) => audience.at(index, 4)).map(
    (bytes) => bytes && ipText(bytes),
  );
}

describe('shared neighbours', () => {
  it('are the union of what was told, each once', () => {
    const known = new SharedNeighbours(300);
    known.learn([X, ['1::2::3', MAC], Y, ['10.0.0.999', MAC], X], 0);
    known.learn([Y, ['2001:db8::9', MAC]], 1);
    expect(seen(known)).toEqual(['10.0.0.9', '10.0.0.10']);
    expect(seen(known, 6)).toEqual(['2001:db8::9']);
    expect(Array.from(known.audiences(ENTRY, () => true)[0]!.linkAddressAt!(0)!)).toEqual([2, 0, 0, 0, 0, 9]);
  });

  it('are told on their link alone', () => {
    const known = new SharedNeighbours(300);
    known.learn([X], 0);
    expect(seen(known, 4, () => false)).toEqual([undefined]);
  });

  it('are forgotten when nobody tells of them any more, and the others keep their places', () => {
    const known = new SharedNeighbours(300);
    known.learn([X, Y], 0);
    known.learn([Y], 200);
    known.forgetOld(300);
    expect(seen(known)).toEqual(['10.0.0.9', '10.0.0.10']);
    known.forgetOld(301);
    expect(seen(known)).toEqual([undefined, '10.0.0.10']);
    known.learn([['10.0.0.11', MAC]], 301);
    expect(seen(known)).toEqual(['10.0.0.11', '10.0.0.10']);
  });

  it('are bounded whatever is told', () => {
    const known = new SharedNeighbours(300);
    for (let at = 0; at < 3 * SHARED_NEIGHBOURS_MAX; at++)
      known.learn([[`10.0.${at >> 8}.${at & 255}`, MAC]], 0);
    expect(known.count(4)).toBe(SHARED_NEIGHBOURS_MAX);
    expect(seen(known)).toHaveLength(SHARED_NEIGHBOURS_MAX);
    known.forgetOld(1000);
    known.learn([['10.99.0.1', MAC]], 1000);
    expect(known.count(4)).toBe(1);
    expect(seen(known)).toHaveLength(SHARED_NEIGHBOURS_MAX);
  });
});

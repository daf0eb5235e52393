import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Announcer } from '../../../../providers/local/announcer.ts';
import type { Standing } from '../../../../providers/local/placement.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

/** How far the clock is ahead of the timers, which are late by so much. */
let late = 0;
vi.mock('../../../../src/platform/clock.ts', () => ({ bootTimeNow: () => performance.now() + late }));

const LINK: Link = {
  index: 4,
  name: 'eth0',
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  up: true,
  carrier: true,
  resolves: true,
};

function standing(last: number): Standing {
  return { family: 4, address: `10.0.0.${last}`, prefixLength: 32, interfaceName: 'eth0', interfaceIndex: 4 };
}

function announcer(repeats: number[], options: { link?: Link; fullAfter?: number; refresh?: number } = {}) {
  const sent: number[] = [];
  let room = options.fullAfter ?? Number.POSITIVE_INFINITY;
  const sender = {
    send(frame: Uint8Array) {
      if (room-- <= 0) {
        room = Number.POSITIVE_INFINITY;
        return 'full' as const;
      }
      sent.push(frame[31] ?? 0);
      return 'sent' as const;
    },
    close() {},
  };
  return {
    sent,
    it: new Announcer({ repeats, refresh: options.refresh }, { sender, linkOf: () => options.link ?? LINK }),
  };
}

describe('announcements', () => {
  beforeEach(() => {
    late = 0;
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are made at once and on schedule, in two forms each', () => {
    const { sent, it: announcing } = announcer([100, 400]);
    announcing.announce([standing(1)]);
    expect(sent).toEqual([1, 1]);
    vi.advanceTimersByTime(99);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(sent).toHaveLength(4);
    vi.advanceTimersByTime(10_000);
    expect(sent).toHaveLength(6);
  });

  it('are never made for what was forgotten', () => {
    const { sent, it: announcing } = announcer([100]);
    announcing.announce([standing(1), standing(2)]);
    announcing.forget([standing(1)]);
    sent.length = 0;
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([2, 2]);
    announcing.stop();
  });

  it('wait, when they come late, for the one who finds out what was lost meanwhile', () => {
    const { sent, it: announcing } = announcer([100]);
    announcing.announce([standing(1), standing(2)]);
    sent.length = 0;
    vi.advanceTimersByTime(99);
    late = 3000;
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([]);
    announcing.forget([standing(1)]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([2, 2]);
  });

  it('end with stop', () => {
    const { sent, it: announcing } = announcer([100]);
    announcing.announce([standing(1)]);
    announcing.stop();
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(2);
  });

  it('go on a little later where the kernel has no room', () => {
    const { sent, it: announcing } = announcer([], { fullAfter: 2 });
    announcing.announce([standing(1), standing(2), standing(3)]);
    expect(sent).toEqual([1, 1]);
    vi.advanceTimersByTime(10);
    expect(sent).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('are made again and again where that is wanted, one address after the other', () => {
    const { sent, it: announcing } = announcer([], { refresh: 3000 });
    announcing.announce([standing(1), standing(2), standing(3)]);
    sent.length = 0;
    vi.advanceTimersByTime(999);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(2001);
    expect(sent).toEqual([1, 1, 2, 2, 3, 3]);
    announcing.forget([standing(2)]);
    sent.length = 0;
    vi.advanceTimersByTime(6000);
    expect(new Set(sent)).toEqual(new Set([1, 3]));
    announcing.forget([standing(1), standing(3)]);
    sent.length = 0;
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual([]);
    announcing.announce([standing(3)]);
    sent.length = 0;
    vi.advanceTimersByTime(3000);
    expect(sent).toEqual([3, 3]);
    announcing.stop();
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual([3, 3]);
  });

  it('of 200 addresses are made evenly', () => {
    const { sent, it: announcing } = announcer([], { refresh: 3000 });
    announcing.announce(Array.from({ length: 200 }, (_, at) => standing(at)));
    for (let round = 0; round < 3; round++) {
      let most = 0;
      const round = new Set<number>();
      for (let beat = 0; beat < 150; beat++) {
        sent.length = 0;
        vi.advanceTimersByTime(20);
        most = Math.max(most, sent.length);
        for (const one of sent) round.add(one);
      }
      expect(round.size).toBeGreaterThanOrEqual(199);
      expect(most).toBeLessThanOrEqual(2 * 2);
    }
  });

  it('are not made again by one who stood still, before it has found out what it lost', () => {
    const { sent, it: announcing } = announcer([], { refresh: 1000 });
    announcing.announce([standing(1)]);
    sent.length = 0;
    vi.advanceTimersByTime(999);
    late = 3000;
    vi.advanceTimersByTime(1);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([1, 1]);
  });

  it('are not made where neighbours are not resolved', () => {
    const { sent, it: announcing } = announcer([10], { link: { ...LINK, resolves: false } });
    announcing.announce([standing(1)]);
    vi.advanceTimersByTime(100);
    expect(sent).toEqual([]);
  });
});

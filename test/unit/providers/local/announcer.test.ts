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

function announcer(repeats: number[], options: { link?: Link; fullAfter?: number } = {}) {
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
  return { sent, it: new Announcer(repeats, { sender, linkOf: () => options.link ?? LINK }) };
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

  it('are not made where neighbours are not resolved', () => {
    const { sent, it: announcing } = announcer([10], { link: { ...LINK, resolves: false } });
    announcing.announce([standing(1)]);
    vi.advanceTimersByTime(100);
    expect(sent).toEqual([]);
  });
});

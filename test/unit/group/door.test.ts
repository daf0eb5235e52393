import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ADMISSION } from '../../../src/group/admission.ts';
import { Door } from '../../../src/group/door.ts';

describe('the door', () => {
  let told: { readonly share: number; readonly exempt: readonly string[] }[];
  let throngs: number;
  let now: number;
  let door: Door;

  beforeEach(() => {
    vi.useFakeTimers();
    [told, throngs, now] = [[], 0, 0];
    door = new Door({
      clock: () => now,
      expects: (address) => address.startsWith('10.0.'),
      expected: () => ['10.0.0.1'],
      thronged: () => {
        throngs += 1;
      },
    });
    const letThrough = (share: number, exempt: readonly string[]) => void told.push({ share, exempt });
    door.open({ port: 1, letThrough, close: () => undefined });
  });

  afterEach(() => {
    door.close();
    vi.useRealTimers();
  });

  /** So many callers of one stranger a window, for so many windows. */
  function windows(callers: number, count: number): void {
    for (let window = 0; window < count; window += 1) {
      for (let caller = 0; caller < callers; caller += 1) {
        if (door.admit('10.9.9.9') === 'admitted') door.release('10.9.9.9');
      }
      now += 250;
      vi.advanceTimersByTime(250);
    }
  }

  test('bothers the kernel only when strangers come in throngs, and names who is not to be touched', () => {
    windows(20, 20);
    expect(told).toEqual([]);
    windows(5000, 4);
    expect(throngs).toBe(1);
    expect(told.at(-1)!.share).toBeLessThan(0.01);
    expect(told.at(-1)!.exempt).toEqual(['10.0.0.1']);
    expect(door.admit('10.0.0.1')).toBe('admitted');
  });

  test('lets everybody through again when it is over, and tells of the next throng', () => {
    windows(5000, 2);
    windows(0, 40);
    expect(told.at(-1)!.share).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    windows(5000, 2);
    expect(throngs).toBe(2);
  });

  test('does not count those it lets in', () => {
    for (let round = 0; round < 20; round += 1) {
      for (let source = 0; source < 50; source += 1) {
        for (let caller = 0; caller < ADMISSION.per_second / 4; caller += 1) {
          expect(door.admit(`10.0.1.${source}`)).toBe('admitted');
          door.release(`10.0.1.${source}`);
        }
      }
      now += 250;
    }
    door.admit('10.9.9.9');
    expect(told).toEqual([]);
  });
});

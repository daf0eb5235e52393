import { describe, expect, it } from 'vitest';
import { AwakeClock } from '../../../src/membership/awake-clock.ts';
import { Hold } from '../../../src/membership/hold.ts';

describe('AwakeClock', () => {
  it('runs with real time while calls come when asked', () => {
    const clock = new AwakeClock(50);
    expect(clock.read(100, 100)).toBe(100);
    expect(clock.read(190, 150)).toBe(190);
  });

  it('stands still for the time a call came late', () => {
    const clock = new AwakeClock(50);
    expect(clock.read(1_100, 100)).toBe(100);
    expect(clock.real(150)).toBe(1_150);
  });

  it('does not discount one stall twice when the driver tells it too', () => {
    const clock = new AwakeClock(50);
    clock.read(1_100, 100);
    expect(clock.read(1_100, 1_120, 1_000)).toBe(100);
    expect(clock.read(1_200, 1_300, 0)).toBe(200);
  });

  it('believes a driver that was late by less than the tolerance', () => {
    const clock = new AwakeClock(50);
    expect(clock.read(120, 100, 20)).toBe(100);
  });
});

describe('Hold', () => {
  it('lets the first link count at once', () => {
    const hold = new Hold(250);
    hold.returned(10);
    expect(hold.over(10)).toBe(true);
  });

  it('doubles with each loss, up to 64 times', () => {
    const hold = new Hold(250);
    const waits = Array.from({ length: 9 }, () => {
      hold.lost(0);
      hold.returned(1_000);
      return hold.end() - 1_000;
    });
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
  });

  it('forgives one loss for each 60 holds of steady time', () => {
    const hold = new Hold(250);
    for (let i = 0; i < 4; i++) hold.lost(0);
    hold.lost(45_000);
    expect(hold.end() - 45_000).toBe(500);
  });
});

import { describe, expect, test } from 'vitest';
import { ADMISSION, Admission } from '../../../src/group/admission.ts';

describe('admission', () => {
  test('one source gets so many places, and a place again when one is free', () => {
    const admission = new Admission();
    for (let count = 0; count < ADMISSION.per_source_max; count += 1) {
      expect(admission.admit('10.0.0.1', 0, false)).toBe('admitted');
    }
    expect(admission.admit('10.0.0.1', 0, false)).toBe('too-many-from-source');
    expect(admission.admit('10.0.0.2', 0, false)).toBe('admitted');
    admission.release('10.0.0.1');
    expect(admission.admit('10.0.0.1', 0, false)).toBe('admitted');
  });

  test('a house full of strangers still has a place for a configured peer', () => {
    const admission = new Admission();
    for (let count = 0; count < ADMISSION.total_max; count += 1) {
      expect(admission.admit(`10.1.0.${count}`, 0, false)).toBe('admitted');
    }
    expect(admission.admit('10.2.0.1', 0, false)).toBe('too-many');
    expect(admission.admit('10.2.0.1', 0, true)).toBe('admitted');
  });

  test('a burst is used up, and comes back with time', () => {
    const admission = new Admission();
    const come = (now: number): string => {
      const verdict = admission.admit('10.0.0.1', now, true);
      if (verdict === 'admitted') admission.release('10.0.0.1');
      return verdict;
    };
    for (let count = 0; count < ADMISSION.burst; count += 1) expect(come(0)).toBe('admitted');
    expect(come(0)).toBe('too-fast');
    expect(come(1000 / ADMISSION.per_second)).toBe('admitted');
    expect(come(1000 / ADMISSION.per_second)).toBe('too-fast');
  });

  test('ever new sources are slowed down together, and a configured peer is not', () => {
    const admission = new Admission();
    const come = (count: number, now: number, expected = false): string => {
      const address = `fd00::${now.toString(16)}:${count.toString(16)}`;
      const verdict = admission.admit(address, now, expected);
      if (verdict === 'admitted') admission.release(address);
      return verdict;
    };
    const burst = Array.from({ length: ADMISSION.strangers_burst + 50 }, (_, count) => come(count, 0));
    expect(burst.filter((verdict) => verdict === 'admitted')).toHaveLength(ADMISSION.strangers_burst);
    expect(burst.at(-1)).toBe('too-fast-in-total');
    expect(come(9999, 0, true)).toBe('admitted');
    const later = Array.from({ length: 300 }, (_, count) => come(count, 1000));
    expect(later.filter((verdict) => verdict === 'admitted')).toHaveLength(ADMISSION.strangers_per_second);
  });

  test('ever new sources do not make it grow without bound or forget those that wait', () => {
    const admission = new Admission();
    for (let count = 0; count < ADMISSION.per_source_max; count += 1) admission.admit('10.0.0.1', 0, false);
    for (let count = 0; count < 10_000; count += 1) {
      const address = `10.9.${count >> 8}.${count & 255}`;
      if (admission.admit(address, count, false) === 'admitted') admission.release(address);
    }
    expect(admission.admit('10.0.0.1', 10_000, false)).toBe('too-many-from-source');
  });
});

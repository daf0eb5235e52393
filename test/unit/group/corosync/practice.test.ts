import { describe, expect, it } from 'vitest';
import { CHANGES, ChangePractice, SLICE } from '../../../../src/group/corosync/practice.ts';

const settings = { cluster: 'test', cpgGroup: 'g', decrees: true };

describe.each([true, false])('practice of changes, corosync decides: %s', (decrees) => {
  it('makes a view of all that are there, at each change, and is over some time', () => {
    let now = 0;
    // Each step takes a millisecond.
    const clock = () => (now += 1);
    const practice = new ChangePractice({ ...settings, decrees }, clock);
    let turns = 0;
    for (let before = now; !practice.isOver; before = now) {
      practice.turn();
      turns += 1;
      expect(now - before).toBeLessThanOrEqual(SLICE + 2);
      expect(turns).toBeLessThan(CHANGES * 100);
    }
    // One, two, three; then two and three again and again.
    expect(practice.views).toBe(1 + 2 + 3 + CHANGES * (2 + 3));
    const { views } = practice;
    practice.turn();
    expect(practice.views).toBe(views);
  });
});

describe('practice of changes', () => {
  it('breaks off where something is wrong, and nobody hears of it', () => {
    let calls = 0;
    const clock = () => {
      calls += 1;
      if (calls > 3) throw new Error('no clock');
      return calls;
    };
    const practice = new ChangePractice(settings, clock);
    practice.turn();
    expect(practice.isOver).toBe(true);
  });
});

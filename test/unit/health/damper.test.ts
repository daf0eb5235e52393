import { describe, expect, it } from 'vitest';
import { Damper } from '../../../src/health/damper.ts';
import { NO_RESULT } from '../../../src/model/health.ts';

const SETTINGS = { rise: 2, fall: 3, hold_ms: 1000 };
const good = { ok: true, detail: 'fine' };
const bad = (detail = 'exit status 1') => ({ ok: false, detail });

/** Results one after the other, 100 ms apart unless said; the instants at which the verdict changed. */
function play(
  damper: Damper,
  results: readonly { ok: boolean; detail: string }[],
  { from = 0, every = 100 } = {},
): number[] {
  return results.flatMap((result, index) => {
    const now = from + index * every;
    return damper.take(result, SETTINGS, now) ? [now] : [];
  });
}

describe('damper', () => {
  it('fails until there is a result, and believes the first one', () => {
    const damper = new Damper();
    expect(damper.failing).toBe(NO_RESULT);
    expect(play(damper, [good])).toEqual([0]);
    expect(damper.failing).toBeUndefined();
    const broken = new Damper();
    play(broken, [bad('refused')]);
    expect(broken.failing).toBe('refused');
  });

  it('fails after so many bad results in a row, with the reason of the last of them', () => {
    const damper = new Damper();
    expect(play(damper, [good, bad(), bad(), good, bad(), bad(), bad('the third')])).toEqual([0, 600]);
    expect(damper.failing).toBe('the third');
  });

  it('passes after so many good results and as long as it has to hold', () => {
    const damper = new Damper();
    play(damper, [bad()]);
    const goods = Array.from({ length: 30 }, () => good);
    expect(play(damper, goods, { from: 1000 })).toEqual([2000]);
  });

  it('does not pass on one good result, however long the hold is over', () => {
    const damper = new Damper();
    play(damper, [bad()]);
    expect(play(damper, [good, bad(), good, bad()], { from: 1000, every: 5000 })).toEqual([]);
  });

  it('holds twice as long with each relapse, and forgets after a while in good health', () => {
    const damper = new Damper();
    const wait = (from: number) => {
      play(damper, [bad(), bad(), bad()], { from });
      const goods = Array.from({ length: 100 }, () => good);
      return play(damper, goods, { from: from + 300 })[0]! - from - 300;
    };
    play(damper, [good]);
    // It has not passed for long: a relapse already.
    expect(wait(1000)).toBe(2000);
    expect(wait(20_000)).toBe(4000);
    expect(wait(200_000)).toBe(1000);
  });
});

import { describe, expect, it } from 'vitest';
import { eachText, ratioText, summarize, summaryText } from '../../bench/statistics.ts';

describe('statistics of the bench', () => {
  it('take the middle value, or the mean of the two middle ones', () => {
    expect(summarize([3, 1, 20])).toEqual({ median: 3, min: 1, max: 20, count: 3 });
    expect(summarize([4, 1, 20, 2])).toMatchObject({ median: 3 });
    expect(summarize([])).toBeUndefined();
  });

  it('are written shortly', () => {
    expect(summaryText(summarize([288.6, 240, 310.2]))).toBe('289 [240–310]');
    expect(summaryText(summarize([0, 1.25, 2]))).toBe('1.3 [0–2]');
    expect(summaryText(summarize([0.0312]))).toBe('0.031 [0.031–0.031]');
    expect(summaryText(undefined)).toBe('–');
  });

  it('show every run, and which had no value', () => {
    expect(eachText([91.4, undefined, 5.25, true])).toBe('91 – 5.3 1');
  });

  it('give a ratio only where there is one', () => {
    expect(ratioText(summarize([10]), summarize([155]))).toBe('16 ×');
    expect(ratioText(summarize([100]), summarize([150]))).toBe('1.5 ×');
    expect(ratioText(summarize([0]), summarize([150]))).toBe('–');
  });
});

import { describe, expect, test } from 'vitest';
import { ChangeFeed } from '../../../src/commander/change-feed.ts';
import { formatAge, formatSince, printable } from '../../../src/commander/format.ts';
import { painter } from '../../../src/commander/paint.ts';
import { cut, renderTable } from '../../../src/commander/table.ts';
import { statusExample } from '../control/status-example.ts';

test.each([
  [-5, '0s'],
  [999, '0s'],
  [12_345, '12s'],
  [192_000, '3m 12s'],
  [7_500_000, '2h 05m'],
  [273_600_000, '3d 4h'],
])('formatAge(%d) is %s', (age, text) => {
  expect(formatAge(age)).toBe(text);
});

describe('formatSince', () => {
  const now = Date.parse('2026-01-02T12:00:00Z');
  test('gives the date only of other days, and any text for what is no time', () => {
    expect(formatSince('2026-01-02T11:59:00.500Z', now)).toBe('11:59:00Z (59s)');
    expect(formatSince('2026-01-01T12:00:00Z', now)).toBe('2026-01-01 12:00:00Z (1d 0h)');
    expect(formatSince('soon', now)).toBe('soon');
  });
});

test('printable leaves letters of all scripts and replaces what steers a terminal', () => {
  expect(printable('Zürich → 東京')).toBe('Zürich → 東京');
  expect(printable('a\u001b[2J\nb\u202ec')).toBe('a\uFFFD[2J\uFFFDb\uFFFDc');
});

describe('renderTable', () => {
  const paint = painter(false);
  const rows = [
    ['x', '', 'long text that goes on'],
    ['yy', '', 'z'],
  ].map((row) => ({ cells: row.map((text) => ({ text })) }));

  test('leaves out empty columns and aligns the others', () => {
    expect(renderTable(['a', 'b', 'c'], rows, { paint })).toEqual([
      '  a   c',
      '  x   long text that goes on',
      '  yy  z',
    ]);
  });

  test('cuts where the terminal ends', () => {
    expect(renderTable(['a', 'b', 'c'], rows, { paint, width: 12 })).toEqual([
      '  a   c',
      '  x   long …',
      '  yy  z',
    ]);
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abcd', 3)).toBe('ab…');
    expect(cut('abc', 0)).toBe('');
  });
});

test('ChangeFeed tells everything again when its last change was pushed out', () => {
  const change = (n: number) => ({ at: String(n), what: 'w', reason: 'r' });
  const feed = new ChangeFeed();
  const news = (...numbers: number[]) => feed.news(statusExample({ changes: numbers.map(change) }));
  expect(feed.first).toBe(true);
  expect(news(1, 2)).toEqual(['1 w: r', '2 w: r']);
  expect(news(1, 2)).toEqual([]);
  expect(news(2, 3)).toEqual(['3 w: r']);
  expect(news(7, 8)).toEqual(['7 w: r', '8 w: r']);
  expect(feed.first).toBe(false);
});

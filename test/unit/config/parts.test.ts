import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../../src/config/duration.ts';
import { formatPath } from '../../../src/config/problem.ts';
import { EXPANSION_MAX, expandRange } from '../../../src/config/ranges.ts';
import { sha256Hex } from '../../../src/config/sha256.ts';
import { editDistance, suggest } from '../../../src/config/suggest.ts';

describe('parseDuration', () => {
  test.each([
    ['250ms', 250],
    ['3s', 3000],
    ['1.5s', 1500],
    ['1.001s', 1001],
    ['10m', 600_000],
    ['2h', 7_200_000],
  ])('%s is %d ms', (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  test.each(['3', '', 's', '-3s', '3 s', '3S', '1e3s', '3d', '0x3s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('reads what formatDuration writes', () => {
    fc.assert(fc.property(fc.nat(1e8), (millis) => parseDuration(formatDuration(millis)) === millis));
  });
});

describe('expandRange', () => {
  const texts = (pattern: string) => {
    const result = expandRange(pattern);
    return result.ok ? result.texts : result.what;
  };

  test('expands, keeps leading zeros and leaves plain text alone', () => {
    expect(texts('web-{1..3}')).toEqual(['web-1', 'web-2', 'web-3']);
    expect(texts('{08..10}x')).toEqual(['08x', '09x', '10x']);
    expect(texts('10.0.0.1')).toEqual(['10.0.0.1']);
  });

  test('refuses what it cannot read, what runs downwards and what is too long', () => {
    expect(texts('{3..1}')).toMatch('runs downwards');
    expect(texts('{1..2}{1..2}')).toMatch('not a range');
    expect(texts('{a..b}')).toMatch('not a range');
    expect(texts(`{1..${EXPANSION_MAX}}`)).toHaveLength(EXPANSION_MAX);
    expect(texts(`{0..${EXPANSION_MAX}}`)).toMatch('stands for 10001 names');
    expect(texts('{1..999999999}')).toMatch('stands for 999999999 names');
  });
});

test('sha256Hex agrees with the platform', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
      expect(sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
    }),
  );
});

describe('suggest', () => {
  test('finds slips of the finger and nothing far-fetched', () => {
    expect(suggest('weigth', ['weight', 'policy'])).toBe('weight');
    expect(suggest('intreface', ['interface'])).toBe('interface');
    expect(suggest('Vips', ['vips'])).toBe('vips');
    expect(suggest('colour', ['weight', 'policy'])).toBeUndefined();
    expect(suggest('x'.repeat(1000), ['weight'])).toBeUndefined();
  });

  test('editDistance counts a swap of neighbours once', () => {
    expect(editDistance('weigth', 'weight')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });
});

test('formatPath quotes names that would read as several keys', () => {
  expect(formatPath(['vips', 'web-{1..3}', 'addresses', 0])).toBe('vips.web-{1..3}.addresses[0]');
  expect(formatPath(['group', 'peers', 'a.example'])).toBe('group.peers."a.example"');
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processorTime } from '../../processor-time.ts';
import { configOf, file, parse } from './parse-text.ts';

describe('parseConfig of hostile text', () => {
  test('never throws and always says where', () => {
    const fragments = fc.constantFrom(
      'cluster',
      'group',
      'vips',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '!!x ',
      '"',
      "'",
      '|',
      '{1..9}',
      '10.0.0.1',
      '?',
      '<<',
      '\u0000',
      '\t',
      '#',
      '1e999',
      '.nan',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fragments, fc.string({ maxLength: 5 })), { maxLength: 40 }), (parts) => {
        const result = parse(parts.join(''));
        expect(result.ok).toBe(false);
        for (const { line, column } of result.ok ? [] : result.problems)
          expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test('any JSON in the place of any section is refused or read, never thrown at', () => {
    const section = fc.constantFrom(
      'cluster',
      'member',
      'group',
      'providers',
      'vips',
      'agent',
      'quorum',
      'control',
      'log',
      'balance',
      'capacity',
      'policy',
    );
    fc.assert(
      fc.property(section, fc.jsonValue({ maxDepth: 4 }), (name, value) => {
        expect(typeof parse(file({ [name]: JSON.stringify(value) })).ok).toBe('boolean');
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['nested brackets', '['.repeat(50_000)],
    ['nested lists', '- '.repeat(20_000)],
    [
      'aliases that multiply',
      Array.from(
        { length: 30 },
        (_, i) => `k${i}: &k${i} [${i === 0 ? 'x' : `*k${i - 1}, *k${i - 1}`}]`,
      ).join('\n'),
    ],
    ['an alias of itself', 'cluster: &x [*x]'],
    ['20,000 keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['too much text', '#'.repeat(5 * 1024 * 1024)],
  ])('%s are refused within seconds', (_, text) => {
    const before = processorTime();
    expect(parse(text).ok).toBe(false);
    expect(processorTime() - before).toBeLessThan(5000);
  });

  test('a file of 1,000 VIPs in the long form is read within a generous second', () => {
    const entry = (i: number) =>
      `  w${i}: { addresses: [10.${i >> 8}.${i & 255}.1/24, "2001:db8::${i + 1}"], prefer: [a] }`;
    const text = file({ vips: `\n${Array.from({ length: 1000 }, (_, i) => entry(i)).join('\n')}` }).replace(
      '10.0.0.1,',
      '10.200.0.1,',
    );
    const before = processorTime();
    expect(configOf(text.replace('10.0.0.1/24', '10.250.0.1/24')).vips).toHaveLength(1000);
    expect(processorTime() - before).toBeLessThan(1000);
  });
});

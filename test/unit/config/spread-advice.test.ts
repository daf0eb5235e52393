import { describe, expect, test } from 'vitest';
import { adviseSpread, type SpreadAdvice } from '../../../src/config/spread-advice.ts';

const SEGMENT = 'Spread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n}\n';

function adviceOf(text: string): SpreadAdvice {
  const result = adviseSpread(text);
  if (!result.ok) throw new Error(result.what);
  return result.advice;
}

describe('adviseSpread', () => {
  test('says what the defaults give, and what would be faster', () => {
    const advice = adviceOf(SEGMENT);
    expect(advice).toMatchObject({
      source: 'defaults of one segment',
      failover: { shortest: 2500, longest: 3000 },
      merge: 31_250,
      restart: 1750,
      daemonTimeout: 9000,
      warnings: [],
    });
    expect(advice.lines).toContain('TokenTimeout = 125');
    expect(adviceOf(`${SEGMENT}${advice.lines!.join('\n')}`)).toMatchObject({
      source: 'file',
      failover: { shortest: 250, longest: 300 },
      daemonTimeout: 2000,
    });
    expect(adviceOf(`${SEGMENT}${advice.lines!.join('\n')}`).lines).toBeUndefined();
  });

  test('knows the defaults of several segments', () => {
    expect(adviceOf(SEGMENT + SEGMENT)).toMatchObject({
      source: 'defaults of several segments',
      failover: { shortest: 6500, longest: 8000 },
    });
    expect(adviceOf(`${SEGMENT + SEGMENT}WideAreaNetwork = false`)).toMatchObject({
      source: 'defaults of one segment',
    });
    expect(adviceOf(`${SEGMENT}WideAreaNetwork = true`)).toMatchObject({
      source: 'defaults of several segments',
    });
  });

  test('warns of a ring that an ordinary stall splits', () => {
    const lines = adviceOf(SEGMENT).lines!.map((line) =>
      line.replace(/= (\d+)/, (_, value: string) => `= ${Math.ceil(Number(value) / 10)}`),
    );
    expect(adviceOf(lines.join('\n')).warnings[0]).toContain('TokenTimeout = 13');
  });

  test('is not fooled by comments', () => {
    expect(adviceOf(`${SEGMENT}# TokenTimeout = 5\n`).source).toBe('defaults of one segment');
  });

  test.each([
    ['TokenTimeout = 100', 1, 'HurryTimeout, AliveTimeout'],
    ['\nTokenTimeout = 1.5', 2, 'TokenTimeout = "1.5" is no number of milliseconds'],
    ['TokenTimeout = 0', 1, 'TokenTimeout = "0"'],
  ])('%j is wrong in line %i: %s', (text, line, what) => {
    expect(adviseSpread(text)).toMatchObject({
      ok: false,
      line,
      what: expect.stringContaining(what) as string,
    });
  });
});

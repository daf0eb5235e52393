import { describe, expect, test } from 'vitest';
import { adviseSpread, type SpreadAdvice } from '../../../src/config/spread-advice.ts';

const SEGMENT = 'SocketPortReuse = ON\nSpread_Segment 10.0.0.255:4803 {\n a 10.0.0.1\n}\n';

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
      daemon: '4803@localhost',
      warnings: [],
    });
    expect(advice.older).toBeUndefined();
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

  test('knows that versions 4 and 5 take other defaults for several segments of one network', () => {
    expect(adviceOf(SEGMENT + SEGMENT).older).toMatchObject({
      source: 'defaults of one segment',
      failover: { longest: 3000 },
    });
    const far = SEGMENT + SEGMENT.replace('a 10.0.0.1', 'b 10.9.0.1');
    expect(adviceOf(far)).toMatchObject({ source: 'defaults of several segments' });
    expect(adviceOf(far).older).toBeUndefined();
  });

  test('says how agents reach the daemon, and what keeps them out', () => {
    const only = SEGMENT.replace('a 10.0.0.1', 'a 10.0.0.1 { D 10.0.0.1 C 10.0.0.1 }');
    expect(adviceOf(only).daemon).toContain('4803@ADDRESS');
    expect(adviceOf(SEGMENT.replace('4803', '5000')).daemon).toBe('5000@localhost');
    const text = `Spread_Segment 10.0.0.255 { this-name-is-too-long 10.0.0.1 }
      AllowedAuthMethods = PWORD AccessControlPolicy = "STRICT" MaxSessionMessages = 10 WideAreaNetwork = no`;
    const { warnings } = adviceOf(text);
    for (const word of [
      'PWORD',
      'STRICT',
      'MaxSessionMessages = 10',
      'SocketPortReuse',
      'too-long',
      'version 5',
    ])
      expect(warnings.filter((warning) => warning.includes(word))).toHaveLength(1);
    expect(warnings).toHaveLength(6);
    expect(adviceOf('').warnings).toContain('the file names no daemon');
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
    ['\nTokenTimeout = 1.5', 2, 'TokenTimeout = "1.5": not a whole number from 1 on'],
    ['TokenTimeout = 0', 1, 'TokenTimeout = "0"'],
  ])('%j is wrong in line %i: %s', (text, line, what) => {
    expect(adviseSpread(text)).toMatchObject({
      ok: false,
      line,
      what: expect.stringContaining(what) as string,
    });
  });
});

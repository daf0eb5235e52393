/** Reading spread.conf: what daemons take is taken, what they refuse is refused with the line. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSpreadConf, type SpreadConf } from '../../../src/config/spread-conf.ts';

const EVERYTHING = readFileSync(new URL('../../fixtures/spread/everything.conf', import.meta.url), 'utf8');

function confOf(text: string): SpreadConf {
  const result = readSpreadConf(text);
  if (!result.ok) throw new Error(`${result.line}: ${result.what}`);
  return result.conf;
}

describe('readSpreadConf', () => {
  test('reads every setting, over lines, with comments, quotes and repetitions', () => {
    const { settings, onlyIn } = confOf(EVERYTHING);
    const value = (keyword: string) => settings.get(keyword)?.value;
    expect(value('EventLogFile')).toBe('/var/log/spread # not a comment.log');
    expect(value('TokenTimeout')).toBe('2500');
    expect(settings.get('LookupTimeout')).toEqual({ value: '20000', line: 46 });
    expect(value('PersonalWindow')).toBe('20');
    expect(value('DebugFlags')).toBe('PRINT EXIT !DATA_LINK');
    expect(settings.size).toBe(30);
    expect(onlyIn.map(({ keyword, version }) => `${keyword} ${version}`)).toEqual([
      'ActiveIPVersion 5',
      'ExcludeSegAddrsFromHash 5',
      'IgnoreMulticastJoinErrors 5',
    ]);
  });

  test('reads segments as the daemon does: a name takes the address that follows it, on whatever line', () => {
    expect(confOf(EVERYTHING).segments).toEqual([
      {
        address: '10.1.255.255',
        port: 4903,
        daemons: [
          { name: 'zed', address: '10.1.0.1', clientAddresses: ['127.0.0.1', '10.1.0.1'] },
          { name: '10.1.0.2', address: '10.1.0.2' },
          { name: 'mid' },
          { name: '10.1.0.4', address: '10.1.0.4' },
          { name: 'VirtualDaemon', address: '10.1.0.5' },
        ],
      },
      { address: '10.2.255.255', port: 4903, daemons: [{ name: 'abe', address: '10.2.0.1' }] },
    ]);
  });

  test('knows IPv6, with and without port and interface', () => {
    const { segments } = confOf(
      'Spread_Segment [ff02::1:2%eth0]:5000 { a fd00::1 }\nSpread_Segment ff02::1 { b ::1 }',
    );
    expect(segments).toEqual([
      { address: 'ff02::1:2%eth0', port: 5000, daemons: [{ name: 'a', address: 'fd00::1' }] },
      { address: 'ff02::1', port: 4803, daemons: [{ name: 'b', address: '::1' }] },
    ]);
  });

  test('knows what version 4 alone takes', () => {
    const text = 'DebugInitialSequence\nLinkProtocol = Hop\nRouteMatrix {\n1 2\n2 1\n}\n';
    expect(confOf(text).onlyIn.map(({ line, version }) => [line, version])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
    ]);
  });

  test.each([
    ['TokenTimeout=500', 1, 'write blanks around "=": TokenTimeout = …'],
    ['\ntokentimeout = 500', 2, 'write it as TokenTimeout'],
    ['\n\nTokenTimout = 500', 3, 'drop it, or mend its spelling'],
    ['Spread_Segment host { a }', 1, 'Spread_Segment 10.0.0.255:4803 {'],
    ['Spread_Segment 10.0.0.255 {\n a 10.0.0.1\n', 3, 'write "}" behind its daemons'],
    ['Spread_Segment 10.0.0.255 { a 10.0.0.1\n TokenTimeout = 5 }', 2, 'write "}" before it'],
    ['Spread_Segment 10.0.0.255 { a 10.0.0.1 { X 10.0.0.1 } }', 1, 'write addresses'],
    ['SocketPortReuse = yes', 1, 'write ON, OFF or AUTO'],
    ['WideAreaNetwork = 1', 1, 'write true or false'],
    ['DaemonUser\n', 2, 'write "=" there'],
    ['DebugFlags = { ALL', 1, 'write "}" behind it'],
  ])('%j is refused in line %i', (text, line, mend) => {
    expect(readSpreadConf(text)).toMatchObject({
      ok: false,
      line,
      mend: expect.stringContaining(mend) as string,
    });
  });

  test('never throws', () => {
    const words = fc.constantFrom(...EVERYTHING.split(/(\s+)/), '[', ']', '"', "'", '#', '{', '}', '=');
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (parts) => {
        const result = readSpreadConf(parts.join(''));
        expect(result.ok || (result.what !== '' && result.mend !== '' && result.line >= 1)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

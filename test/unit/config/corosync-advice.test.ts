/** What a corosync.conf gives. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adviseCorosync } from '../../../src/config/corosync-advice.ts';
import { readCorosyncConf } from '../../../src/config/corosync-conf.ts';

const node = (number: number): string => `node {\nring0_addr: 10.0.0.${number}\nnodeid: ${number}\n}`;
const conf = (totem: string, { nodes = 3, quorum = 'provider: corosync_votequorum' } = {}): string =>
  `totem {\nversion: 2\ncrypto_hash: sha256\n${totem}\n}\nnodelist {\n${Array.from({ length: nodes }, (_, index) => node(index + 1)).join('\n')}\n}\nquorum {\n${quorum}\n}\n`;

function advice(text: string) {
  const result = adviseCorosync(text);
  if (!result.ok) throw new Error(`${result.line}: ${result.what}`);
  return result.advice;
}

describe('advice for corosync.conf', () => {
  test.each([
    ['', 2, 3000, 3600],
    ['', 3, 3650, 4380],
    ['', 5, 4950, 5940],
    ['token: 1000', 2, 1000, 1200],
    ['token: 300', 3, 950, 1140],
    ['token: 300\ntoken_coefficient: 0', 16, 300, 360],
    ['token: 700\ntoken_coefficient: 0\nconsensus: 900', 3, 700, 900],
  ])('%j with %i nodes: token %i, consensus %i', (totem, nodes, ...times) => {
    const [token, consensus] = times;
    const { failover, ...given } = advice(conf(totem, { nodes }));
    expect(given).toMatchObject({ token, consensus });
    expect(failover.longest).toBe(token + consensus);
    expect(failover.shortest).toBeLessThan(failover.longest);
  });

  test('gives lines that make it fast, unless it is', () => {
    expect(advice(conf('')).lines).toEqual(['token: 300', 'token_coefficient: 0', 'consensus: 360']);
    const fast = advice(conf(advice(conf('')).lines!.join('\n')));
    expect(fast.lines).toBeUndefined();
    expect(fast.failover.longest).toBe(660);
    expect(fast.warnings).toEqual([]);
  });

  test.each([
    [conf('token: 300'), 'token is not what is written'],
    [conf('token: 200\ntoken_coefficient: 0'), 'ordinary stalls do'],
    [conf('consensus: 1000'), 'below 1.2 × token'],
    [
      conf('', { nodes: 2, quorum: 'provider: corosync_votequorum\ntwo_node: 1' }),
      'both sides of a cut have quorum',
    ],
    [conf('', { nodes: 2 }), 'stop when either fails'],
    [conf('transport: udpu'), 'no encryption'],
    [conf('crypto_hash: none'), 'whoever reaches the port'],
    [conf('', { nodes: 0 }), 'no nodelist'],
  ])('warns (%#)', (text, warning) => {
    expect(advice(text).warnings.join('\n')).toContain(warning);
  });

  test('says who decides which part is primary', () => {
    expect(advice(conf('')).primary).toBe('votequorum');
    expect(advice(conf('', { quorum: '' })).primary).toContain('the votes of our configuration');
    const device = 'provider: corosync_votequorum\ntwo_node: 1\ndevice {\nmodel: net\n}';
    expect(advice(conf('', { quorum: device })).primary).toBe(
      'votequorum with a device (net), two_node, wait_for_all',
    );
  });

  test('counts how long a ring waits for its device', () => {
    const quorum = (more: string) => `provider: corosync_votequorum\ndevice {\nmodel: net\n${more}}`;
    const times = 'token: 300\nconsensus: 360';
    const told = (more: string) => advice(conf(times, { quorum: quorum(more) }));
    const without = advice(conf(times));
    expect(told('').daemonTimeout).toBe(without.daemonTimeout + 30_000);
    expect(told('sync_timeout: 3000\n').daemonTimeout).toBe(without.daemonTimeout + 3000);
    expect(told('sync_timeout: 3000\n').warnings.join(' ')).toContain('waits for its word, 3000 ms at most');
    expect(without.warnings.join(' ')).not.toContain('its word');
  });

  test.each([
    ['totem {\ntoken: soon\n}', 2, 'not a whole number'],
    ['quorum {\ndevice {\nsync_timeout: 3s\n}\n}', 3, 'quorum.device.sync_timeout: 3s is not a whole number'],
    ['totem {\ntoken: 100\n}', 2, 'starts with 30 at least'],
    ['totem {\nconsensus: 40\n}', 2, 'below join'],
    ['totem {', 1, 'the section totem is not closed'],
    ['}', 1, 'closes nothing'],
    ['totem { version: 2 }', 1, 'words behind {'],
    ['{\n}', 1, 'without a name'],
    ['# fine\ntotem', 2, 'neither a section nor KEY: VALUE'],
    ['totem {\n} end', 2, 'words beside }'],
    [': 5', 1, 'a value without a key'],
  ])('%j: line %i, %s', (text, line, what) => {
    expect(adviseCorosync(text)).toMatchObject({
      ok: false,
      line,
      what: expect.stringContaining(what) as string,
    });
  });

  test('never throws', () => {
    const words = fc.constantFrom(
      'totem {',
      '}',
      'node {',
      'nodelist {',
      'token: 300',
      'token',
      ':',
      '{',
      '#',
      '\u00a0',
      'x: y',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (lines) => {
        adviseCorosync(lines.join('\n'));
      }),
    );
  });

  test('reads the last of two, comments and blanks as corosync does', () => {
    const read = readCorosyncConf('  # totem {\n\ttotem\t{\n token : 5\n\u00a0token:\t6 \n }\n');
    expect(read).toMatchObject({ ok: true });
    expect(read.ok && read.conf.settings.get('totem.token')).toEqual({ value: '6', line: 4 });
  });
});

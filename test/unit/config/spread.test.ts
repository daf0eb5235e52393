/** The `group` section where the engine is a Spread daemon. */
import { describe, expect, test } from 'vitest';
import { parseSpreadDaemon } from '../../../src/config/spread-daemon.ts';
import { file, parse, problemsOf, warningsOf } from './parse-text.ts';

function groupOf(group: string): unknown {
  const result = parse(file({ group }));
  return result.ok ? result.config.group : result.problems;
}

describe('group with engine spread', () => {
  test('has defaults that follow from the cluster', () => {
    expect(groupOf('{ engine: spread }')).toEqual({
      engine: 'spread',
      daemon: '4803',
      spread_group: 'wackamole-web',
      connect_timeout_ms: 5000,
      daemon_timeout_ms: 10_000,
      agent_timeout_ms: 3000,
    });
  });

  test('takes what the file says', () => {
    const group =
      '{ engine: spread, daemon: 4803@localhost, spread_group: wack1, members: [a, b], daemon_timeout: 20s }';
    expect(groupOf(group)).toMatchObject({
      daemon: '4803@localhost',
      spread_group: 'wack1',
      members: ['a', 'b'],
      daemon_timeout_ms: 20_000,
    });
    expect(warningsOf(file({ group }))).toEqual([]);
  });

  test('takes a port that YAML reads as a number', () => {
    expect(groupOf('{ engine: spread, daemon: 4999 }')).toMatchObject({ daemon: '4999' });
  });

  test('counts the votes of its members, and asks for a number where it does not know them', () => {
    const known = parse(file({ group: '{ engine: spread, members: [a, b, c] }', policy: 'primary' }));
    expect(known).toMatchObject({ ok: true, config: { quorum: { expected_votes: 3 } } });
    expect(problemsOf(file({ group: '{ engine: spread }', policy: 'primary' }))).toEqual([
      '1:1 quorum: policy `primary` with members that the file does not name needs to know how many votes there may be',
    ]);
  });

  test.each([
    ['{ engine: spread, daemon: localhost }', '2:34 group.daemon: "localhost" names no Spread daemon'],
    ['{ engine: spread, daemon: "70000" }', '2:27 group.daemon: port of "70000" is out of range'],
    [
      '{ engine: spread, spread_group: "a b" }',
      '2:33 group.spread_group: "a b" cannot be the name of a Spread group',
    ],
    ['{ engine: spread, members: [a, a] }', '2:32 group.members[1]: a stands here twice'],
    [
      '{ engine: spread, key_file: k }',
      '2:19 group.key_file: belongs to engine embedded, and this is spread',
    ],
    [
      '{ engine: spread, timers: { link_hold: 1s } }',
      '2:19 group.timers: belongs to engine embedded, and this is spread',
    ],
    [
      '{ peers: { a: 10.0.0.1 }, key_file: k, daemon: "4803" }',
      '2:40 group.daemon: belongs to engine spread, and this is embedded',
    ],
    ['{ engine: totem }', ''],
  ])('%s is wrong: %s', (group, problem) => {
    const problems = problemsOf(file({ group }));
    if (problem === '') expect(problems).toHaveLength(1);
    else
      expect(problems.map((text) => text.replace(/^\d+:\d+ /, ''))).toContain(
        problem.replace(/^\d+:\d+ /, ''),
      );
  });

  test('needs a short name where the cluster has a long one', () => {
    const cluster = 'x'.repeat(40);
    expect(problemsOf(file({ cluster, group: '{ engine: spread }' }))[0]).toContain(
      'cannot be the name of a Spread group',
    );
  });

  test('warns of a member that is not among them', () => {
    expect(warningsOf(file({ group: '{ engine: spread, members: [b, c] }' }))).toEqual([
      'group.members: this member, a, is not among them',
    ]);
  });
});

describe('parseSpreadDaemon', () => {
  test.each([
    ['', { kind: 'unix', path: '/tmp/4803' }],
    ['4803', { kind: 'unix', path: '/tmp/4803' }],
    ['4999', { kind: 'unix', path: '/tmp/4999' }],
    ['4803@host', { kind: 'tcp', host: 'host', port: 4803 }],
    ['4803@10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 4803 }],
    ['4803@[2001:db8::1]', { kind: 'tcp', host: '2001:db8::1', port: 4803 }],
    ['4803@2001:db8::1', { kind: 'tcp', host: '2001:db8::1', port: 4803 }],
    ['/run/spread/4803', { kind: 'unix', path: '/run/spread/4803' }],
  ])('%j', (text, daemon) => {
    expect(parseSpreadDaemon(text)).toEqual({ ok: true, daemon });
  });

  test.each([
    'host',
    '0',
    '65536',
    '4803@',
    '4803@a b',
    'x@host',
    '@host',
    '4803 ',
    `/${'x'.repeat(107)}`,
    '/a\0b',
  ])('%j names no daemon', (text) => {
    expect(parseSpreadDaemon(text)).toMatchObject({ ok: false });
  });
});

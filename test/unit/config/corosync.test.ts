/** The `group` section where the engine is corosync. */
import { describe, expect, test } from 'vitest';
import { file, parse, problemsOf, warningsOf } from './parse-text.ts';

function groupOf(group: string): unknown {
  const result = parse(file({ group }));
  return result.ok ? result.config.group : result.problems;
}

describe('group with engine corosync', () => {
  test('has defaults that follow from the cluster', () => {
    expect(groupOf('{ engine: corosync }')).toEqual({
      engine: 'corosync',
      cpg_group: 'wackamole-web',
      primary_by: 'corosync',
      connect_timeout_ms: 5000,
      daemon_timeout_ms: 20_000,
      agent_timeout_ms: 3000,
    });
  });

  test('takes what the file says', () => {
    const group =
      '{ engine: corosync, cpg_group: w1, members: [a, b], primary_by: votes, daemon_timeout: 30s }';
    expect(groupOf(group)).toMatchObject({
      cpg_group: 'w1',
      members: ['a', 'b'],
      primary_by: 'votes',
      daemon_timeout_ms: 30_000,
    });
    expect(warningsOf(file({ group }))).toEqual([]);
  });

  test('asks for no votes where corosync decides, and for them where it does not', () => {
    expect(problemsOf(file({ group: '{ engine: corosync }', policy: 'primary' }))).toEqual([]);
    expect(problemsOf(file({ group: '{ engine: corosync, primary_by: votes }', policy: 'primary' }))).toEqual(
      [
        '1:1 quorum: policy `primary` with members that the file does not name needs to know how many votes there may be',
      ],
    );
  });

  test.each([
    [
      '{ engine: corosync, cpg_group: "a b" }',
      'group.cpg_group: "a b" cannot be the name of a closed process group',
    ],
    ['{ engine: corosync, members: [a, a] }', 'group.members[1]: a stands here twice'],
    ['{ engine: corosync, key_file: k }', 'group.key_file: belongs to engine embedded, and this is corosync'],
    ['{ engine: corosync, daemon: 4803 }', 'group.daemon: belongs to engine spread, and this is corosync'],
    ['{ engine: spread, cpg_group: w }', 'group.cpg_group: belongs to engine corosync, and this is spread'],
  ])('%s: %s', (group, problem) => {
    expect(problemsOf(file({ group }))).toEqual([expect.stringContaining(problem)]);
  });
});

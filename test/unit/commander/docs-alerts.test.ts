/** The filters of docs/operations.md: silent over a status that is well, each of them heard over one that is not. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../../src/model/status.ts';
import { statusExample } from '../control/status-example.ts';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const rules = [...page.matchAll(/^\| ([a-z ]+) \| `([^`]+)` \|/gm)].map(
  ([, rule = '', filter = '']) => [rule, filter.replaceAll('\\|', '|')] as const,
);
const NO_JQ = spawnSync('jq', ['--version']).error === undefined ? '' : ' (skipped: jq is not here)';

const [one] = statusExample().members;
const [vip] = statusExample().vips;
const WELL = statusExample({
  members: ['a', 'b', 'c'].map((name) => ({ ...one!, name, problems: [] })),
  vips: [vip!],
  warnings: [],
});
const UNWELL: Readonly<Record<string, Partial<Status>>> = {
  unserved: { vips: [{ ...vip!, state: 'unserved' }] },
  'moving too long': { vips: [{ ...vip!, state: 'releasing' }] },
  'not in the group': { phase: 'detached' },
  outranked: { phase: 'outranked' },
  'no majority': { primary: false },
  'a member is missing': { members: [one!] },
  'a member is not fit': { members: WELL.members.map((member) => ({ ...member, problems: ['no carrier'] })) },
  'a check fails here': { checks: [{ check: 'web', failing: 'refused', last_resort: false }] },
  'a member is drained': { members: WELL.members.map((member) => ({ ...member, draining: true })) },
  'passed over': { vips: [{ ...vip!, passed_over: [{ member: 'b', reason: 'in use' }] }] },
  'something to mend': { warnings: ['clocks differ'] },
};

/** Whether `jq -e` says so. */
function rings(filter: string, status: Status): boolean {
  const { status: code, stderr } = spawnSync('jq', ['-e', filter], {
    input: JSON.stringify(status),
    encoding: 'utf8',
  });
  if (code === null || code > 1) throw new Error(stderr);
  return code === 0;
}

test('there is a bad status for each rule', () => {
  expect(rules.map(([rule]) => rule).toSorted()).toEqual(Object.keys(UNWELL).toSorted());
});

describe.skipIf(NO_JQ !== '')(`alert rules${NO_JQ}`, () => {
  test.each(rules)('%s', (rule, filter) => {
    expect(rings(filter, WELL)).toBe(false);
    expect(rings(filter, { ...WELL, ...UNWELL[rule] })).toBe(true);
  });
});

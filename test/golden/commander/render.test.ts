/** The status as people see it, word for word, at several widths. */
import { describe, expect, test } from 'vitest';
import { renderStatus } from '../../../src/commander/render.ts';
import type { MemberId } from '../../../src/model/member.ts';
import type { MemberStatus, Status, VipStatus } from '../../../src/model/status.ts';
import { statusExample } from '../../unit/control/status-example.ts';

const now = Date.parse('2026-01-02T12:00:00.000Z');

function member(name: string, changes: Partial<MemberStatus> = {}): MemberStatus {
  return {
    ...statusExample().members[0]!,
    name,
    member: `${name}#0000000000000001` as MemberId,
    self: false,
    representative: false,
    ...changes,
  };
}

function vip(name: string, changes: Partial<VipStatus> = {}): VipStatus {
  return { ...statusExample().vips[0]!, vip: name, ...changes };
}

const busy = statusExample({
  members: [
    member('a', { self: true, representative: true, vips: 2 }),
    member('b-with-a-long-name', { draining: true, vips: 1, votes: 2 }),
    member('c', { mature: false, reported: false, vips: 0, capacity: 3 }),
    member('d', {
      vips: 0,
      problems: ['configuration differs (digest fedcba9876543210)', 'eth0 has no carrier'],
    }),
  ],
  vips: [
    vip('web-1'),
    vip('web-2', {
      addresses: ['10.0.0.101/24', '2001:db8::101/64'],
      holder: 'b-with-a-long-name',
      allocated: 'a',
      state: 'releasing',
      since: '2026-01-02T11:59:59.900Z',
      reason: 'b-with-a-long-name is draining',
    }),
    vip('web-3', {
      holder: undefined as never,
      allocated: 'a',
      state: 'acquiring',
      reason: 'takeover: the host of c is silent',
    }),
    vip('mail', {
      holder: undefined as never,
      allocated: undefined as never,
      state: 'unserved',
      since: '2025-12-31T23:00:00.000Z',
      reason: 'no eligible member is left',
      passed_over: [
        { member: 'a', reason: 'acquire failed: eth1 is missing' },
        { member: 'd', reason: 'acquire failed: 52:54:00:12:34:56 answers for 10.0.0.200' },
      ],
    }),
  ],
  peers: [
    { name: 'c', address: '10.0.0.3:4873', stream: 'open', host: 'answers', agent: 'well' },
    {
      name: 'e',
      address: '10.0.0.5:4873',
      stream: 'closed',
      host: 'silent',
      agent: 'unknown',
      problem: 'refused: another cluster key \u001b[31mred',
    },
  ],
  changes: Array.from({ length: 10 }, (_, n) => ({
    at: `2026-01-02T11:59:0${n}.000Z`,
    what: `web-${n} moves to a`,
    reason: 'takeover: process of b is gone',
  })),
  warnings: ['2 members differ in configuration: a and d; copy one file to both and reload'],
});

const alone: Status = statusExample({ phase: 'joining', primary: false, members: [], vips: [] });

describe('renderStatus', () => {
  test.each([
    ['wide', statusExample(), { now, color: false }],
    ['busy', busy, { now, color: false }],
    ['busy-80', busy, { now, color: false, width: 80 }],
    ['busy-color', busy, { now, color: true, width: 120 }],
    ['alone', { ...alone, view: undefined as never }, { now, color: false, width: 80 }],
  ] as const)('%s', async (name, status, options) => {
    await expect(renderStatus(status, options)).toMatchFileSnapshot(`${import.meta.dirname}/${name}.txt`);
  });

  test('never writes a line longer than the terminal, however narrow', () => {
    for (const width of [20, 40, 79, 80, 132]) {
      const [, , ...tables] = renderStatus(busy, { now, color: false, width }).split('\n\n');
      for (const line of tables.join('\n').split('\n')) {
        if (/^[A-Z]/.test(line)) continue;
        expect(Array.from(line).length).toBeLessThanOrEqual(width);
      }
    }
  });

  test('shows a bounded number of warnings and says that there are more', () => {
    const warnings = Array.from({ length: 1000 }, (_, n) => `w-${n} is unserved`);
    const text = renderStatus(statusExample({ warnings }), { now, color: false });
    expect(text).toContain('w-11 is unserved\n    and 988 more: wackamole status --json\n');
    expect(text).not.toContain('w-12 is unserved');
  });

  test('says once that a member is draining', () => {
    const members = [member('a', { draining: true, problems: ['draining'] })];
    const text = renderStatus(statusExample({ members }), { now, color: false });
    expect(text.match(/draining/g)).toHaveLength(1);
    expect(text).not.toContain('see below');
  });

  test('lets no text from another host steer the terminal', () => {
    expect(renderStatus(busy, { now, color: false })).not.toContain('\u001b');
  });
});

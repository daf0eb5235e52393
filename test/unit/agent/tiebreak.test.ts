/** When a member gives the witness's vote back: not before what it holds under it is gone, or others are known to decide without it. */
import { describe, expect, it } from 'vitest';
import type { Table } from '../../../src/agent/table.ts';
import { Tiebreak } from '../../../src/agent/tiebreak.ts';
import { type MemberId, memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { config } from './config.ts';

const names = ['a', 'b', 'c', 'd'];
const members = names.map((name) => memberId(name, '0123456789abcdef'));
const self = members[0]!;
const witness = { kind: 's3', place: 'x', key: 'k', lease_ms: 10_000, renew_ms: 2_000 } as const;
const agreed = { primary: true, seats: new Map() } as unknown as Table;

function install(tiebreak: Tiebreak, list: readonly MemberId[], epoch: number): void {
  const view: View = {
    id: viewId(epoch, self),
    epoch,
    members: list,
    cause: 'join',
    joined: [],
    departed: [],
  };
  tiebreak.install(view, epoch * 1_000);
}

/** The first of four has the vote, in a view of two that needs it. */
function owner() {
  const overrides = { quorum: { votes: {}, expected_votes: 4, witness } };
  const tiebreak = new Tiebreak(config({ member: 'a', members: names, vips: [], overrides }));
  install(tiebreak, members.slice(0, 2), 1);
  const demand = (holds: boolean, table?: Table) =>
    tiebreak.demand(self, { able: true, holds, table })?.wanted;
  expect(demand(true)).toBe(true);
  tiebreak.vote({ kind: 'witness', has: true, fence: 2, reason: 'test' });
  return { tiebreak, demand };
}

describe('the vote of the witness', () => {
  it('is kept by a part that is too small even with it until nothing is held any more', () => {
    const { tiebreak, demand } = owner();
    install(tiebreak, [self], 2);
    expect(demand(true)).not.toBe(false);
    expect(demand(false)).toBe(false);
  });

  it('is kept where the view decides without it until its members have agreed', () => {
    const { tiebreak, demand } = owner();
    install(tiebreak, members, 2);
    expect(demand(true)).not.toBe(false);
    expect(demand(true, agreed)).toBe(false);
  });
});

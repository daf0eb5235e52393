import { describe, expect, it } from 'vitest';
import { Barrier } from '../../../src/agent/barrier.ts';
import { definitionOf } from '../../../src/agent/definitions.ts';
import type { Report } from '../../../src/agent/messages.ts';
import { Table } from '../../../src/agent/table.ts';
import { memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => memberId(name, '0'.repeat(16))) as [never, never, never];
const view: View = {
  id: viewId(3, a),
  epoch: 3,
  members: [a, b, c],
  cause: 'join',
  joined: [],
  departed: [],
};

function report(held: readonly string[]): Report {
  return {
    kind: 'report',
    view: view.id,
    round: 0,
    mature: true,
    draining: false,
    barred: '',
    leaving: false,
    capacity: 1,
    unfit: [],
    digest: 'same',
    votes: 1,
    primary: true,
    quorum: '',
    complete: true,
    held,
    claims: [],
    pinned: [],
    passed: [],
    doubts: [],
  };
}

/** `c` never reports: its agent stands still. */
function tableWithSilent(): Table {
  const barrier = new Barrier(view.members, 0);
  barrier.add(a, report(['v1']));
  barrier.add(b, report(['v2']));
  barrier.add(a, { kind: 'proceed', view: view.id, round: 0, without: [c] });
  const settings = { view, vips: vips(3), stories: new Map(), gone: () => undefined };
  return new Table(barrier, settings, 0);
}

/** `a` and `b` know one address under two names: somebody renamed a VIP, and not everybody has heard of it. */
function tableWithRenamed(): Table {
  const barrier = new Barrier([a, b], 0);
  const [first, second] = vips(2).map(definitionOf) as [never, never];
  for (const [member, digest] of [
    [a, 'old'],
    [b, 'new'],
  ] as const)
    barrier.add(member, { ...report([]), digest });
  const renamed = { ...(first as object), id: 'x1' } as never;
  barrier.add(a, { kind: 'definitions', view: view.id, round: 0, vips: [first, second] });
  barrier.add(b, { kind: 'definitions', view: view.id, round: 0, vips: [renamed, second] });
  const settings = {
    view: { ...view, members: [a, b] },
    vips: vips(2),
    stories: new Map(),
    gone: () => undefined,
  };
  return new Table(barrier, settings, 0);
}

describe('table of members that know an address under two names', () => {
  it('casts doubt on both, since a release of one says nothing about the other', () => {
    expect([...tableWithRenamed().doubts].sort()).toEqual(['v1', 'x1']);
  });
});

describe('table with a silent member', () => {
  it('casts doubt on what it may hold, and on nothing that another proves to hold', () => {
    expect([...tableWithSilent().doubts]).toEqual(['v3']);
  });

  it('counts nobody as a holder of whom only some members know that it was one', () => {
    const row = tableWithSilent().rows.get('v3');
    expect(row?.target).toBeDefined();
    expect(row?.holders).toEqual([row?.target]);
  });
});

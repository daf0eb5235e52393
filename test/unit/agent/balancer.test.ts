/** When moves are proposed, and which are not. */
import { describe, expect, it } from 'vitest';
import { Balancer } from '../../../src/agent/balancer.ts';
import { Barrier } from '../../../src/agent/barrier.ts';
import { History } from '../../../src/agent/history.ts';
import { Table } from '../../../src/agent/table.ts';
import { memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';
import { report } from './reports.ts';

const [a, b] = ['a', 'b'].map((name) => memberId(name, '0'.repeat(16))) as [never, never];
const view: View = { id: viewId(3, a), epoch: 3, members: [a, b], cause: 'join', joined: [b], departed: [] };
const settings = { enabled: true, interval_ms: 1000, moves_per_round_max: 10, hold_down_ms: 3000 };

/** `a` has four VIPs since the beginning, `b` none. */
function uneven(): { table: Table; history: History } {
  const barrier = new Barrier(view.members, 0);
  barrier.add(a, report(view.id, { held: vips(4).map(({ id }) => id) }));
  barrier.add(b, report(view.id));
  const table = new Table(barrier, { view, vips: vips(4), story: () => undefined, gone: () => undefined }, 0);
  const history = new History();
  for (const row of table.rows.values()) history.observe(row, 0);
  return { table, history };
}

interface Circumstances {
  readonly viewSince?: number;
  readonly change?: (table: Table) => void;
  readonly forced?: boolean;
}

function movesAt(now: number, { viewSince = 0, change, forced = false }: Circumstances = {}): string[] {
  const { table, history } = uneven();
  change?.(table);
  const balancer = new Balancer();
  balancer.settled(0, settings);
  if (forced) balancer.force(now);
  return balancer.due(table, { now, settings, history, viewSince }).map(({ vip }) => vip);
}

describe('the balancer', () => {
  it('evens out when its time has come, and not before', () => {
    expect(movesAt(3_500)).toHaveLength(2);
    expect(movesAt(999)).toEqual([]);
  });

  it('waits while a handoff is under way', () => {
    const busy = (table: Table) => table.apply(a, { kind: 'released', view: view.id, vips: ['v1'] }, 1);
    expect(movesAt(3_500, { change: busy })).toEqual([]);
  });

  it('leaves what has just come, and who has just joined, alone for the hold-down, unless an operator asks', () => {
    expect(movesAt(2_999)).toEqual([]);
    expect(movesAt(3_500, { viewSince: 600 })).toEqual([]);
    expect(movesAt(2_999, { forced: true })).toHaveLength(2);
    expect(movesAt(3_500, { viewSince: 600, forced: true })).toHaveLength(2);
  });

  it('never moves what an operator has pinned', () => {
    const pinned = (table: Table) => {
      for (const id of ['v1', 'v2', 'v3']) table.pins.set(id, 'a');
    };
    expect(movesAt(3_500, { change: pinned })).toEqual(['v4']);
  });
});

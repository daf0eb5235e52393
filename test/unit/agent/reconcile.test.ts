/** What a member does about one VIP, with a table made of reports. */
import { describe, expect, it } from 'vitest';
import { Barrier } from '../../../src/agent/barrier.ts';
import type { Clearance } from '../../../src/agent/doubts.ts';
import { type HoldingState, Holdings } from '../../../src/agent/holdings.ts';
import { reconcile } from '../../../src/agent/reconcile.ts';
import { Table } from '../../../src/agent/table.ts';
import { memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';
import { report } from './reports.ts';

const a = memberId('a', '0'.repeat(16));
const view: View = { id: viewId(3, a), epoch: 3, members: [a], cause: 'join', joined: [a], departed: [] };
const [vip] = vips(1) as [ReturnType<typeof vips>[number]];
const AT_ONCE: Clearance = { guard: { kind: 'at-once' }, notBefore: undefined };

/** The kinds of what `a`, alone and the target of the VIP, does. */
function does(
  state: HoldingState,
  {
    clearance = AT_ONCE,
    disowned = false,
    trusting = false,
    barred,
    collecting = false,
    isLeftOut = false,
  }: {
    clearance?: Clearance | null;
    disowned?: boolean;
    trusting?: boolean;
    barred?: string;
    collecting?: boolean;
    isLeftOut?: boolean;
  } = {},
): string[] {
  const barrier = new Barrier(view.members, 0);
  barrier.add(a, report(view.id));
  const table = new Table(barrier, { view, vips: [vip], story: () => undefined, gone: () => undefined }, 0);
  const holdings = new Holdings();
  const holding = holdings.of(vip);
  holdings.set(holding, state, 0);
  holding.disowned = disowned;
  holding.trusting = trusting;
  const { lettingGo, rest } = reconcile({
    isLeftOut,
    self: a,
    now: 10,
    table: collecting ? undefined : table,
    vips: new Map([[vip.id, vip]]),
    holdings,
    told: new Set(),
    waits: new Map(),
    barred: () => barred,
    hasRoom: () => true,
    clearance: () => clearance ?? undefined,
  });
  return [...lettingGo, ...rest].map((action) =>
    action.kind === 'multicast' ? action.message.kind : action.kind,
  );
}

describe('the target of a VIP that nobody else may hold', () => {
  it('acquires it', () => expect(does('idle')).toEqual(['acquire']));
  it('hands off while the others have not heard that it does not hold it', () =>
    expect(does('idle', { disowned: true })).toEqual([]));
  it('breaks off when the others went on without it, and keeps what it has', () => {
    expect(does('acquiring', { collecting: true, isLeftOut: true })).toEqual(['cancel']);
    expect(does('acquiring', { collecting: true })).toEqual([]);
    expect(does('held', { collecting: true, isLeftOut: true })).toEqual([]);
  });
  it('does not begin, and breaks off, while it is contested', () => {
    expect(does('idle', { clearance: null })).toEqual([]);
    expect(does('acquiring', { clearance: null })).toEqual(['cancel']);
    expect(does('acquiring')).toEqual([]);
  });
  it('breaks off while reports are collected, too: what it was asked for by may be long over', () => {
    expect(does('acquiring', { clearance: null, collecting: true })).toEqual(['cancel']);
    expect(does('acquiring', { collecting: true })).toEqual([]);
  });
  it('breaks off what it puts up unasked when it has become a thing to ask for, and no other', () => {
    const clearance: Clearance = { guard: { kind: 'when-silent', until: 20 }, notBefore: undefined };
    expect(does('acquiring', { clearance, trusting: true })).toEqual(['cancel']);
    expect(does('acquiring', { clearance, trusting: true, collecting: true })).toEqual(['cancel']);
    expect(does('acquiring', { clearance })).toEqual([]);
    expect(does('acquiring', { trusting: true })).toEqual([]);
    expect(does('held', { clearance, trusting: true })).toEqual(['acquired']);
  });
  it('keeps what it holds while it is contested, and says so', () =>
    expect(does('held', { clearance: null })).toEqual(['acquired']));
  it('waits for the instant it is told', () =>
    expect(does('idle', { clearance: { ...AT_ONCE, notBefore: 11 } })).toEqual([]));
  it('lets go of what it must not hold, whatever the table says', () => {
    expect(does('held', { barred: 'no quorum' })).toEqual(['release']);
    expect(does('acquiring', { barred: 'no quorum' })).toEqual(['cancel']);
    expect(does('idle', { barred: 'no quorum' })).toEqual([]);
  });
  it.each(['cancelling', 'releasing'] as const)('says nothing about it while it is %s', (state) =>
    expect(does(state)).toEqual([]),
  );
});

import { describe, expect, it } from 'vitest';
import { Bystanders } from '../../../src/agent/bystanders.ts';
import { Doubts } from '../../../src/agent/doubts.ts';
import { History } from '../../../src/agent/history.ts';
import { Holdings } from '../../../src/agent/holdings.ts';
import type { Report } from '../../../src/agent/messages.ts';
import { Outbox } from '../../../src/agent/outbox.ts';
import { Rounds } from '../../../src/agent/rounds.ts';
import { SelfPortrait } from '../../../src/agent/self-portrait.ts';
import { Tiebreak } from '../../../src/agent/tiebreak.ts';
import { type MemberId, memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { config, vips } from './config.ts';

const a = memberId('a', '0'.repeat(16));
const b = memberId('b', '0'.repeat(16));
const view: View = { id: viewId(2, a), epoch: 2, members: [a, b], cause: 'join', joined: [a], departed: [] };

/** A member that has just installed the view, and waits for reports. */
function collecting(self: MemberId): { rounds: Rounds; outbox: Outbox } {
  const own = config({ member: 'b', members: ['a', 'b'], vips: vips(2) });
  const outbox = new Outbox();
  const rounds = new Rounds(own, {
    outbox,
    holdings: new Holdings(),
    doubts: new Doubts(),
    portrait: new SelfPortrait(own, new Map()),
    history: new History(),
    tiebreak: new Tiebreak(own),
    bystanders: new Bystanders(),
  });
  rounds.self = self;
  rounds.install(view, { now: 0, settings: { leaseBound: 4100, takeover: 'at-once' } });
  return { rounds, outbox };
}

/** `b` in a view whose representative goes on without its report. */
function leftOut(digestOfOthers: string, { reported = false } = {}): { rounds: Rounds; own: Report } {
  const { rounds, outbox } = collecting(b);
  const said = outbox.take().find((action) => action.kind === 'multicast');
  if (said?.kind !== 'multicast' || said.message.kind !== 'report') throw new Error('b did not report');
  rounds.deliver(a, { ...said.message, digest: digestOfOthers }, 1);
  if (reported) rounds.deliver(b, said.message, 1);
  rounds.deliver(a, { kind: 'proceed', view: view.id, round: 0, without: [b] }, 2);
  return { rounds, own: said.message };
}

describe('a member without whose report the others went on', () => {
  it('has no table while they mean other VIPs than it does, and reports again with everybody', () => {
    const { rounds, own } = leftOut('another');
    expect(rounds.table).toBeUndefined();
    expect(rounds.barrier).toBeUndefined();
    rounds.deliver(b, own, 3);
    expect(rounds.barrier?.round).toBe(1);
  });

  it('reports again with everybody also where only what it means was late', () => {
    const { rounds, own } = leftOut('another', { reported: true });
    expect(rounds.isLeftOut).toBe(true);
    const vip = { id: 'v1', addresses: ['10.0.0.1/32'], prefer: [], weight: 1, policy: 'component' } as const;
    rounds.deliver(b, { kind: 'definitions', view: view.id, round: 5, vips: [vip] }, 3);
    rounds.deliver(a, { kind: 'definitions', view: view.id, round: own.round, vips: [vip] }, 3);
    expect(rounds.isLeftOut).toBe(true);
    rounds.deliver(b, { kind: 'definitions', view: view.id, round: own.round, vips: [vip] }, 4);
    expect(rounds.barrier?.round).toBe(own.round + 1);
  });

  it('leaves what is ordered to their table, also when it has begun a new round by itself meanwhile', () => {
    const { rounds, own } = leftOut('another');
    rounds.again(3);
    const drain = { kind: 'drain', member: 'b' } as const;
    rounds.order(a, { kind: 'operator', command: drain, via: 'a', number: 1 }, 4);
    expect(rounds.barrier?.early).toEqual([]);
    // From here on they collect with it.
    rounds.deliver(b, own, 5);
    rounds.order(a, { kind: 'operator', command: drain, via: 'a', number: 2 }, 6);
    expect(rounds.barrier?.early).toHaveLength(1);
  });

  it('has the same table as they where they mean the same', () => {
    const { digest } = config({ member: 'b', members: ['a', 'b'], vips: vips(2) });
    expect(leftOut(digest).rounds.table?.seats.get(b)?.reported).toBe(false);
  });
});

describe('a member that begins a new round before the others hear of it', () => {
  /** `a` drains `b` just when `b` reloads: the drain is delivered before the report of the new round. */
  function drained() {
    const members = [a, b].map((self) => {
      const { rounds, outbox } = collecting(self);
      return { rounds, said: () => reportIn(outbox) };
    });
    const reports = members.map(({ said }) => said());
    for (const { rounds } of members)
      for (const [i, sender] of [a, b].entries()) rounds.deliver(sender, reports[i] as Report, 1);
    const [ofA, ofB] = members as [(typeof members)[0], (typeof members)[0]];
    ofB.rounds.again(2);
    const drain = { kind: 'operator', command: { kind: 'drain', member: 'b' }, via: 'a', number: 1 } as const;
    for (const { rounds } of members) rounds.order(a, drain, 3);
    const second = ofB.said();
    for (const { rounds } of members) rounds.deliver(b, second, 4);
    const answer = ofA.said();
    for (const { rounds } of members) rounds.deliver(a, answer, 5);
    return members.map(({ rounds }) => rounds.table);
  }

  it('comes to the same table as they', () => {
    const tables = drained();
    const seats = tables.map((table) => [...(table?.seats.values() ?? [])]);
    expect(seats[1]).toEqual(seats[0]);
    expect(seats[0]?.length).toBe(2);
    expect([...(tables[1]?.rows.values() ?? [])].map(({ target }) => target)).toEqual(
      [...(tables[0]?.rows.values() ?? [])].map(({ target }) => target),
    );
  });
});

describe('a member that begins a new round while its first report is still on its way', () => {
  it('does with the others what is ordered after that report', () => {
    const { rounds, outbox } = collecting(b);
    const late = reportIn(outbox);
    rounds.deliver(a, late, 1);
    rounds.deliver(a, { kind: 'proceed', view: view.id, round: 0, without: [b] }, 2);
    expect(rounds.table).toBeDefined();
    rounds.again(3);
    // At a this makes everybody report again, and what is ordered from here on waits for that.
    rounds.deliver(b, late, 4);
    const move = { kind: 'move', vip: 'v1', to: 'b' } as const;
    rounds.order(a, { kind: 'operator', command: move, via: 'a', number: 1 }, 5);
    expect(rounds.barrier?.early).toHaveLength(1);
  });
});

describe('a member that begins yet another round while all collect', () => {
  it('voids what was ordered, as those do who come to a table meanwhile', () => {
    const { rounds, outbox } = collecting(b);
    const first = reportIn(outbox);
    rounds.again(1);
    const move = { kind: 'move', vip: 'v1', to: 'b' } as const;
    const order = (number: number) =>
      rounds.order(a, { kind: 'operator', command: move, via: 'a', number }, number);
    order(2);
    expect(rounds.barrier?.early).toHaveLength(1);
    rounds.deliver(b, first, 3);
    expect(rounds.barrier?.early).toHaveLength(1);
    // Now a has a table, and the order is carried out there.
    rounds.deliver(a, first, 4);
    order(5);
    expect(rounds.barrier?.early).toEqual([]);
    rounds.deliver(b, reportIn(outbox), 6);
    order(7);
    expect(rounds.barrier?.early).toHaveLength(1);
  });
});

describe('a member that is two rounds ahead of those who go on without it', () => {
  it('leaves to their table what was ordered after it, and is told that it is void by the next report', () => {
    const { rounds, outbox } = collecting(b);
    const first = reportIn(outbox);
    rounds.deliver(a, first, 1);
    rounds.deliver(b, first, 1);
    expect(rounds.table).toBeDefined();
    rounds.again(2);
    const second = reportIn(outbox);
    rounds.again(3);
    const third = reportIn(outbox);
    const order = (number: number) => {
      const command = { kind: 'move', vip: 'v1', to: 'b' } as const;
      rounds.order(a, { kind: 'operator', command, via: 'a', number }, number);
      return rounds.barrier?.early.length;
    };
    // The table of the first round stands at a: there it is carried out.
    expect(order(4)).toBe(0);
    // a begins the second round by itself, in which it waits with it.
    rounds.deliver(a, second, 5);
    expect(order(6)).toBe(1);
    // It has a table again, without us, and has carried it out there.
    rounds.deliver(a, { kind: 'proceed', view: view.id, round: second.round, without: [b] }, 7);
    expect(rounds.barrier?.early).toEqual([]);
    expect(order(8)).toBe(0);
    // Our own reports make it collect in the second round no more, but in the third, as we do.
    rounds.deliver(b, second, 9);
    expect(order(10)).toBe(1);
    rounds.deliver(b, third, 11);
    expect(order(12)).toBe(2);
    rounds.deliver(a, third, 13);
    expect(rounds.table).toBeDefined();
  });
});

describe('a round that is over', () => {
  it('gets no more reports: what is late tells of an older truth', () => {
    const { rounds, outbox } = collecting(b);
    const first = reportIn(outbox);
    rounds.again(1);
    rounds.deliver(b, reportIn(outbox), 2);
    rounds.deliver(a, first, 3);
    expect(rounds.barrier?.missing()).toEqual([a]);
  });
});

describe('a release that is delivered', () => {
  /** How `b` would go about v1 after `a`, which reported that much, says that it has released it. */
  function guardAfter(reported: Partial<Report>): string | undefined {
    const own = config({ member: 'b', members: ['a', 'b'], vips: vips(1) });
    const outbox = new Outbox();
    const doubts = new Doubts();
    const components = {
      holdings: new Holdings(),
      doubts,
      history: new History(),
      tiebreak: new Tiebreak(own),
      bystanders: new Bystanders(),
    };
    const rounds = new Rounds(own, { outbox, portrait: new SelfPortrait(own, new Map()), ...components });
    rounds.self = b;
    const settings = { leaseBound: 4100, takeover: 'at-once' } as const;
    rounds.install(view, { now: 0, settings });
    const mine = reportIn(outbox);
    rounds.deliver(b, mine, 1);
    rounds.deliver(a, { ...mine, ...reported }, 2);
    rounds.deliver(a, { kind: 'released', view: view.id, vips: ['v1'] }, 3);
    return doubts.clearance('v1', { now: 4, settings, access: 'link', doubtedSince: undefined })?.guard.kind;
  }

  it('clears the VIP if its sender had it for certain', () => {
    expect(guardAfter({ held: ['v1'] })).toBe('at-once');
  });

  it('clears nothing if its sender was only asking for it', () => {
    expect(guardAfter({ claims: ['v1'] })).toBe('when-silent');
  });
});

describe('reports that say who has a VIP', () => {
  it('void what was seen released before, though nobody says in this view that it acquired it', () => {
    const own = config({ member: 'b', members: ['a', 'b'], vips: vips(1) });
    const outbox = new Outbox();
    const doubts = new Doubts();
    const components = {
      holdings: new Holdings(),
      doubts,
      history: new History(),
      tiebreak: new Tiebreak(own),
      bystanders: new Bystanders(),
    };
    const rounds = new Rounds(own, { outbox, portrait: new SelfPortrait(own, new Map()), ...components });
    rounds.self = b;
    const settings = { leaseBound: 4100, takeover: 'at-once' } as const;
    doubts.cleared('v1', 0);
    rounds.install(view, { now: 0, settings });
    const mine = reportIn(outbox);
    rounds.deliver(b, mine, 1);
    rounds.deliver(a, { ...mine, held: ['v1'] }, 2);
    const input = { now: 4, settings, access: 'link', doubtedSince: undefined } as const;
    expect(doubts.clearance('v1', input)?.guard.kind).toBe('when-silent');
  });
});

describe('a keeper', () => {
  /** What `b`, which has v1, does when everybody has reported in a view that came about like that. */
  function doesAfter(changes: Partial<View>): string[] {
    const own = config({ member: 'b', members: ['a', 'b'], vips: vips(1) });
    const outbox = new Outbox();
    const memory = { families: [4], scope: 'link', atomicTakeover: false } as const;
    const traits = new Map([['memory', memory]]);
    const holdings = new Holdings();
    holdings.set(holdings.of(vips(1)[0] as never), 'held', 0);
    const components = {
      holdings,
      doubts: new Doubts(),
      history: new History(),
      tiebreak: new Tiebreak(own),
      bystanders: new Bystanders(),
    };
    const rounds = new Rounds(own, { outbox, portrait: new SelfPortrait(own, traits), ...components });
    rounds.self = b;
    rounds.install({ ...view, ...changes }, { now: 0, settings: { leaseBound: 4100, takeover: 'at-once' } });
    const mine = reportIn(outbox);
    rounds.deliver(b, mine, 1);
    rounds.deliver(a, { ...mine, held: [] }, 2);
    return outbox.take().map(({ kind }) => kind);
  }

  it('announces what it keeps when two parts met, and not when one merely joined', () => {
    expect(doesAfter({ cause: 'network', joined: [a] })).toContain('announce');
    expect(doesAfter({ cause: 'disconnect', joined: [a] }), 'another went meanwhile').toContain('announce');
    expect(doesAfter({ cause: 'leave', joined: [a] })).toContain('announce');
    expect(doesAfter({ cause: 'join', joined: [a] })).not.toContain('announce');
    expect(doesAfter({ cause: 'network', joined: [] })).not.toContain('announce');
  });
});

function reportIn(outbox: Outbox): Report {
  const said = outbox.take().find((x) => x.kind === 'multicast' && x.message.kind === 'report');
  if (said?.kind !== 'multicast' || said.message.kind !== 'report') throw new Error('no report was said');
  return said.message;
}

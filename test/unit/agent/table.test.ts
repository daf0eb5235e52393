import { describe, expect, it } from 'vitest';
import { Barrier } from '../../../src/agent/barrier.ts';
import type { Carrier } from '../../../src/agent/carriers.ts';
import { definitionOf } from '../../../src/agent/definitions.ts';
import { Table } from '../../../src/agent/table.ts';
import { memberId } from '../../../src/model/member.ts';
import { type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';
import { report } from './reports.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => memberId(name, '0'.repeat(16))) as [never, never, never];
const view: View = {
  id: viewId(3, a),
  epoch: 3,
  members: [a, b, c],
  cause: 'join',
  joined: [],
  departed: [],
};

/** `c` never reports: its agent stands still. */
function tableWithSilent(): Table {
  const barrier = new Barrier(view.members, 0);
  barrier.add(a, report(view.id, { held: ['v1'] }));
  barrier.add(b, report(view.id, { held: ['v2'] }));
  barrier.add(a, { kind: 'proceed', view: view.id, round: 0, without: [c] });
  const settings = { view, vips: vips(3), story: () => undefined, gone: () => undefined };
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
    barrier.add(member, { ...report(view.id), digest });
  const renamed = { ...(first as object), id: 'x1' } as never;
  barrier.add(a, { kind: 'definitions', view: view.id, round: 0, vips: [first, second] });
  barrier.add(b, { kind: 'definitions', view: view.id, round: 0, vips: [renamed, second] });
  const settings = {
    view: { ...view, members: [a, b] },
    vips: vips(2),
    story: () => undefined,
    gone: () => undefined,
  };
  return new Table(barrier, settings, 0);
}

describe('table of members that know an address under two names', () => {
  it('casts doubt on both, since a release of one says nothing about the other', () => {
    expect([...tableWithRenamed().doubts].sort()).toEqual(['v1', 'x1']);
  });
});

describe('table of members of which three mean two VIPs each in their own way', () => {
  const [one, two] = vips(2).map(definitionOf) as [object, object];
  const elsewhere = { ...one, addresses: ['10.2.0.1/32'] } as never;

  /** `a` gave v1 another name; to `b` v1 is another address; `c` knows it as it was, and holds it. */
  function tableWith(
    held: 'a' | 'b' | 'c',
    { claimed = false, carriers = [] }: { claimed?: boolean; carriers?: readonly Carrier[] } = {},
  ): Table {
    const barrier = new Barrier(view.members, 0);
    const known = [
      [a, 'a', [{ ...one, id: 'x1' }, two]],
      [b, 'b', [elsewhere, two]],
      [c, 'c', [one, two]],
    ] as const;
    for (const [member, digest] of known)
      barrier.add(
        member,
        report(view.id, {
          digest,
          carriers,
          [claimed ? 'claims' : 'held']: digest === held ? ['v1'] : [],
        }),
      );
    for (const [member, , list] of known)
      barrier.add(member, { kind: 'definitions', view: view.id, round: 0, vips: list as never });
    return new Table(barrier, { view, vips: vips(2), story: () => undefined, gone: () => undefined }, 0);
  }

  it('has the address wait for who holds it by a definition that is not the agreed one', () => {
    expect(tableWith('c').isHeldOtherwise('x1', a)).toBe(true);
    expect(tableWith('c').isHeldOtherwise('v1', b)).toBe(false);
  });

  it('has it wait for nobody who holds something else by that name', () => {
    expect(tableWith('b').isHeldOtherwise('x1', a)).toBe(false);
    expect(tableWith('b').lasting('x1')).toEqual([]);
  });

  it('has it wait for as long as that may last for who has it as it meant it before', () => {
    const metal = { provider: 'local', askable: true, lasts: 1_500 };
    expect(tableWith('b', { claimed: true, carriers: [metal] }).lasting('x1')).toEqual([
      { vip: 'v1', provider: 'local', askable: true, rest: 1_500 },
    ]);
    expect(tableWith('c', { claimed: true, carriers: [metal] }).lasting('x1')).toEqual([]);
  });

  it('has it wait for who holds what it does not know any more', () => {
    expect(tableWith('a').isHeldOtherwise('x1', b)).toBe(true);
    expect(tableWith('a').isHeldOtherwise('x1', a)).toBe(false);
  });
});

describe('what may still be with somebody who went, under a name that nobody uses any more', () => {
  const address = vips(1)[0]!.addresses[0]!.address;
  const lasting = [
    { vip: 'old', provider: 'cloud', askable: false, rest: 30_000, addresses: [address] },
  ] as const;

  function table(held: readonly string[], said: typeof lasting | readonly [] = lasting): Table {
    const barrier = new Barrier([a, b], 0);
    barrier.add(a, report(view.id, { lasting: said }));
    barrier.add(b, report(view.id, { held }));
    const of = { ...view, members: [a, b] };
    return new Table(barrier, { view: of, vips: vips(2), story: () => undefined, gone: () => undefined }, 0);
  }

  it('is found by its address', () => {
    expect(table([]).lasting('v1')).toEqual(lasting);
    expect(table([]).lasting('v2')).toEqual([]);
    expect(table([], []).lasting('v1')).toEqual([]);
  });

  it('is over where somebody has the address for certain, or gets it', () => {
    expect(table(['v1']).lasting('v1')).toEqual([]);
    const acquired = table([]);
    const target = acquired.rows.get('v1')!.target!;
    acquired.apply(target, { kind: 'acquired', view: view.id, vips: ['v1'] }, 1);
    expect(acquired.lasting('v1')).toEqual([]);
  });
});

describe('who is astray', () => {
  const whole = ['c', 'd'];

  function astrayIn(members: View['members'], said: readonly (readonly string[])[]): string[] {
    const barrier = new Barrier(members, 0);
    for (const [at, member] of members.entries())
      barrier.add(member, report(view.id, { astray: said[at] ?? [] }));
    const settings = {
      view: { ...view, members },
      vips: vips(1),
      story: () => undefined,
      gone: () => undefined,
    };
    return [...new Table(barrier, settings, 0).astray].sort();
  }

  it('is who any member misses and none has in its view', () => {
    expect(astrayIn([a, b], [[], whole])).toEqual(['c', 'd']);
    expect(astrayIn([a, b, c], [[], whole])).toEqual(['d']);
    expect(astrayIn([a, b], [])).toEqual([]);
  });
});

describe('table with a silent member that carried in another way', () => {
  const carrier = (provider: string, askable: boolean, lasts: number) => ({ provider, askable, lasts });
  const silent = (known: readonly ReturnType<typeof carrier>[]) => {
    const barrier = new Barrier([a, b], 0);
    barrier.add(a, report(view.id, { carriers: [carrier('metal', true, 4100)] }));
    barrier.add(a, { kind: 'proceed', view: view.id, round: 0, without: [b] });
    const of = { ...view, members: [a, b] };
    const carriersOf = () => known;
    return new Table(
      barrier,
      { view: of, vips: vips(1), story: () => undefined, gone: () => undefined, carriersOf },
      0,
    );
  };

  it('lets it have what it may have in that way for as long as that lasts', () => {
    const table = silent([carrier('cloud', false, 30_000)]);
    expect(table.isHybrid).toBe(true);
    expect(table.lasting('v1')).toEqual([{ vip: 'v1', provider: 'cloud', askable: false, rest: 30_000 }]);
  });

  it('knows of none where it never said, and nobody carries in two ways', () => {
    expect(silent([]).lasting('v1')).toEqual([]);
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

describe('table of members that have one VIP both', () => {
  function doubled(): Table {
    const barrier = new Barrier([a, b], 0);
    for (const member of [a, b]) barrier.add(member, report(view.id, { held: ['v1'] }));
    const of = { ...view, members: [a, b] };
    return new Table(barrier, { view: of, vips: vips(1), story: () => undefined, gone: () => undefined }, 0);
  }

  it('counts both until the other has let go: the target is not the only holder because it is the target', () => {
    const table = doubled();
    const row = table.rows.get('v1');
    expect([row?.target, row?.holders]).toEqual([a, [a, b]]);
    table.apply(b, { kind: 'standing', view: view.id, ...STANDING, draining: true }, 5);
    expect(row?.holders).toEqual([a, b]);
    table.apply(b, { kind: 'released', view: view.id, vips: ['v1'] }, 6);
    expect(row?.holders).toEqual([a]);
  });

  it('believes nobody but the target that it has acquired', () => {
    const table = doubled();
    const row = table.rows.get('v1');
    table.apply(b, { kind: 'acquired', view: view.id, vips: ['v1'] }, 5);
    expect([row?.confirmed, row?.proven, row?.changed]).toEqual([a, [a, b], 0]);
  });

  it('makes nothing of a release by who has nothing', () => {
    const table = doubled();
    const row = table.rows.get('v1');
    table.apply(b, { kind: 'released', view: view.id, vips: ['v1'] }, 5);
    table.apply(b, { kind: 'released', view: view.id, vips: ['v1'] }, 9);
    expect([row?.holders, row?.changed]).toEqual([[a], 5]);
  });
});

const STANDING = { mature: true, draining: false, barred: '', leaving: false, capacity: 1, unfit: [] };

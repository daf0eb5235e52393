/** A pair of hosts that do not hear each other, and others that hear both: who is outside the view keeps what it had, and nobody takes it blindly. */
import { describe, expect, it } from 'vitest';
import { Aside, Bystanders } from '../../../src/agent/bystanders.ts';
import { memberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import type { ProviderTraits } from '../../../src/provider/provider.ts';
import { FORGOTTEN_AFTER, KNOWN_WITHIN, LIST, Torn } from './torn.ts';
import { random } from './world.ts';

function pair(setup?: ConstructorParameters<typeof Torn>[1]): Torn {
  const torn = new Torn(['a', 'b', 'c'], setup).neverTwo();
  torn.break('a', 'b');
  return torn;
}

describe('a pair of three that does not hear each other', () => {
  it('moves nothing, whoever is left out, and whenever that one hears of it', () => {
    for (const delay of [0, 5, 2000]) {
      const torn = pair();
      const before = torn.holders;
      for (const [ring, out] of [
        [['a', 'c'], 'b'],
        [['b', 'c'], 'a'],
        [['a', 'c'], 'b'],
      ] as const) {
        torn.quorate(ring);
        torn.w.run(delay);
        torn.lesser([out]);
        torn.form([out]);
        torn.w.run(20_000);
        expect(torn.holders).toEqual(before);
      }
      torn.mend();
      torn.whole();
      torn.w.run(10_000);
      expect(torn.holders).toEqual(before);
    }
  });

  it('what the one left out had is taken by who reaches it when its agent dies, and by nobody else', () => {
    const torn = pair();
    const ofA = torn.ofHost('a');
    const ofB = torn.ofHost('b');
    expect(ofB).toHaveLength(2);
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(10_000);
    torn.w.host('b').alive = false;
    torn.w.host('b').up.clear();
    torn.w.run(20_000);
    expect(torn.ofHost('a')).toEqual(ofA);
    expect(torn.ofHost('c')).toEqual(expect.arrayContaining(ofB));
    // It is known where they are now: whoever it is may have them from here on.
    torn.w.give(torn.w.host('c'), { kind: 'command', number: 1, command: { kind: 'drain', member: 'c' } });
    torn.w.run(5_000);
    expect(torn.ofHost('a')).toHaveLength(6);
  });

  it('who reached the one left out is gone: that one is left what it has until the engine says that all is calm', () => {
    const torn = pair();
    const [ofB, ofC] = [torn.ofHost('b'), torn.ofHost('c')];
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(10_000);
    torn.w.departed = (host) => torn.quorate(['a', 'c'].filter((name) => name !== host.name));
    torn.w.kill('c');
    torn.w.run(20_000);
    expect(torn.ofHost('b')).toEqual(ofB);
    expect(torn.ofHost('a')).toEqual(expect.arrayContaining(ofC));
    torn.w.host('b').alive = false;
    torn.w.host('b').up.clear();
    torn.bystanders('a', undefined);
    torn.w.run(20_000);
    expect(torn.ofHost('a')).toHaveLength(6);
  });

  it('the link to the one left out breaks too: then all of its part is served elsewhere', () => {
    const torn = pair();
    const ofB = torn.ofHost('b');
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(1_000);
    torn.w.check = () => undefined;
    torn.break('b', 'c');
    torn.bystanders('c', ['a']);
    torn.w.run(20_000);
    expect([...torn.ofHost('a'), ...torn.ofHost('c')].sort()).toEqual(LIST.map(({ id }) => id));
    expect(torn.ofHost('b')).toEqual(ofB);
  });

  it('a link that seems broken for a moment has nobody take anything', () => {
    const torn = pair();
    const before = torn.holders;
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    // While nobody is to take it: who was asking for it has given up, and asks again later.
    const { agent } = torn.w.host('a');
    const isIdle = () => {
      const rows = agent.table?.view.members.length === 2 ? agent.table.rows : undefined;
      return rows !== undefined && torn.ofHost('b').every((id) => rows.get(id)?.target === undefined);
    };
    for (let ms = 0; ms < 60_000 && !isIdle(); ms += 1) torn.w.run(1);
    expect(isIdle()).toBe(true);
    torn.bystanders('c', ['a']);
    torn.w.run(FORGOTTEN_AFTER - 5);
    torn.bystanders('c', ['a', 'b']);
    torn.w.run(20_000);
    expect(torn.holders).toEqual(before);
  });

  it('a link of which it is not certain in the moment of the view has nobody take anything, until it is', () => {
    const torn = pair();
    const before = torn.holders;
    const say = (lost: readonly string[], reached: readonly string[] = ['a']) =>
      torn.w.give(torn.w.host('c'), {
        kind: 'group',
        event: { kind: 'bystanders', reached, lost, lesser: undefined },
      });
    torn.bystanders('a', ['c']);
    say(['b']);
    torn.form(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(10_000);
    expect(torn.holders).toEqual(before);
    say([], ['a', 'b']);
    torn.w.run(10_000);
    expect(torn.holders).toEqual(before);
    // For good.
    say(['b']);
    torn.w.run(100);
    torn.w.check = () => undefined;
    torn.break('b', 'c');
    say([]);
    torn.w.run(20_000);
    expect([...torn.ofHost('a'), ...torn.ofHost('c')].sort()).toEqual(LIST.map(({ id }) => id));
  });

  it('a link that seems broken in the moment of the view: what was taken because of that is let go when it is not', () => {
    const torn = pair();
    const before = torn.holders;
    torn.w.check = () => undefined;
    torn.bystanders('a', ['c']);
    torn.bystanders('c', ['a']);
    torn.form(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(500);
    expect(torn.ofHost('a').length).toBeGreaterThan(2);
    torn.bystanders('c', ['a', 'b']);
    torn.w.run(20);
    expect(torn.holders).toEqual(before);
    torn.neverTwo();
    torn.w.run(60_000);
    expect(torn.holders).toEqual(before);
  });

  it('what was taken as the link broke is let go, and left to who reaches its holder still', () => {
    const torn = new Torn(['a', 'b', 'c', 'd'], { list: LIST });
    torn.break('a', 'b');
    const ofB = torn.ofHost('b');
    torn.quorate(['a', 'c', 'd']);
    torn.lesser(['b']);
    torn.w.run(100);
    const asking = ['c', 'd'].find((name) => torn.w.host(name).asking.size > 0)!;
    const other = ['c', 'd'].find((name) => name !== asking)!;
    torn.break('b', asking);
    torn.w.run(50);
    const taken = ofB.filter((id) => torn.w.host(asking).up.has(id));
    expect(taken.length).toBeGreaterThan(0);
    torn.bystanders(asking, torn.reached(asking));
    torn.neverTwo(KNOWN_WITHIN);
    torn.w.run(60_000);
    expect(torn.ofHost('b')).toEqual(ofB);
    torn.w.host('b').alive = false;
    torn.w.host('b').up.clear();
    torn.w.run(60_000);
    expect(torn.ofHost(other)).toEqual(expect.arrayContaining(taken));
  });

  it('who comes anew and knows of nothing takes what nobody has said to have only if it reaches everybody', () => {
    const torn = pair();
    const before = torn.holders;
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(1_000);
    torn.w.host('a').alive = false;
    torn.w.host('a').up.clear();
    torn.quorate(['c']);
    torn.w.run(10_000);
    torn.w.boot('a');
    torn.quorate(['a', 'c']);
    torn.w.run(30_000);
    for (const [vip, [was]] of Object.entries(before))
      expect(torn.holders[vip], vip).toEqual([was === 'b' ? 'b' : 'c']);
  });

  it('who is beside the part with quorum takes nothing, not even what its own view has nobody for', () => {
    const torn = pair();
    const before = torn.ofHost('b');
    torn.lesser(['b']);
    torn.form(['b']);
    torn.w.run(20_000);
    expect(torn.ofHost('b')).toEqual(before);
    const status = torn.w.host('b').agent.status(torn.w.now, 0);
    expect(status.warnings).toContain('keeping what is here and taking nothing: no quorum');
    expect(status.changes.map(({ what }) => what)).toContain('keeping what is here, taking nothing');
  });

  it('is told to operators: a VIP that is left to somebody outside the view is not called unserved', () => {
    const torn = pair();
    const [vip = ''] = torn.ofHost('b');
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(20_000);
    const status = torn.w.host('a').agent.status(torn.w.now, 0);
    expect(status.vips.find((one) => one.vip === vip)?.reason).toContain(
      'it may be with b, who is not in the view and there all the same',
    );
    expect(status.vips.find((one) => one.vip === vip)?.passed_over).toContainEqual({
      member: 'a',
      reason: 'it may be with b, whom c can reach and a cannot',
    });
    expect(status.warnings.filter((text) => text.includes('unserved'))).toEqual([]);
  });

  it('is not acted on where a member of an earlier release would decide otherwise', () => {
    const torn = new Torn(['a', 'b', 'c', 'd']);
    torn.break('a', 'b');
    torn.w.older = new Set(['d']);
    torn.quorate(['a', 'c', 'd']);
    torn.w.run(1_000);
    for (const name of ['a', 'c']) expect(torn.w.host(name).agent.table?.aside.has('v2')).toBe(false);
    const targets = (name: string) =>
      [...torn.w.host(name).agent.table!.rows.values()].map(({ vip, target }) => [vip.id, target]);
    expect(targets('a')).toEqual(targets('c'));
  });
});

describe('where no link can be asked', () => {
  it('who is beside the part with quorum lets go, and who reaches it need not ask', () => {
    const traits = new Map<string, ProviderTraits>([
      ['memory', { families: [4, 6], scope: 'any', atomicTakeover: false, leaseBound: 100 }],
    ]);
    const torn = pair();
    torn.w.traits = () => traits;
    for (const name of ['a', 'b', 'c']) torn.w.boot(name);
    for (const name of ['a', 'b', 'c']) torn.w.host(name).up.clear();
    torn.whole();
    torn.w.run(10_000);
    expect(torn.ofHost('b')).toHaveLength(2);
    torn.lesser(['b']);
    torn.w.run(50);
    expect(torn.ofHost('b')).toEqual([]);
    torn.quorate(['a', 'c']);
    torn.w.run(10_000);
    expect([...torn.ofHost('a'), ...torn.ofHost('c')]).toHaveLength(6);
  });
});

describe('where the one left out carries VIPs in another way than who reaches it', () => {
  it('it is left what it has: its link tells those nothing', () => {
    const link: ProviderTraits = { families: [4, 6], scope: 'link', atomicTakeover: false, leaseBound: 100 };
    const register: ProviderTraits = { ...link, scope: 'any', atomicTakeover: true };
    const list = LIST.map((vip) => ({ ...vip, providers: ['register', 'memory'] }));
    const torn = pair({ list });
    torn.w.traits = (name) => new Map([name === 'b' ? ['memory', link] : ['register', register]]);
    for (const name of ['a', 'b', 'c']) torn.w.boot(name);
    for (const name of ['a', 'b', 'c']) torn.w.host(name).up.clear();
    torn.whole();
    torn.w.run(10_000);
    const before = torn.holders;
    expect(torn.ofHost('b')).toHaveLength(2);
    torn.quorate(['a', 'c']);
    torn.lesser(['b']);
    torn.w.run(60_000);
    expect(torn.holders).toEqual(before);
  });
});

describe('any links that break between five hosts, in rings that form as they like', () => {
  it.each(Array.from({ length: 60 }, (_, index) => index + 1))(
    'never two, and always one at the end (%i)',
    (seed) => {
      const chance = random(seed);
      const names = ['a', 'b', 'c', 'd', 'e'];
      const torn = new Torn(names, { list: LIST });
      torn.neverTwo(KNOWN_WITHIN + 5);
      for (let round = 0; round < 6; round += 1) {
        torn.mend();
        // One host, `c`, hears everybody, so that nobody is cut off from all.
        for (const one of names)
          for (const other of names)
            if (one < other && one !== 'c' && other !== 'c' && chance() < 0.25) torn.break(one, other);
        const ring = cliqueOf(torn, names, chance);
        if (ring.length * 2 <= names.length) continue;
        const out = names.filter((name) => !ring.includes(name));
        // Who is left out may learn of it first, or last.
        const early = chance() < 0.5;
        if (early) for (const name of out) torn.lesser([name]);
        torn.quorate(ring);
        torn.w.run(chance() * KNOWN_WITHIN);
        if (!early) for (const name of out) torn.lesser([name]);
        for (const name of out) if (chance() < 0.7) torn.form([name]);
        torn.w.run(chance() * 15_000);
        for (const { id } of LIST) expect(torn.w.holders(id), id).toHaveLength(1);
      }
      torn.mend();
      torn.whole();
      torn.w.run(20_000);
      for (const { id } of LIST) expect(torn.w.holders(id), id).toHaveLength(1);
    },
  );
});

/** Hosts that all hear each other, `c` among them. */
function cliqueOf(torn: Torn, names: readonly string[], chance: () => number): string[] {
  const ring = ['c'];
  const order = names.filter((name) => name !== 'c').sort(() => chance() - 0.5);
  for (const name of order) if (ring.every((one) => torn.hears(one, name))) ring.push(name);
  return ring.sort();
}

describe('what is known of bystanders', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => memberId(name, '1'.repeat(16))) as [never, never, never];
  const view = {
    id: viewId(2, a),
    epoch: 2,
    members: [a, c],
    cause: 'network',
    joined: [],
    departed: [],
  } as const;
  const all = { vips: LIST.slice(0, 2), isAskable: () => true };

  it('one that all of a view reach closes nothing to anybody', () => {
    const beside = [{ name: 'b', reached: true, vips: ['v1'] }] as never;
    const aside = new Aside(
      [
        { member: a, beside },
        { member: c, beside },
      ],
      new Set(['a', 'c']),
      [],
    );
    expect(aside.has('v1')).toBe(true);
    expect([...aside.closedTo(a), ...aside.closedTo(c)]).toEqual([]);
  });

  it('two that may have a VIP close it to whoever does not reach both', () => {
    const one = (name: string) => ({ name, reached: true, vips: ['v1'] });
    const aside = new Aside(
      [
        { member: a, beside: [one('d')] },
        { member: c, beside: [one('d'), one('e')] },
      ] as never,
      new Set(['a', 'c']),
      [],
    );
    expect(aside.objection(a, 'v1')).toBe('it may be with e, whom c can reach and a cannot');
    expect(aside.objection(c, 'v1')).toBeUndefined();
  });

  it('who is in the view is none, nor does it have what somebody of the view has', () => {
    const beside = [{ name: 'b', reached: true, vips: ['v1', 'v2'] }] as never;
    const inside = new Aside([{ member: a, beside }], new Set(['a', 'b']), []);
    expect(inside.reachers.size).toBe(0);
    const elsewhere = new Aside([{ member: a, beside }], new Set(['a']), ['v1']);
    expect([elsewhere.has('v1'), elsewhere.has('v2')]).toEqual([false, true]);
  });

  it('what nobody was ever seen to have, or was only asking for, may be with anybody', () => {
    const known = new Bystanders();
    known.hear({ kind: 'bystanders', reached: ['b'] as never, lost: [], lesser: undefined });
    expect(known.beside({ view, ...all })).toEqual([{ name: 'b', reached: true, vips: ['v1', 'v2'] }]);
    const row = (id: string, holders: never[], proven: never[]) => [id, { vip: { id }, holders, proven }];
    const rows = (...list: unknown[]) => ({ rows: new Map(list as never), seats: new Map() }) as never;
    known.remember(rows(row('v1', [a], [a]), row('v2', [b], [b])));
    expect(known.beside({ view, ...all })[0]?.vips).toEqual(['v2']);
    // `b` was asking for what `a` had when it was last seen, and `c` for what `b` had.
    known.remember(rows(row('v1', [b], []), row('v2', [c], [])));
    expect(known.beside({ view, ...all })[0]?.vips).toEqual(['v1', 'v2']);
  });

  it('what somebody had who went without a word it may have until it is back, or all has been calm', () => {
    const row = (id: string, holders: never[]) => [id, { vip: { id }, holders, proven: holders }];
    const rows = (...list: unknown[]) => ({ rows: new Map(list as never), seats: new Map() }) as never;
    const whatIsSaid = (how: 'process' | 'leave', then: (known: Bystanders) => void = () => undefined) => {
      const known = new Bystanders();
      known.remember(rows(row('v1', [b]), row('v2', [a])));
      known.install({ ...view, departed: [{ member: b, how }] });
      // Somebody took it since, whose link may have been broken.
      known.remember(rows(row('v1', [a]), row('v2', [a])));
      then(known);
      known.hear({ kind: 'bystanders', reached: ['b'] as never, lost: [], lesser: undefined });
      return known.beside({ view, ...all })[0]?.vips;
    };
    expect(whatIsSaid('process')).toEqual(['v1']);
    expect(whatIsSaid('leave')).toEqual([]);
    expect(whatIsSaid('process', (known) => known.install({ ...view, members: [a, b, c] }))).toEqual([]);
    const calm = { kind: 'bystanders', reached: undefined, lost: [], lesser: undefined } as const;
    expect(whatIsSaid('process', (known) => known.hear(calm))).toEqual([]);
  });
});

/**
 * One cluster over metal and clouds, with whole agents: who may take what from whom, and when. `metal` carries VIPs on a link,
 * `cloud` by an interface that reassigns in one step, each as its configuration says.
 */
import { describe, expect, it } from 'vitest';
import type { Config, HealthCheckConfig } from '../../../src/config/config.ts';
import type { Vip } from '../../../src/model/vip.ts';
import type { ProviderTraits } from '../../../src/provider/provider.ts';
import { config, vips } from './config.ts';
import { never2, quiet, world as sameWorld, together } from './stage.ts';
import { LEASE_BOUND, World } from './world.ts';

const LOCAL: ProviderTraits = {
  families: [4, 6],
  scope: 'link',
  atomicTakeover: false,
  leaseBound: LEASE_BOUND,
};
const CLOUD: ProviderTraits = { families: [4, 6], scope: 'region', atomicTakeover: true };
const UNLEASED = 30_000;

interface Setup {
  /** By host: what carries its VIPs. */
  readonly hosts: Readonly<Record<string, ReadonlyMap<string, ProviderTraits>>>;
  readonly list?: readonly Vip[];
  readonly of?: (name: string) => Partial<Config>;
}

const metal = new Map([['local', LOCAL]]);
const cloud = new Map([['aws', CLOUD]]);
const list = (count = 2) => vips(count, { providers: ['aws', 'local'] });

function world({ hosts, list: carried = list(), of = () => ({}) }: Setup): World {
  const names = Object.keys(hosts);
  const configOf = (member: string) =>
    config({ member, members: names, vips: carried, overrides: { ...quiet, ...of(member) } });
  return new World({ seed: 1, hosts: names, configOf, traitsOf: (name) => hosts[name] ?? metal });
}

/** Everybody in one view and everything held, v1 by the first host named. */
function settled(w: World, prefer?: string): World {
  together(w);
  w.run(1_000);
  if (prefer === undefined) return w;
  w.give([...w.hosts.values()][0]!, {
    kind: 'command',
    number: 9,
    command: { kind: 'move', vip: 'v1', to: prefer },
  });
  w.run(1_000);
  expect(w.holders('v1').map((h) => h.name)).toEqual([prefer]);
  return w;
}

/** From now on: when v1 was acquired, and by whom and how. */
function nextAcquire(w: World, within: number): { after: number; host: string; guard: string } | undefined {
  const from = w.now;
  const seen = w.actions.length;
  w.run(within);
  for (const { at, host, action } of w.actions.slice(seen)) {
    const request = action.kind === 'acquire' && action.requests.find(({ vip }) => vip.id === 'v1');
    if (request) return { after: at - from, host, guard: request.guard.kind };
  }
  return undefined;
}

/** The power of a host goes. */
function powerLoss(w: World, name: string): void {
  const host = w.host(name);
  host.alive = false;
  host.up.clear();
  w.at(w.now + 1, () => w.departed(host, 'host'));
}

describe('between two that carry a VIP by the same cloud', () => {
  const hosts = { a: cloud, b: cloud, m: metal };

  it.each(['process', 'host'] as const)(
    'a death (%s) is waited for by nobody, and no link is asked',
    (how) => {
      const w = settled(world({ hosts, of: (name) => (name === 'm' ? { capacity: 0 } : {}) }), 'a');
      if (how === 'host') powerLoss(w, 'a');
      else w.kill('a');
      const taken = nextAcquire(w, 1_000);
      expect(taken).toMatchObject({ host: 'b', guard: 'at-once' });
      expect(taken?.after).toBeLessThan(20);
    },
  );
});

describe('what the register of a cloud says is not ours any more', () => {
  const lost = { kind: 'lost', vip: 'v1', reason: 'it is written for nobody' } as const;
  const taken = (w: World, by: 'c' | 'm' = 'c') => {
    const provider = by === 'c' ? 'aws' : 'local';
    w.at(w.now + 1, () => w.give(w.host(by), { kind: 'provider', provider, event: lost }));
    return nextAcquire(w, 10_000);
  };

  it('is taken again at once where all carry it there', () => {
    const again = taken(settled(world({ hosts: { c: cloud, d: cloud } }), 'c'));
    expect(again).toMatchObject({ host: 'c' });
    expect(again?.after).toBeLessThan(20);
  });

  it('may be on a link by now where somebody carries it so: its lease is waited for', () => {
    const again = taken(settled(world({ hosts: { c: cloud, m: metal } }), 'c'));
    expect(again).toMatchObject({ host: 'c' });
    expect(again?.after).toBeGreaterThanOrEqual(LEASE_BOUND);
    expect(again?.after).toBeLessThan(LEASE_BOUND + 50);
  });

  it('says nothing of what was removed on a link, where nobody else can do that', () => {
    const again = taken(settled(world({ hosts: { c: cloud, m: metal } }), 'm'), 'm');
    expect(again).toMatchObject({ host: 'm' });
    expect(again?.after).toBeLessThan(20);
  });
});

describe('between one that carries a VIP on a link and one that carries it in a cloud', () => {
  const hosts = { c: cloud, m: metal };

  it.each(['process', 'host'] as const)('the cloud waits until the lease on the link is over (%s)', (how) => {
    const w = never2(settled(world({ hosts }), 'm'));
    if (how === 'host') powerLoss(w, 'm');
    else w.kill('m');
    const taken = nextAcquire(w, 10_000);
    expect(taken).toMatchObject({ host: 'c', guard: 'at-once' });
    expect(taken?.after).toBeGreaterThanOrEqual(LEASE_BOUND);
    expect(taken?.after).toBeLessThan(LEASE_BOUND + 50);
  });

  it('the link waits for what the cloud does not end by itself, as long as an agent needs to come back', () => {
    const w = settled(world({ hosts }), 'c');
    w.kill('c');
    const taken = nextAcquire(w, 60_000);
    expect(taken).toMatchObject({ host: 'm', guard: 'when-silent' });
    expect(taken?.after).toBeGreaterThanOrEqual(UNLEASED);
    expect(taken?.after).toBeLessThan(UNLEASED + 50);
  });

  it('a lease in the guest of the cloud host is all that is waited for', () => {
    const leased = new Map([['aws', { ...CLOUD, leaseBound: 2_100 }]]);
    const w = settled(world({ hosts: { c: leased, m: metal } }), 'c');
    w.kill('c');
    const taken = nextAcquire(w, 60_000);
    expect(taken?.host).toBe('m');
    expect(taken?.after).toBeGreaterThanOrEqual(2_100);
    expect(taken?.after).toBeLessThan(2_150);
  });

  it.each([
    ['m', 'c'],
    ['c', 'm'],
  ])('what %s releases, %s has at once', (from, to) => {
    const w = never2(settled(world({ hosts }), from));
    w.give(w.host(from), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to } });
    expect(nextAcquire(w, 5_000)?.after).toBeLessThan(20);
    expect(w.holders('v1').map((h) => h.name)).toEqual([to]);
  });

  it('a polite stop is waited for by nobody', () => {
    const w = never2(settled(world({ hosts }), 'm'));
    w.give(w.host('m'), { kind: 'stop', reason: 'test' });
    expect(nextAcquire(w, 5_000)?.after).toBeLessThan(30);
  });

  it('who came after the death waits as well: the others tell it', () => {
    const w = world({ hosts: { d: cloud, m: metal, n: metal } });
    const joined = ['m', 'n'].map((name) => w.host(name).id);
    w.form(joined, 'host');
    w.run(1_000);
    w.give(w.host('m'), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to: 'm' } });
    w.run(1_000);
    const dies = w.now;
    w.host('m').alive = false;
    // Its guardian is gone with it: the address stays until the lease is over.
    w.at(dies + LEASE_BOUND, () => w.host('m').up.clear());
    w.host('n').failing.set('v1', 50);
    w.at(dies + 1, () => w.form([w.host('n').id], 'process'));
    w.at(dies + 100, () => w.form([w.host('n').id, w.host('d').id], 'host'));
    never2(w);
    w.run(12_000);
    expect(w.holders('v1').map((h) => h.name)).toEqual(['d']);
  });

  it('is waited for also by who is left alone meanwhile, with nobody that carries it so', () => {
    const w = settled(world({ hosts: { c: cloud, m: metal, n: metal } }), 'c');
    w.kill('c');
    w.run(500);
    w.give(w.host('m'), { kind: 'stop', reason: 'test' });
    const taken = nextAcquire(w, 60_000);
    expect(taken?.host).toBe('n');
    expect(taken?.after).toBeGreaterThan(UNLEASED - 1_000);
  });

  it('after a stall who has met such a one waits as if it had seen it go', () => {
    const w = settled(world({ hosts: { c: cloud, m: metal } }), 'c');
    const m = w.host('m');
    w.give(m, { kind: 'stalled', lateness: 3_000 });
    w.form([m.id], 'process');
    const taken = nextAcquire(w, 60_000);
    expect(taken?.host).toBe('m');
    expect(taken?.after).toBeGreaterThan(UNLEASED - 100);
  });

  it('after the next holder has it nobody waits for the one before', () => {
    const w = never2(settled(world({ hosts: { c: cloud, d: cloud, m: metal } }), 'm'));
    w.kill('m');
    w.run(LEASE_BOUND + 500);
    const [holder] = w.holders('v1');
    expect(holder?.name).toBeDefined();
    w.kill(holder?.name ?? '');
    expect(nextAcquire(w, 1_000)?.after).toBeLessThan(20);
  });
});

describe('members that all carry alike', () => {
  it('say nothing of ways to carry that could hold anybody up', () => {
    const w = together(sameWorld());
    w.run(1_000);
    w.kill('a');
    w.run(1_000);
    const reports = w.actions.flatMap(({ action }) =>
      action.kind === 'multicast' && action.message.kind === 'report' ? [action.message] : [],
    );
    expect(reports.at(-1)?.carriers).toEqual([{ provider: 'memory', askable: true, lasts: LEASE_BOUND }]);
    expect(reports.every(({ lasting }) => lasting === undefined)).toBe(true);
  });
});

describe('a provider that has room for so many', () => {
  const slots = (w: World, name: string, count: number) =>
    w.give(w.host(name), {
      kind: 'provider',
      provider: 'aws',
      event: { kind: 'slots', family: 4, slots: count },
    });
  const counts = (w: World) => Object.fromEntries([...w.hosts.values()].map((h) => [h.name, h.up.size]));

  it('is never given more, and the rest goes to the others', () => {
    const w = world({ hosts: { a: cloud, b: cloud, c: cloud }, list: list(6) });
    slots(w, 'a', 1);
    settled(w);
    expect(counts(w)).toEqual({ a: 1, b: 3, c: 2 });
    w.kill('c');
    w.run(1_000);
    expect(counts(w)).toMatchObject({ a: 1, b: 5 });
  });

  it('gives away what it has too much of when the room becomes less, and says why nobody has the rest', () => {
    const w = settled(world({ hosts: { a: cloud, b: cloud }, list: list(6) }));
    slots(w, 'a', 1);
    w.run(1_000);
    expect(counts(w)).toEqual({ a: 1, b: 5 });
    slots(w, 'b', 2);
    w.run(1_000);
    expect(counts(w)).toEqual({ a: 1, b: 2 });
    const unserved = w
      .host('a')
      .agent.status(w.now, 0)
      .vips.filter(({ state }) => state === 'unserved');
    expect(unserved).toHaveLength(3);
    expect(unserved[0]?.reason).toContain(
      'b: no room: it can hold 2 IPv4 addresses by aws, of which 0 are free',
    );
    slots(w, 'b', 9);
    w.run(1_000);
    expect(counts(w)).toEqual({ a: 1, b: 5 });
  });

  it('is not asked to hold the next before it has let go of the last', () => {
    const most = new Map<string, number>();
    const w = world({ hosts: { a: cloud, b: cloud }, list: list(2) });
    slots(w, 'a', 1);
    slots(w, 'b', 1);
    w.check = () => {
      for (const h of w.hosts.values()) most.set(h.name, Math.max(most.get(h.name) ?? 0, h.up.size));
    };
    settled(w);
    // Both are full, so each has to let go before it is given the other's.
    expect(counts(w)).toEqual({ a: 1, b: 1 });
    w.give(w.host('a'), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to: 'b' } });
    w.run(2_000);
    expect(w.answers.at(-1)).toMatchObject({ ok: false, code: 'not-eligible' });
    expect(w.answers.at(-1)?.message).toContain('no room: it can hold 1 IPv4 addresses by aws');
    expect([...most.values()]).toEqual([1, 1]);
  });

  it('is no reason to leave unserved what an impaired member has room for', () => {
    const check: HealthCheckConfig = {
      name: 'web',
      probe: { kind: 'file', path: '/x', present: true },
      interval_ms: 1000,
      timeout_ms: 500,
      rise: 1,
      fall: 1,
      hold_ms: 0,
      when_all_fail: 'keep',
    };
    const w = world({ hosts: { a: cloud, b: cloud }, list: list(4), of: () => ({ checks: [check] }) });
    slots(w, 'b', 3);
    for (const host of w.hosts.values())
      w.give(host, { kind: 'health', verdict: { check: 'web', failing: undefined } });
    settled(w);
    expect(counts(w)).toEqual({ a: 2, b: 2 });
    w.give(w.host('a'), { kind: 'health', verdict: { check: 'web', failing: 'exit status 1' } });
    w.run(1_000);
    expect(counts(w)).toEqual({ a: 1, b: 3 });
  });

  it('counts for nobody while a member is there that knows nothing of room', () => {
    const w = world({ hosts: { a: cloud, b: cloud }, list: list(6) });
    slots(w, 'a', 1);
    w.older = new Set(['b']);
    settled(w);
    expect(counts(w)).toEqual({ a: 3, b: 3 });
    w.older = new Set();
    w.kill('b');
    w.run(1_000);
    expect(counts(w)).toMatchObject({ a: 1 });
  });
});

describe('where a VIP may be', () => {
  const constrained = [
    ...vips(2, { providers: ['local'], constraints: { zones: ['x', 'y'] } }),
    ...vips(4, { providers: ['local'], constraints: { tags: { tier: 'edge' } } }).slice(2),
  ];
  const place: Record<string, Partial<Config>> = {
    a: { zone: 'x' },
    b: { zone: 'z', tags: { tier: 'edge' } },
    c: { tags: { tier: 'core' } },
  };

  it('is said by zones and tags, and status says why somebody is passed over', () => {
    const w = settled(
      world({ hosts: { a: metal, b: metal, c: metal }, list: constrained, of: (name) => place[name] ?? {} }),
    );
    const holders = constrained.map(({ id }) => w.holders(id).map((h) => h.name));
    expect(holders).toEqual([['a'], ['a'], ['b'], ['b']]);
    const status = w.host('a').agent.status(w.now, 0);
    expect(status.vips.find(({ vip }) => vip === 'v1')?.passed_over).toEqual([
      { member: 'b', reason: 'only for zone x or y, and this host is in z' },
      { member: 'c', reason: 'only for zone x or y, and this host is in none' },
    ]);
    expect(status.vips.find(({ vip }) => vip === 'v3')?.passed_over).toContainEqual({
      member: 'c',
      reason: 'only for hosts tagged tier=edge',
    });
    expect(status.warnings).toEqual([]);
    expect(status.members.find(({ name }) => name === 'b')).toMatchObject({
      zone: 'z',
      tags: { tier: 'edge' },
    });
    w.kill('a');
    w.run(1_000);
    expect(w.holders('v1')).toEqual([]);
  });

  it('spreads a group over zones', () => {
    const zones: Record<string, string> = { a: 'x', b: 'x', c: 'y' };
    const spread = vips(2, { providers: ['local'], constraints: { spread: 'web' } });
    const w = settled(
      world({
        hosts: { a: metal, b: metal, c: metal },
        list: spread,
        of: (name) => ({ zone: zones[name] ?? '' }),
      }),
    );
    expect(spread.map(({ id }) => w.holders(id)[0]?.name)).toEqual(['a', 'c']);
  });
});

describe('a VIP that gets another name, one file after the other', () => {
  const renamed = list().map((vip) => (vip.id === 'v1' ? { ...vip, id: 'x1' } : vip));
  const rename = (w: World, name: string) =>
    w.give(w.host(name), {
      kind: 'config',
      config: config({
        member: name,
        members: [...w.hosts.keys()],
        vips: renamed,
        overrides: { ...quiet, digest: 'renamed' },
      }),
    });

  /** The address is at most once up, whatever it is called. */
  function onceUp(w: World): World {
    w.check = () => {
      const up = [...w.holders('v1'), ...w.holders('x1')].map(({ name }) => name);
      if (new Set(up).size > 1) throw new Error(`up on ${up.join(' and ')} at ${w.now}`);
    };
    return w;
  }

  it.each([
    ['c', 'c', 'm'],
    ['c', 'm', 'c'],
    ['m', 'c', 'm'],
    ['m', 'm', 'c'],
  ])(
    'moves only when %s has let go of it under the old one: first the file of %s, then of %s',
    (holder, first, then) => {
      const w = onceUp(settled(world({ hosts: { c: cloud, m: metal } }), holder));
      rename(w, first);
      w.run(3_000);
      rename(w, then);
      w.run(3_000);
      expect(w.holders('v1')).toEqual([]);
      expect(w.holders('x1')).toHaveLength(1);
    },
  );

  it('waits for what one that went may still have under the other name', () => {
    const w = onceUp(settled(world({ hosts: { c: cloud, d: cloud, m: metal } }), 'c'));
    rename(w, 'c');
    w.run(1_000);
    const had = w.holders('x1').map(({ name }) => name);
    w.kill('c');
    w.run(UNLEASED - 1_000);
    expect(had).toEqual(['c']);
    expect(w.host('m').up.has('v1')).toBe(false);
  });
});

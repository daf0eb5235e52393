import { describe, expect, it } from 'vitest';
import { config, vip, vips } from './config.ts';
import { guardsIn, loads, never2, together, world } from './stage.ts';
import { outcome, World } from './world.ts';

describe('agent', () => {
  it('spreads the VIPs as soon as everybody expected is here', () => {
    const w = never2(together(world()));
    w.run(200);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
    expect(w.host('b').agent.phase).toBe('settled');
  });

  it('alone waits for maturity, then serves everything', () => {
    const w = world();
    w.form([w.host('a').id], 'host');
    w.run(4900);
    expect(w.host('a').up.size).toBe(0);
    w.run(300);
    expect(w.host('a').up.size).toBe(6);
  });

  it('gives a dead member’s VIPs, and only those, to the others, once the link is silent', () => {
    const w = never2(together(world()));
    w.run(200);
    const before = new Map([...w.hosts.values()].map((h) => [h.name, new Set(h.up)]));
    w.kill('a');
    w.run(60);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
    for (const name of ['b', 'c'])
      for (const id of before.get(name) ?? []) expect(w.host(name).up).toContain(id);
  });

  it('waits for the lease bound where a dead agent’s address stays, then names who answers', () => {
    const w = together(world());
    w.run(200);
    const stuck = [...w.host('a').up];
    w.host('a').alive = false;
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'process',
    );
    w.run(3000);
    expect(w.host('b').up.size + w.host('c').up.size).toBe(4);
    w.run(2000);
    const status = w.host('b').agent.status(w.now, 0);
    for (const { vip: id, reason } of status.vips) {
      if (stuck.includes(id)) expect(reason).toContain('address-in-use');
    }
    w.host('a').up.clear();
    w.run(12_000);
    expect(w.host('b').up.size + w.host('c').up.size).toBe(6);
  });

  it('asks the link for a moment when the holder’s host is silent: a firewall may eat the probes of a living one', () => {
    const w = never2(together(world()));
    w.run(200);
    const kept = new Set(w.host('a').up);
    w.actions.length = 0;
    // Excluded as silent, though it lives and holds; it comes back half a second later.
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'host',
    );
    w.run(500);
    expect(guardsIn(w)).toEqual(['when-silent', 'when-silent']);
    together(w, ['b', 'c', 'a']);
    w.run(500);
    expect(w.host('a').up).toEqual(kept);
  });

  it('acquires at once where the link cannot be asked and the holder’s host is silent', () => {
    const hosts = ['a', 'b', 'c'];
    const configOf = (member: string) => config({ member, members: hosts, vips: vips(6) });
    const w = together(new World({ seed: 1, hosts, configOf, linkScope: false }));
    w.run(200);
    w.host('a').alive = false;
    w.host('a').up.clear();
    w.actions.length = 0;
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'host',
    );
    w.run(100);
    expect(guardsIn(w)).toEqual(['at-once', 'at-once']);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
  });

  it('with takeover strict waits for the lease bound though the host is silent', () => {
    const w = together(
      world({
        overrides: { agent: { ...config({ member: 'a', members: [], vips: [] }).agent, takeover: 'strict' } },
      }),
    );
    w.run(200);
    w.host('a').alive = false;
    w.host('a').up.clear();
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'host',
    );
    w.run(3900);
    expect(w.host('b').up.size + w.host('c').up.size).toBe(4);
    w.run(400);
    expect(w.host('b').up.size + w.host('c').up.size).toBe(6);
  });

  it('stops politely: hands everything over, then leaves', () => {
    const w = never2(together(world()));
    w.run(200);
    w.give(w.host('a'), { kind: 'stop', reason: 'SIGTERM' });
    w.run(30);
    expect(w.host('a').stopped).toBe(true);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
  });

  it('ends within the stop bound though the group is silent', () => {
    const w = together(world());
    w.run(200);
    w.form([w.host('a').id], 'host');
    w.host('a').component.members = [];
    w.give(w.host('a'), { kind: 'stop', reason: 'SIGTERM' });
    w.run(3100);
    expect(w.host('a').stopped).toBe(true);
    expect(w.host('a').up.size).toBe(0);
  });

  it('settles a conflict after a merge: one keeper, which announces after the other released', () => {
    const w = together(world({ hosts: ['a', 'b'] }));
    w.run(200);
    w.connected = () => false;
    for (const name of ['a', 'b']) w.form([w.host(name).id], 'host');
    w.run(200);
    expect(loads(w)).toEqual({ a: 6, b: 6 });
    w.connected = () => true;
    w.actions.length = 0;
    together(w);
    w.run(50);
    expect(loads(w)).toEqual({ a: 6, b: 0 });
    const order = w.actions
      .map(({ host, action }) => `${host} ${action.kind}`)
      .filter((x) => /b release|a announce/.test(x));
    expect(order[0]).toBe('b release');
    expect(order.at(-1)).toBe('a announce');
  });

  it('rebalances after a merge in rounds, never two holders on the way', () => {
    const w = together(world({ hosts: ['a', 'b'] }));
    w.run(200);
    w.kill('b');
    w.run(100);
    w.boot('b');
    never2(together(w));
    w.run(20_000);
    expect(loads(w)).toEqual({ a: 3, b: 3 });
  });

  it('honours preference and capacity', () => {
    const list = [vip('v1', { prefer: ['c'] }), ...vips(9).slice(1)];
    const w = together(world({ list, of: (name) => (name === 'a' ? { capacity: 2 } : {}) }));
    w.run(200);
    expect(w.holders('v1').map((h) => h.name)).toEqual(['c']);
    expect(w.host('a').up.size).toBeGreaterThanOrEqual(4);
  });

  it('passes a failed acquire on, and tries again after a growing delay', () => {
    const w = world({ hosts: ['a', 'b'] });
    w.host('a').failing.set('v1', 3);
    together(w);
    w.run(300);
    expect(w.holders('v1').map((h) => h.name)).toEqual(['b']);
    const status = w.host('b').agent.status(w.now, 0);
    expect(status.vips.find((v) => v.vip === 'v1')?.holder).toBe('b');
  });

  it('serves a VIP again that no member could acquire for a while', () => {
    const w = world({ hosts: ['a', 'b'] });
    for (const name of ['a', 'b']) w.host(name).failing.set('v1', 4);
    together(w);
    w.run(300);
    expect(
      w
        .host('a')
        .agent.status(w.now, 0)
        .vips.find((v) => v.vip === 'v1')?.reason,
    ).toContain('broken interface');
    w.run(20_000);
    expect(w.holders('v1')).toHaveLength(1);
  });

  it('puts an address back that another tool removed, and passes it on when that goes on', () => {
    const w = together(world());
    w.run(200);
    const host = [...w.hosts.values()].find((h) => h.up.has('v1'));
    if (!host) throw new Error('v1 is not up');
    host.up.delete('v1');
    w.give(host, {
      kind: 'provider',
      provider: 'memory',
      event: { kind: 'lost', vip: 'v1', reason: 'ip addr del' },
    });
    w.run(50);
    expect(host.up).toContain('v1');
    for (let i = 0; i < 3; i++) {
      host.up.delete('v1');
      w.give(host, {
        kind: 'provider',
        provider: 'memory',
        event: { kind: 'lost', vip: 'v1', reason: 'ip addr del' },
      });
      w.run(50);
    }
    expect(w.holders('v1').map((h) => h.name)).not.toContain(host.name);
    expect(w.holders('v1')).toHaveLength(1);
  });

  it('hands over at once what its host cannot carry any more', () => {
    const w = never2(together(world()));
    w.run(200);
    for (const id of [...w.host('a').up]) {
      w.give(w.host('a'), {
        kind: 'provider',
        provider: 'memory',
        event: { kind: 'fitness', vip: id, fit: false, reason: 'no carrier' },
      });
    }
    w.run(50);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
  });

  it('drains, refuses nonsense, moves and unpins', () => {
    const w = never2(together(world()));
    w.run(200);
    const ask = (command: Parameters<World['give']>[1] & { kind: 'command' }) => w.give(w.host('a'), command);
    ask({ kind: 'command', number: 1, command: { kind: 'drain', member: 'b' } });
    w.run(50);
    expect(loads(w)).toEqual({ a: 3, b: 0, c: 3 });
    ask({ kind: 'command', number: 2, command: { kind: 'move', vip: 'v1', to: 'b' } });
    w.run(20);
    expect(w.answers.at(-1)).toMatchObject({ ok: false, code: 'not-eligible' });
    ask({ kind: 'command', number: 3, command: { kind: 'undrain', member: 'b' } });
    w.run(20);
    ask({ kind: 'command', number: 4, command: { kind: 'move', vip: 'v1', to: 'b' } });
    w.run(30);
    expect(w.holders('v1').map((h) => h.name)).toEqual(['b']);
    ask({ kind: 'command', number: 5, command: { kind: 'move', vip: 'nope', to: 'b' } });
    expect(w.answers.at(-1)).toMatchObject({ ok: false, code: 'unknown-vip' });
    ask({ kind: 'command', number: 6, command: { kind: 'drain', member: 'zz' } });
    expect(w.answers.at(-1)).toMatchObject({ ok: false, code: 'unknown-member' });
    ask({ kind: 'command', number: 7, command: { kind: 'rebalance' } });
    w.run(3000);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('takes a command that follows upon another before the first was seen to work', () => {
    const w = never2(together(world()));
    w.run(200);
    w.give(w.host('a'), { kind: 'command', number: 1, command: { kind: 'drain', member: 'b' } });
    w.run(50);
    w.give(w.host('a'), { kind: 'command', number: 2, command: { kind: 'undrain', member: 'b' } });
    while (w.answers.length < 2) w.run(0.1);
    w.give(w.host('a'), { kind: 'command', number: 3, command: { kind: 'move', vip: 'v1', to: 'b' } });
    w.run(50);
    expect(w.answers.at(-1)).toMatchObject({ ok: true });
    expect(w.holders('v1').map((h) => h.name)).toEqual(['b']);
  });

  it('keeps a pin through a view change', () => {
    const w = together(world());
    w.run(200);
    const from = w.holders('v1')[0]?.name;
    const to = from === 'b' ? 'c' : 'b';
    w.give(w.host('a'), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to } });
    w.run(50);
    together(w);
    w.run(100);
    const table = w.host(to).agent.status(w.now, 0);
    expect(table.vips.find((v) => v.vip === 'v1')).toMatchObject({
      holder: to,
      reason: expect.stringContaining('operator'),
    });
  });

  it('with policy primary serves only where the votes are', () => {
    const w = together(world({ list: vips(6, { policy: 'primary' }) }));
    w.run(200);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
    w.connected = (x, y) => (x.name === 'a') === (y.name === 'a');
    w.form([w.host('a').id], 'host');
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'host',
    );
    w.run(100);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
    expect(w.host('a').agent.status(w.now, 0).vips[0]?.reason).toContain('1 of 3 votes');
  });

  it('releases everything first after a stall, then asks', () => {
    const w = together(world());
    w.run(200);
    w.actions.length = 0;
    w.give(w.host('a'), { kind: 'stalled', lateness: 1500 });
    const first = w.actions.find((x) => x.host === 'a' && x.action.kind !== 'note');
    expect(first?.action.kind).toBe('release');
    w.run(200);
    expect(Object.values(loads(w)).reduce((a, b) => a + b)).toBe(6);
  });

  it('holds nothing while outranked, and again afterwards', () => {
    const w = together(world());
    w.run(200);
    const by = w.host('a').component;
    w.give(w.host('a'), {
      kind: 'group',
      event: { kind: 'outranked', by: `${by.epoch}.x` as never, reason: 'hears a bigger view' },
    });
    w.run(50);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
    expect(w.host('a').agent.phase).toBe('outranked');
    w.give(w.host('a'), { kind: 'group', event: { kind: 'outranked', by: undefined, reason: 'over' } });
    w.run(20_000);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('releases everything when detached, and joins again', () => {
    const w = together(world());
    w.run(200);
    w.give(w.host('a'), { kind: 'group', event: { kind: 'detached', reason: 'group thread died' } });
    w.run(300);
    expect(w.host('a').agent.phase).toBe('settled');
    w.run(20_000);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('goes on without a member whose report never comes, and takes it in when it does', () => {
    const w = world();
    const c = w.host('c');
    // The group of c delivers, but its agent is too slow to say anything.
    c.agent = Object.assign(Object.create(c.agent), { handle: () => [], nextTimeout: () => undefined });
    together(w);
    w.run(5500);
    expect(loads(w)).toEqual({ a: 3, b: 3, c: 0 });
    expect(
      w
        .host('a')
        .agent.status(w.now, 0)
        .members.find((m) => m.name === 'c')?.problems[0],
    ).toContain('silent');
  });

  it('reloads without touching what stays; where files differ nobody gets what it does not know', () => {
    const w = together(world());
    w.run(200);
    const kept = new Map([...w.hosts.values()].map((h) => [h.name, [...h.up].filter((id) => id !== 'v1')]));
    const list = [...vips(6).slice(1), vip('v9')];
    w.actions.length = 0;
    const next = (name: string) =>
      config({ member: name, members: ['a', 'b', 'c'], vips: list, overrides: { digest: 'new' } });
    w.give(w.host('a'), { kind: 'config', config: next('a') });
    w.run(100);
    expect(w.holders('v9').map((h) => h.name)).toEqual(['a']);
    for (const name of ['b', 'c']) w.give(w.host(name), { kind: 'config', config: next(name) });
    w.run(300);
    expect(w.holders('v1')).toEqual([]);
    expect(w.holders('v9')).toHaveLength(1);
    for (const [name, ids] of kept) for (const id of ids) expect(w.host(name).up).toContain(id);
    const released = w.actions.flatMap(({ action }) =>
      action.kind === 'release' ? action.vips.map((v) => v.id) : [],
    );
    expect(new Set(released)).toEqual(new Set(['v1']));
  });

  it('reports what it holds by a definition that a reload replaced as claimed, and not as held', () => {
    const w = together(world());
    w.run(200);
    const [mine] = [...w.host('a').up];
    const elsewhere = { family: 4 as const, address: '10.9.9.9', prefixLength: 32 };
    const list = vips(6).map((vip) => (vip.id === mine ? { ...vip, addresses: [elsewhere] } : vip));
    w.actions.length = 0;
    const members = ['a', 'b', 'c'];
    const changed = config({ member: 'a', members, vips: list, overrides: { digest: 'new' } });
    w.give(w.host('a'), { kind: 'config', config: changed });
    const [said] = w.actions.flatMap(({ action }) =>
      action.kind === 'multicast' && action.message.kind === 'report' ? [action.message] : [],
    );
    expect(said).toMatchObject({ claims: [mine], held: [...w.host('a').up].filter((id) => id !== mine) });
  });

  it('ignores what does not decode, and says so', () => {
    const w = together(world());
    w.run(200);
    const bytes = new TextEncoder().encode('{"v":1,"kind":"released","view":7}');
    w.give(w.host('a'), { kind: 'group', event: { kind: 'message', sender: w.host('b').id, bytes } });
    expect(w.host('a').agent.status(w.now, 0).counters['messages_malformed']).toBe(1);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it('answers for an outcome it never asked for with nothing', () => {
    const w = together(world());
    w.run(200);
    w.give(w.host('a'), {
      kind: 'acquired',
      outcomes: [outcome('v1', true, { reason: 'late' }), outcome('zz', true, { reason: 'unknown' })],
    });
    w.run(50);
    expect(Object.values(loads(w)).reduce((a, b) => a + b)).toBe(6);
  });
});

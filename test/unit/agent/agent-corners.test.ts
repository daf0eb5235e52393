import { describe, expect, it } from 'vitest';
import { type AgentMessage, encodeMessage } from '../../../src/agent/messages.ts';
import { viewId } from '../../../src/model/view.ts';
import { config, vips } from './config.ts';
import { loads, never2, quiet, together, world } from './stage.ts';
import { LEASE_BOUND, outcome, World } from './world.ts';

describe('agent in a corner', () => {
  it('does not acquire again while the group has not heard that it released or failed', () => {
    for (let gap = 0.5; gap < 4; gap += 0.25) {
      const hosts = ['a', 'b', 'c'];
      const list = vips(1);
      const configOf = (member: string) => config({ member, members: hosts, vips: list, overrides: quiet });
      const w = never2(together(new World({ seed: gap * 100, hosts, configOf, linkScope: false })), list);
      w.run(3000);
      const a = w.holders('v1')[0]?.name ?? '';
      const b = hosts.find((n) => n !== a) ?? '';
      const order = (number: number, command: object) =>
        w.give(w.host(a), { kind: 'command', number, command: command as never });
      order(1, { kind: 'move', vip: 'v1', to: b });
      w.run(gap);
      order(2, { kind: 'drain', member: b });
      w.run(gap);
      order(3, { kind: 'drain', member: a });
      w.run(200);
      expect(w.holders('v1')).toHaveLength(1);
    }
  });

  it('puts nothing up again once the time for a polite stop is over', () => {
    const w = together(world());
    w.run(200);
    const a = w.host('a');
    // The order stands still: nothing of what a says comes back.
    a.component = { members: [], epoch: 0 };
    w.give(a, { kind: 'stop', reason: 'SIGTERM' });
    w.run(2990);
    w.actions.length = 0;
    w.run(20);
    w.give(a, { kind: 'renewed', outcomes: [outcome('v1', false, { reason: 'gone', code: 'lost' })] });
    const kinds = w.actions.filter((x) => x.host === 'a').map((x) => x.action.kind);
    expect(kinds).toContain('release');
    expect(kinds).toContain('leave');
    expect(kinds).not.toContain('acquire');
  });

  it('begins nothing after the transitional signal: what it delivers then, others may not, or otherwise', () => {
    const w = together(world());
    w.run(200);
    const [a, c] = [w.host('a'), w.host('c')];
    const view = viewId(a.component.epoch, a.id);
    const said = (message: AgentMessage) =>
      w.give(c, {
        kind: 'group',
        event: { kind: 'message', sender: a.id, bytes: encodeMessage(message) },
      });
    w.actions.length = 0;
    w.give(c, { kind: 'group', event: { kind: 'transitional' } });
    const standing = { mature: true, draining: true, barred: '', leaving: false, capacity: 1, unfit: [] };
    said({ kind: 'standing', view, ...standing });
    said({ kind: 'released', view, vips: [...a.up] });
    expect(w.actions.filter(({ host }) => host === 'c').map(({ action }) => action.kind)).not.toContain(
      'acquire',
    );
    w.kill('a');
    w.run(6_000);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
  });

  it('is not cleared by the departure of somebody who was only asking for it', () => {
    const w = together(world());
    w.run(200);
    const stuck = [...w.host('a').up];
    w.host('a').alive = false;
    w.form(
      ['b', 'c'].map((n) => w.host(n).id),
      'process',
    );
    w.run(200);
    const asking = w.host('b').asking.size > 0 ? 'b' : 'c';
    const other = asking === 'b' ? 'c' : 'b';
    w.host(asking).alive = false;
    w.host(asking).up.clear();
    w.form([w.host(other).id], 'host');
    w.run(1500);
    for (const id of stuck) expect(w.host(other).up).not.toContain(id);
    w.host('a').up.clear();
    w.run(6000);
    expect(w.host(other).up.size).toBe(6);
  });

  it('serves in the end what was in doubt when the link cannot be asked', () => {
    const hosts = ['a', 'b', 'c'];
    const configOf = (member: string) => config({ member, members: hosts, vips: vips(6) });
    const w = together(new World({ seed: 3, hosts, configOf, linkScope: false }));
    w.run(200);
    w.kill('a');
    w.run(50);
    w.boot('a');
    together(w, ['b', 'c', 'a']);
    w.run(LEASE_BOUND + 1500);
    expect(Object.values(loads(w)).reduce((x, y) => x + y)).toBe(6);
  });

  it('tells a failure that came while reports were collected, so that somebody else is asked', () => {
    const w = world({ hosts: ['a', 'b'], overrides: quiet });
    w.host('a').failing.set('v1', 100);
    together(w);
    w.run(11);
    // A newer view while a's acquire is under way.
    together(w);
    w.run(150);
    expect(w.holders('v1').map((h) => h.name)).toEqual(['b']);
  });

  it('forgets that a provider was missing when a reload brings it', () => {
    const list = vips(2, { providers: ['other'] });
    const w = together(world({ hosts: ['a'], list }));
    w.run(200);
    expect(w.host('a').agent.status(w.now, 0).vips[0]?.reason).toContain('none of its providers');
    const next = config({ member: 'a', members: ['a'], vips: vips(2), overrides: { digest: 'new' } });
    w.give(w.host('a'), { kind: 'config', config: next });
    w.run(1500);
    expect(w.host('a').up.size).toBe(2);
  });

  it('answers a command that comes while reports are collected when it has taken effect', () => {
    const w = together(world());
    w.run(200);
    const from = w.holders('v1')[0]?.name ?? '';
    const to = from === 'b' ? 'c' : 'b';
    // Everybody reports again, twice, with the command in between.
    const list = vips(6);
    const next = (member: string, digest: string) =>
      config({ member, members: ['a', 'b', 'c'], vips: list, overrides: { digest } });
    w.give(w.host('a'), { kind: 'config', config: next('a', 'new') });
    w.give(w.host('a'), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to } });
    w.give(w.host('b'), { kind: 'config', config: next('b', 'new') });
    w.give(w.host('c'), { kind: 'config', config: next('c', 'new') });
    w.run(300);
    expect(w.answers).toMatchObject([{ ok: true }]);
    expect(w.holders('v1').map((h) => h.name)).toEqual([to]);
  });

  it('does not carry out a rebalance that was asked for long ago', () => {
    const w = together(world({ overrides: quiet }));
    w.run(200);
    w.give(w.host('a'), { kind: 'command', number: 1, command: { kind: 'rebalance' } });
    w.run(120_000);
    w.give(w.host('b'), { kind: 'command', number: 2, command: { kind: 'drain', member: 'c' } });
    w.run(100);
    w.give(w.host('b'), { kind: 'command', number: 3, command: { kind: 'undrain', member: 'c' } });
    w.run(100);
    const before = loads(w);
    w.actions.length = 0;
    w.form(
      ['b', 'c', 'a'].map((n) => w.host(n).id),
      'host',
    );
    w.run(5000);
    expect(loads(w)).toEqual(before);
  });

  it('says what is wrong with a provider, until it is over', () => {
    const w = together(world());
    w.run(200);
    const tell = (reason: string | undefined) =>
      w.give(w.host('a'), { kind: 'provider', provider: 'memory', event: { kind: 'trouble', reason } });
    tell('its guardian is gone');
    expect(w.host('a').agent.status(w.now, 0).warnings).toEqual(['provider memory: its guardian is gone']);
    tell(undefined);
    expect(w.host('a').agent.status(w.now, 0).warnings).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { viewId } from '../../../src/model/view.ts';
import { config, vips } from './config.ts';
import { World } from './world.ts';

describe('a member that is not outranked any more', () => {
  it('asks the link before it takes back what it had released: the better view may be serving it', () => {
    const hosts = ['a', 'b'];
    const list = vips(2);
    const w = new World({
      seed: 1,
      hosts,
      configOf: (member) => config({ member, members: hosts, vips: list }),
    });
    w.form(
      ['a', 'b'].map((name) => w.host(name).id),
      'host',
    );
    w.run(300);
    const a = w.host('a');
    expect(a.up.size).toBe(1);
    const better = viewId(9, w.host('b').id);
    for (const name of hosts)
      w.give(w.host(name), { kind: 'group', event: { kind: 'outranked', by: better, reason: 'test' } });
    w.run(100);
    expect(a.up.size).toBe(0);
    const from = w.actions.length;
    for (const name of hosts)
      w.give(w.host(name), { kind: 'group', event: { kind: 'outranked', by: undefined, reason: 'test' } });
    w.run(100);
    const guards = w.actions
      .slice(from)
      .flatMap(({ action }) =>
        action.kind === 'acquire' ? action.requests.map(({ guard }) => guard.kind) : [],
      );
    expect(guards.length).toBeGreaterThan(0);
    expect(new Set(guards)).toEqual(new Set(['when-silent']));
  });
});

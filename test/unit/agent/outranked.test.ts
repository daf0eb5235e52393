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

/** Guards of what `a` is asked to acquire once `b`, in one view with it, has released what it held after what `what` does to it. */
function guardsAfter(what: (w: World) => void): Set<string> {
  const hosts = ['a', 'b'];
  const w = new World({
    seed: 1,
    hosts,
    configOf: (member) => config({ member, members: hosts, vips: vips(2) }),
  });
  w.form(
    hosts.map((name) => w.host(name).id),
    'host',
  );
  // Later than what the view itself has everybody ask for.
  w.run(5_000);
  const from = w.actions.length;
  what(w);
  w.run(200);
  return new Set(
    w.actions
      .slice(from)
      .flatMap(({ host, action }) =>
        action.kind === 'acquire' && host.startsWith('a')
          ? action.requests.map(({ guard }) => guard.kind)
          : [],
      ),
  );
}

describe('what a member of the same view releases', () => {
  const better = viewId(9, 'c#0000000000000001' as never);

  it('is put up at once where it is drained', () => {
    const command = { kind: 'drain', member: 'b' } as const;
    expect(guardsAfter((w) => w.give(w.host('b'), { kind: 'command', number: 1, command }))).toEqual(
      new Set(['at-once']),
    );
  });

  it('is asked for where a better view outranks it, of which we do not know yet: that may be serving it', () => {
    const event = { kind: 'outranked', by: better, reason: 'test' } as const;
    expect(guardsAfter((w) => w.give(w.host('b'), { kind: 'group', event }))).toEqual(
      new Set(['when-silent']),
    );
  });

  it('is asked for after a standstill of ours that is shorter than the bound: the others may have gone on', () => {
    expect(
      guardsAfter((w) => {
        w.give(w.host('a'), { kind: 'stalled', lateness: 400 });
        w.give(w.host('b'), { kind: 'command', number: 1, command: { kind: 'drain', member: 'b' } });
      }),
    ).toEqual(new Set(['when-silent']));
  });
});

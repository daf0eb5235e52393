/** What hooks are told of: through the whole core, in the world of agents. */
import { describe, expect, test } from 'vitest';
import type { HookAction } from '../../../src/agent/events.ts';
import { sortedIds } from '../../../src/model/order.ts';
import { vips } from './config.ts';
import { quiet, together, world } from './stage.ts';
import type { World } from './world.ts';

const hooks = {
  commands: { on_up: [], on_down: [], post_up: [], post_down: [] },
  parallel: 1,
  stop_timeout_ms: 0,
};

const told = (w: World, host: string): HookAction[] =>
  w.actions.flatMap(({ host: of, action }) => (of === host && action.kind === 'hook' ? [action] : []));
const words = (actions: readonly HookAction[]) =>
  actions.map(({ event, vips: of }) => `${event} ${of.map(({ id }) => id).join()}`);

describe('hooks', () => {
  test('are not told of anything where there are none', () => {
    const w = together(world({ hosts: ['a'], list: vips(2), overrides: quiet }));
    w.run(10_000);
    expect(w.host('a').up.size).toBe(2);
    expect(told(w, 'a')).toEqual([]);
  });

  test('hear of each VIP, then once of the round, with view and reason', () => {
    const w = together(world({ hosts: ['a'], list: vips(2), overrides: { ...quiet, hooks } }));
    w.run(10_000);
    const heard = told(w, 'a');
    expect(sortedIds(words(heard))).toEqual(['on_up v1', 'on_up v2', 'post_up v1,v2']);
    expect(words(heard).at(-1)).toMatch(/^post_up/);
    expect(heard[0]?.reason).not.toBe('put up');
    expect(heard[0]?.view?.epoch).toBeGreaterThan(0);
  });

  test('hear of the going at a stop and of the coming elsewhere', () => {
    const w = together(world({ hosts: ['a', 'b'], list: vips(4), overrides: { ...quiet, hooks } }));
    w.run(10_000);
    const had = sortedIds(w.host('a').up);
    w.give(w.host('a'), { kind: 'stop', reason: 'test' });
    w.run(12_000);
    const gone = told(w, 'a').filter(({ event }) => event === 'on_down');
    expect(sortedIds(words(gone))).toEqual(had.map((id) => `on_down ${id}`));
    expect(words(told(w, 'a')).at(-1)).toMatch(/^post_down/);
    const came = told(w, 'b').filter(({ event }) => event === 'on_up');
    expect(came.length).toBe(4);
  });

  test('hear of what was taken behind the agent, and that it was put back', () => {
    const w = together(world({ hosts: ['a'], list: vips(1), overrides: { ...quiet, hooks } }));
    w.run(10_000);
    w.host('a').up.delete('v1');
    w.give(w.host('a'), {
      kind: 'provider',
      provider: 'memory',
      event: { kind: 'lost', vip: 'v1', reason: 'somebody removed it' },
    });
    w.run(12_000);
    expect(words(told(w, 'a'))).toEqual([
      'on_up v1',
      'post_up v1',
      'on_down v1',
      'post_down v1',
      'on_up v1',
      'post_up v1',
    ]);
    expect(told(w, 'a')[2]?.reason).toBe('somebody removed it');
  });

  test('hear of everything after the guardian or a stall took it', () => {
    const w = together(world({ hosts: ['a'], list: vips(2), overrides: { ...quiet, hooks } }));
    w.run(10_000);
    w.give(w.host('a'), { kind: 'stalled', lateness: 5_000 });
    w.run(15_000);
    const heard = words(told(w, 'a')).slice(3);
    expect(heard.filter((word) => word.startsWith('on_down')).length).toBe(2);
    expect(heard.filter((word) => word.startsWith('post_down'))).toEqual(['post_down v1,v2']);
    expect(heard.filter((word) => word.startsWith('on_up')).length).toBe(2);
  });

  test('hear nothing of an acquire that failed', () => {
    const w = together(world({ hosts: ['a'], list: vips(1), overrides: { ...quiet, hooks } }));
    w.host('a').failing.set('v1', 1);
    w.run(10_000);
    expect(words(told(w, 'a'))).toEqual(['on_up v1', 'post_up v1']);
  });
});

/** What an agent takes while another view, or what came before, may have it. */
import { describe, expect, it } from 'vitest';
import { quiet, together, world } from './stage.ts';
import { outcome, type World } from './world.ts';

function better(w: World, contested: boolean): void {
  const event = { kind: 'outranked', by: undefined, reason: 'test' } as const;
  const host = w.host('a');
  w.give(host, { kind: 'group', event: contested ? { ...event, contested } : event });
}

function guardsSince(w: World, from: number): string[] {
  return w.actions
    .slice(from)
    .flatMap(({ action }) =>
      action.kind === 'acquire' ? action.requests.map(({ guard }) => guard.kind) : [],
    );
}

describe('an agent that is contested', () => {
  it('takes nothing of a member that fell silent until it is settled, and keeps what it has', () => {
    const w = together(world({ hosts: ['a', 'b'], overrides: quiet }));
    w.run(300);
    const kept = [...w.host('a').up];
    expect(kept).toHaveLength(3);
    better(w, true);
    const from = w.actions.length;
    w.host('b').alive = false;
    w.host('b').up.clear();
    w.form([w.host('a').id], 'host');
    w.run(400);
    expect(guardsSince(w, from)).toEqual([]);
    expect([...w.host('a').up]).toEqual(kept);
    better(w, false);
    w.run(100);
    expect(guardsSince(w, from)).toEqual(Array(3).fill('when-silent'));
    expect(w.host('a').up.size).toBe(6);
  });

  it('breaks off what it is asking for, and asks again afterwards', () => {
    const w = together(world({ hosts: ['a', 'b'], overrides: quiet }));
    w.run(300);
    // b is gone without a word, and its addresses are still answered for.
    w.host('b').alive = false;
    w.form([w.host('a').id], 'process');
    w.run(100);
    expect(w.host('a').asking.size).toBeGreaterThan(0);
    const from = w.actions.length;
    better(w, true);
    expect(w.actions.slice(from).map(({ action }) => action.kind)).toContain('cancel');
    w.run(50);
    better(w, false);
    w.host('b').up.clear();
    w.run(100);
    expect(w.host('a').up.size).toBe(6);
  });
});

describe('what an agent has just acquired', () => {
  it('is asked for when it vanishes: the release seen before says nothing any more', () => {
    const w = together(world({ hosts: ['a', 'b'], overrides: quiet }));
    w.run(3000);
    const [from, to] = [w.host('a'), w.host('b')];
    const [vip = ''] = from.up;
    w.give(from, { kind: 'command', number: 1, command: { kind: 'move', vip, to: 'b' } });
    for (let step = 0; step < 400 && !to.up.has(vip); step++) w.run(0.05);
    expect(to.up.has(vip)).toBe(true);
    const count = w.actions.length;
    to.up.delete(vip);
    w.give(to, { kind: 'provider', provider: 'memory', event: { kind: 'lost', vip, reason: 'test' } });
    w.run(20);
    expect(guardsSince(w, count)).toEqual(['when-silent']);
  });
});

describe('an agent that stood still', () => {
  it('reports again only when everything is released', () => {
    const w = together(world({ overrides: quiet }));
    w.run(300);
    const { agent, up } = w.host('a');
    const says = (event: Parameters<typeof agent.handle>[0]) =>
      agent
        .handle(event, w.now)
        .map((action) => (action.kind === 'multicast' ? action.message.kind : action.kind));
    const first = says({ kind: 'stalled', lateness: 1500 });
    expect(first).toContain('release');
    expect(first).not.toContain('report');
    const outcomes = [...up].map((id) => outcome(id, false, { reason: 'released' }));
    expect(says({ kind: 'released', outcomes })).toContain('report');
  });
});

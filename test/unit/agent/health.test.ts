import { describe, expect, it } from 'vitest';
import type { HealthCheckConfig } from '../../../src/config/config.ts';
import { loads, never2, quiet, together, world } from './stage.ts';
import type { World } from './world.ts';

const looks = {
  probe: { kind: 'file', path: '/x', present: true },
  interval_ms: 1000,
  timeout_ms: 500,
  rise: 1,
  fall: 1,
  hold_ms: 0,
} as const;
const WEB: HealthCheckConfig = { name: 'web', ...looks, when_all_fail: 'keep' };
const STRICT: HealthCheckConfig = { name: 'strict', ...looks, vips: ['v1'], when_all_fail: 'release' };
const RANK: HealthCheckConfig = { name: 'rank', ...looks, penalty: 5, when_all_fail: 'keep' };

function healthy(checks: readonly HealthCheckConfig[], hosts = ['a', 'b', 'c']): World {
  const w = never2(world({ hosts, overrides: { ...quiet, checks } }));
  for (const host of hosts) for (const { name } of checks) tell(w, { host, check: name });
  together(w).run(200);
  return w;
}

function tell(w: World, { host, check, failing }: { host: string; check: string; failing?: string }): void {
  w.give(w.host(host), { kind: 'health', verdict: { check, failing } });
}

const fail = (w: World, host: string, check: string) => {
  tell(w, { host, check, failing: 'exit status 1' });
  w.run(200);
};

describe('a failing health check', () => {
  it('moves the VIPs of its host to the others, released before they are acquired', () => {
    const w = healthy([WEB]);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
    fail(w, 'a', 'web');
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
    const status = w.host('b').agent.status(w.now, 0);
    const moved = status.vips.find(({ reason }) => reason.startsWith('a: check web: exit status 1; '));
    expect(moved?.state).toBe('held');
    expect(status.members[0]?.problems).toEqual(['check web: exit status 1']);
    expect(status.vips[0]?.passed_over).toEqual([]);
    expect(w.host('a').agent.status(w.now, 0)).toMatchObject({
      checks: [{ check: 'web', failing: 'exit status 1', last_resort: true }],
    });
  });

  it('leaves what was given away where it is when it passes again', () => {
    const w = healthy([WEB]);
    fail(w, 'a', 'web');
    tell(w, { host: 'a', check: 'web' });
    w.run(500);
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
    expect(w.host('b').agent.status(w.now, 0).members[0]?.problems).toEqual([]);
  });

  it('of everybody moves nothing: they serve all the same, and the status warns', () => {
    const w = healthy([WEB]);
    fail(w, 'a', 'web');
    fail(w, 'b', 'web');
    expect(loads(w)).toEqual({ a: 0, b: 0, c: 6 });
    fail(w, 'c', 'web');
    expect(loads(w)).toEqual({ a: 0, b: 0, c: 6 });
    expect(w.host('a').agent.status(w.now, 0).warnings).toContain(
      'v1 is served by c though it should not be, since nobody is better off: check web: exit status 1',
    );
    tell(w, { host: 'a', check: 'web' });
    w.run(200);
    expect(loads(w)).toEqual({ a: 6, b: 0, c: 0 });
  });

  it('that asks for release leaves its VIPs unserved where it fails everywhere', () => {
    const w = healthy([STRICT]);
    for (const host of ['a', 'b', 'c']) fail(w, host, 'strict');
    expect(w.holders('v1')).toEqual([]);
    expect(loads(w)).toEqual({ a: 1, b: 2, c: 2 });
    const v1 = w.host('b').agent.status(w.now, 0).vips[0];
    expect(v1).toMatchObject({ state: 'unserved' });
    expect(v1?.reason).toContain('a: check strict: exit status 1');
    tell(w, { host: 'b', check: 'strict' });
    w.run(200);
    expect(w.holders('v1').map(({ name }) => name)).toEqual(['b']);
  });

  it('with a penalty makes way for those with less', () => {
    const w = healthy([RANK, WEB], ['a', 'b']);
    fail(w, 'a', 'rank');
    expect(loads(w)).toEqual({ a: 0, b: 6 });
    fail(w, 'b', 'web');
    expect(loads(w)).toEqual({ a: 6, b: 0 });
  });

  it('survives a view change: who reports it is not given its VIPs back', () => {
    const w = healthy([WEB]);
    fail(w, 'a', 'web');
    w.kill('c');
    w.run(300);
    expect(loads(w)).toMatchObject({ a: 0, b: 6 });
    w.kill('b');
    w.run(300);
    expect(loads(w)).toMatchObject({ a: 6 });
  });

  it('refuses an operator who moves a VIP there, with the reason', () => {
    const w = healthy([WEB]);
    fail(w, 'a', 'web');
    w.give(w.host('b'), { kind: 'command', number: 1, command: { kind: 'move', vip: 'v1', to: 'a' } });
    w.run(100);
    const answers = w.actions.flatMap(({ action }) => (action.kind === 'answer' ? [action.result] : []));
    expect(answers.at(-1)).toMatchObject({
      ok: false,
      message: 'a cannot hold v1: check web: exit status 1',
    });
  });
});

describe('a health check without a result', () => {
  it('keeps a host that starts from being given VIPs while others are well', () => {
    const w = never2(together(world({ overrides: { ...quiet, checks: [WEB] } })));
    w.run(200);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
    tell(w, { host: 'b', check: 'web' });
    w.run(200);
    expect(loads(w)).toEqual({ a: 0, b: 6, c: 0 });
  });

  it('that a reload added takes nothing from a host that serves', () => {
    const w = healthy([]);
    const { agent, config } = w.host('a');
    w.give(w.host('a'), { kind: 'config', config: { ...config, checks: [WEB] } });
    w.run(300);
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
    expect(agent.status(w.now, 0).checks).toEqual([{ check: 'web', last_resort: true }]);
    fail(w, 'a', 'web');
    expect(loads(w)).toEqual({ a: 0, b: 3, c: 3 });
  });

  it('that is not configured here is no news', () => {
    const w = healthy([WEB]);
    fail(w, 'a', 'nosuch');
    expect(loads(w)).toEqual({ a: 2, b: 2, c: 2 });
  });
});

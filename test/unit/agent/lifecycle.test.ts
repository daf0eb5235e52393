/** How a member comes and goes, and what becomes of a command that its view did not carry out. */
import { describe, expect, it } from 'vitest';
import { Commands } from '../../../src/agent/commands.ts';
import { Lifecycle } from '../../../src/agent/lifecycle.ts';

const busy = { empty: false, nothingToHandOver: false };
const free = { empty: true, nothingToHandOver: false };

function joined(at: number): Lifecycle {
  const lifecycle = new Lifecycle();
  lifecycle.joining();
  lifecycle.connected(at);
  return lifecycle;
}

describe('a member that lost its group', () => {
  it('joins again when it has let go of everything, or when its time for that is up', () => {
    const lifecycle = joined(0);
    lifecycle.detach('test', 100);
    expect(lifecycle.finish({ now: 150, ...busy })).toBeUndefined();
    expect(lifecycle.finish({ now: 150, ...free })?.kind).toBe('rejoin');
    expect(lifecycle.finish({ now: 151, ...free })).toBeUndefined();
    const stuck = joined(0);
    stuck.detach('test', 100);
    expect(stuck.finish({ now: 2_099, ...busy })).toBeUndefined();
    expect(stuck.finish({ now: 2_100, ...busy })?.kind).toBe('rejoin');
  });

  it('waits longer each time, until a connection has lasted', () => {
    const lifecycle = new Lifecycle();
    const waits: unknown[] = [];
    const round = (from: number, length: number) => {
      lifecycle.joining();
      lifecycle.connected(from);
      lifecycle.detach('test', from + length);
      const ending = lifecycle.finish({ now: from + length, ...free });
      waits.push(ending?.kind === 'rejoin' ? ending.after : undefined);
    };
    for (const from of [0, 1_000, 2_000]) round(from, 100);
    round(3_000, 10_000);
    expect(waits).toEqual([0, 200, 500, 0]);
  });

  it('is not suspended besides, nor twice', () => {
    const lifecycle = joined(0);
    expect(lifecycle.suspend('stalled')).toBe(true);
    expect(lifecycle.suspend('again')).toBe(false);
    expect(lifecycle.resume()).toBe('stalled');
    lifecycle.detach('test', 100);
    expect(lifecycle.suspend('stalled')).toBe(false);
  });

  it('does not join again once it stops', () => {
    const lifecycle = joined(0);
    lifecycle.detach('test', 100);
    expect(lifecycle.stop('SIGTERM', 5_000)).toBe(true);
    expect(lifecycle.finish({ now: 200, empty: true, nothingToHandOver: true })?.kind).toBe('leave');
    expect(lifecycle.finish({ now: 9_000, empty: true, nothingToHandOver: true })).toBeUndefined();
  });
});

describe('a command that the old view did not carry out', () => {
  const message = { kind: 'operator', command: { kind: 'rebalance' }, via: 'a', number: 1 } as const;

  it('is said again in the next one, once, by its sender alone', () => {
    const commands = new Commands();
    commands.postpone(message, true);
    commands.wait({ ...message, number: 2 }, true);
    commands.postpone({ ...message, number: 3 }, false);
    commands.wait({ ...message, number: 4 }, false);
    expect(commands.again().map(({ number }) => number)).toEqual([1, 2]);
    expect(commands.again()).toEqual([]);
  });
});

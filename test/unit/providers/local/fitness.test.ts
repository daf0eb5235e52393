import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InterfaceFitness } from '../../../../providers/local/fitness.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

const WELL: Link = {
  index: 1,
  name: 'eth0',
  mac: new Uint8Array(6),
  up: true,
  carrier: true,
  resolves: true,
};

describe('fitness of an interface', () => {
  let link: Link | undefined;
  let changes: boolean[];
  let mute: string | undefined;
  let fitness: InterfaceFitness;

  beforeEach(() => {
    vi.useFakeTimers();
    link = WELL;
    changes = [];
    mute = undefined;
    fitness = new InterfaceFitness(500, {
      linkNamed: () => link,
      muteOn: () => mute,
      changed: (name) => changes.push(fitness.of(name).fit),
    });
    fitness.of('eth0');
  });
  afterEach(() => {
    fitness.stop();
    vi.useRealTimers();
  });

  function become(next: Link | undefined): void {
    link = next;
    fitness.look('eth0');
  }

  it.each([
    [undefined, /does not exist/],
    [{ ...WELL, up: false }, /ip link set eth0 up/],
    [{ ...WELL, carrier: false }, /no carrier/],
  ])('ends at once: %j', (next, reason) => {
    become(next);
    expect(changes).toEqual([false]);
    expect(fitness.of('eth0').reason).toMatch(reason);
  });

  it('ends where nobody hears this host, and returns after the hold', () => {
    mute = 'nobody hears it';
    become(WELL);
    expect(fitness.of('eth0')).toEqual({ fit: false, reason: 'nobody hears it' });
    become({ ...WELL, carrier: false });
    expect(fitness.of('eth0').reason).toMatch(/no carrier/);
    mute = undefined;
    become(WELL);
    vi.advanceTimersByTime(500);
    expect(fitness.of('eth0').fit).toBe(true);
  });

  it('returns only when it has lasted', () => {
    become({ ...WELL, carrier: false });
    become(WELL);
    vi.advanceTimersByTime(499);
    expect(changes).toEqual([false]);
    vi.advanceTimersByTime(1);
    expect(changes).toEqual([false, true]);
  });

  it('begins to wait anew with each flap', () => {
    for (let flaps = 0; flaps < 5; flaps++) {
      become({ ...WELL, carrier: false });
      become(WELL);
      vi.advanceTimersByTime(400);
    }
    expect(fitness.of('eth0').fit).toBe(false);
    vi.advanceTimersByTime(100);
    expect(fitness.of('eth0').fit).toBe(true);
  });
});

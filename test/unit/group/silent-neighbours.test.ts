import { describe, expect, test } from 'vitest';
import { AddressBook } from '../../../src/group/address-book.ts';
import { SilentNeighbours } from '../../../src/group/silent-neighbours.ts';
import type { ForgetResult } from '../../../src/platform/neighbour-table.ts';

const INTERVAL = 50;

/** Rounds of one host that knows so many silent addresses, and what the kernel was made to forget in each. */
class Rounds {
  readonly asked: (readonly string[])[] = [];
  readonly sources = new Set<string | undefined>();
  result: ForgetResult = 0;
  readonly #book = new AddressBook();
  readonly #neighbours: SilentNeighbours;
  readonly #interval: number;

  constructor(addresses: readonly string[], interval = INTERVAL) {
    this.#interval = interval;
    for (const host of addresses)
      this.#book.add({ at: { host, port: 1 }, configured: true, address: host, name: undefined, now: 0 });
    this.#neighbours = new SilentNeighbours(
      { seekInterval: interval, source: '10.0.0.1' },
      (some, source) => {
        this.asked.push(some);
        this.sources.add(source);
        return this.result;
      },
    );
  }

  run(rounds: number, from = 0): number {
    const before = this.asked.flat().length;
    for (let round = 0; round < rounds; round += 1)
      this.#neighbours.askAnew([...this.#book.all()], from + round * this.#interval);
    return this.asked.flat().length - before;
  }
}

describe('silent neighbours', () => {
  test('are asked for with every seek, from where seeks leave', () => {
    const rounds = new Rounds(['10.0.0.2']);
    expect(rounds.run(20)).toBe(20);
    expect(rounds.sources).toEqual(new Set(['10.0.0.1']));
  });

  test('are asked for every fourth time once they have been silent for ten minutes', () => {
    const rounds = new Rounds(['10.0.0.2']);
    expect(rounds.run(20, 600_000)).toBe(5);
  });

  test('that are many take turns, four at a time', () => {
    const addresses = Array.from({ length: 10 }, (_, at) => `10.0.0.${at + 2}`);
    const rounds = new Rounds(addresses);
    rounds.run(30);
    expect(new Set(rounds.asked.map(({ length }) => length))).toEqual(new Set([4]));
    // Three rounds have room for twelve: nobody waits longer.
    for (let round = 0; round + 3 <= 30; round += 1)
      expect(new Set(rounds.asked.slice(round, round + 3).flat()).size, `from round ${round}`).toBe(10);
  });

  test('are left to the kernel where it may not be told, and where seeks are no quicker than it', () => {
    const rounds = new Rounds(['10.0.0.2']);
    rounds.result = 'not-allowed';
    expect(rounds.run(20)).toBe(1);
    expect(new Rounds(['10.0.0.2'], 1000).run(20)).toBe(0);
  });
});

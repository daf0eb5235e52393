import { describe, expect, it } from 'vitest';
import { loadsOf, servedOnce } from '../../../src/lab/cluster.ts';
import { componentsOf, connected, type HostConnection } from '../../../src/lab/topology.ts';

describe('served once', () => {
  const holders = new Map([
    ['10.0.0.1', ['a', 'c']],
    ['10.0.0.2', ['b', 'c']],
  ]);

  it('means one holder in each group', () => {
    expect(servedOnce(holders, [['a', 'b'], ['c']])).toBe(true);
    expect(servedOnce(holders, [['a', 'c'], ['b']])).toBe(false);
  });

  it('means no holder outside the groups', () => {
    expect(servedOnce(holders, [['a', 'b']])).toBe(false);
    expect(servedOnce(new Map([['10.0.0.1', []]]), [['a']])).toBe(false);
    expect(servedOnce(new Map([['10.0.0.1', []]]), [])).toBe(true);
  });

  it('counts loads', () => {
    expect(loadsOf(holders, ['a', 'c', 'd'])).toEqual(
      new Map([
        ['a', 1],
        ['c', 2],
        ['d', 0],
      ]),
    );
  });
});

describe('components of the lab', () => {
  const host = (changes: Partial<HostConnection>): HostConnection => ({
    powered: true,
    plugged: true,
    segment: 0,
    ...changes,
  });
  const components = componentsOf(
    new Map([
      ['a', host({})],
      ['b', host({})],
      ['c', host({ segment: 1 })],
      ['d', host({ plugged: false })],
      ['e', host({ segment: undefined })],
      ['f', host({ powered: false })],
    ]),
  );
  const topology = { at: 0, what: 'test', oneWay: false, components };

  it('connect who is on, plugged and on one segment, and nobody else', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const pairs = names.flatMap((x) =>
      names.filter((y) => x < y && connected(topology, x, y)).map((y) => x + y),
    );
    expect(pairs).toEqual(['ab']);
    expect(connected(topology, 'f', 'f')).toBe(false);
  });
});

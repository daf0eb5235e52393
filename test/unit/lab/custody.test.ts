import { describe, expect, it } from 'vitest';
import {
  type AddressChange,
  custodyOf,
  holdersAtEnd,
  lastRelease,
  longestDuplicate,
} from '../../../src/lab/custody.ts';
import type { Topology } from '../../../src/lab/topology.ts';

const X = '10.0.0.1';

function change(at: number, host: string, held: boolean): AddressChange {
  return { at, host, address: X, held };
}

function network(at: number, components: Record<string, string>, oneWay = false): Topology {
  return { at, components: new Map(Object.entries(components)), oneWay, what: 'test' };
}

const JOINED = network(0, { a: '0', b: '0' });

function judge(changes: readonly AddressChange[], topologies: readonly Topology[] = [JOINED], until = 100) {
  return custodyOf({ addresses: [X], changes, topologies, until });
}

describe('custody', () => {
  it('knows who held what, and from when to when', () => {
    const custody = judge([change(10, 'a', true), change(20, 'a', false), change(25, 'b', true)]);
    expect(custody.holds).toEqual([
      { address: X, host: 'a', from: 10, to: 20 },
      { address: X, host: 'b', from: 25 },
    ]);
    expect(custody.duplicates).toEqual([]);
    expect(holdersAtEnd(custody, [X, '10.0.0.2'])).toEqual(
      new Map([
        [X, ['b']],
        ['10.0.0.2', []],
      ]),
    );
  });

  it('says how long a host kept the last of what it held at an instant', () => {
    const holds = [
      { address: X, host: 'a', from: 10, to: 33 },
      { address: '10.0.0.2', host: 'a', from: 10, to: 41 },
      // Over before, begun later, somebody else's.
      { address: '10.0.0.3', host: 'a', from: 1, to: 29 },
      { address: X, host: 'a', from: 50, to: 90 },
      { address: X, host: 'b', from: 34 },
    ];
    expect(lastRelease(holds, { host: 'a', at: 30 })).toBe(11);
    expect(lastRelease(holds, { host: 'a', at: 95 })).toBeUndefined();
    expect(lastRelease(holds, { host: 'b', at: 40 })).toBeUndefined();
    const kept = [...holds, { address: '10.0.0.4', host: 'a', from: 10 }];
    expect(lastRelease(kept, { host: 'a', at: 30 })).toBeUndefined();
  });

  it('finds two connected holders, and for how long', () => {
    const { duplicates } = judge([change(10, 'a', true), change(15, 'b', true), change(18, 'a', false)]);
    expect(duplicates).toEqual([
      { address: X, hosts: ['a', 'b'], from: 15, to: 18, merging: false, oneWay: false },
    ]);
  });

  it('ends a lasting duplicate with the observation', () => {
    const { duplicates } = judge([change(10, 'a', true), change(15, 'b', true)]);
    expect(duplicates).toMatchObject([{ from: 15, to: 100 }]);
  });

  it('counts a release and an acquisition of one reading as a handoff, in whatever order they were read', () => {
    const custody = judge([change(10, 'a', true), change(20, 'b', true), change(20, 'a', false)]);
    expect(custody.duplicates).toEqual([]);
  });

  it('allows a holder in each component, and calls it merging when they meet', () => {
    const apart = network(5, { a: '0', b: '1' });
    const { duplicates } = judge(
      [change(10, 'a', true), change(15, 'b', true), change(60, 'b', false)],
      [JOINED, apart, network(50, { a: '0', b: '0' })],
    );
    expect(duplicates).toEqual([
      { address: X, hosts: ['a', 'b'], from: 50, to: 60, merging: true, oneWay: false },
    ]);
  });

  it('forgets what a host without power holds', () => {
    const custody = judge([change(10, 'a', true), change(30, 'b', true)], [JOINED, network(20, { b: '0' })]);
    expect(custody.duplicates).toEqual([]);
    expect(holdersAtEnd(custody, [X]).get(X)).toEqual(['b']);
  });

  it('marks what happens while frames are lost in one direction', () => {
    const { duplicates } = judge(
      [change(10, 'a', true), change(15, 'b', true)],
      [network(0, { a: '0', b: '0' }, true)],
    );
    expect(duplicates).toMatchObject([{ oneWay: true }]);
  });

  it('looks at the given addresses and at nothing after the end', () => {
    const custody = judge([{ ...change(1, 'a', true), address: '127.0.0.1' }, change(101, 'a', true)]);
    expect(custody.holds).toEqual([]);
  });

  it('clips the longest duplicate to the window', () => {
    const { duplicates } = judge([change(10, 'a', true), change(15, 'b', true), change(45, 'b', false)]);
    expect(longestDuplicate(duplicates, { from: 40, to: 100 })).toBe(5);
    expect(longestDuplicate(duplicates, { from: 50, to: 100 })).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { Standings } from '../../../../providers/local/standings.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

function vip(id: string, address: string): Vip {
  const addresses = [{ family: 4, address, prefixLength: 32 }];
  return { id, addresses, prefer: [], weight: 1, policy: 'component', providers: ['local'] } as Vip;
}

describe('where a VIP would stand', () => {
  const links = new Map<string, Link>();
  const standings = new Standings({ interface: 'eth0' }, { byName: (name) => links.get(name) });
  const has = (index: number) => links.set('eth0', { index, name: 'eth0' } as Link);

  it('is the same object while nothing changes', () => {
    has(2);
    const one = vip('one', '10.0.0.1');
    expect(standings.of(one)).toMatchObject([{ address: '10.0.0.1', interfaceIndex: 2 }]);
    expect(standings.of(one)).toBe(standings.of(one));
  });

  it('follows an interface that is created anew, and is nowhere while there is none', () => {
    const one = vip('one', '10.0.0.1');
    has(2);
    standings.of(one);
    links.delete('eth0');
    expect(standings.of(one)).toBeUndefined();
    has(7);
    expect(standings.of(one)).toMatchObject([{ interfaceIndex: 7 }]);
  });

  it('follows the configuration', () => {
    has(2);
    const before = vip('one', '10.0.0.1');
    const known = standings.of(before);
    standings.configure([vip('one', '10.0.0.9')]);
    expect(standings.of(vip('one', '10.0.0.9'))).toMatchObject([{ address: '10.0.0.9' }]);
    standings.configure([]);
    expect(standings.of(before)).not.toBe(known);
  });
});

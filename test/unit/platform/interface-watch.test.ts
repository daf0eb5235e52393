import { describe, expect, it } from 'vitest';
import { InterfaceTable } from '../../../src/platform/interface-watch.ts';
import type { Link, RouteNotice } from '../../../src/platform/rtnetlink-codec.ts';

function link(changes: Partial<Link> = {}): Link {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  return { index: 2, name: 'eth0', mac, up: true, carrier: true, resolves: true, ...changes };
}
const notice = (about: Link, gone = false): RouteNotice => ({ kind: 'link', gone, link: about });

describe('the table of interfaces', () => {
  it('tells what changed, and nothing where nothing that matters did', () => {
    const table = new InterfaceTable();
    expect(table.apply([notice(link())])).toMatchObject([{ name: 'eth0', before: undefined }]);
    expect(table.apply([notice(link())])).toEqual([]);
    expect(table.apply([notice(link({ carrier: false }))])).toMatchObject([
      { name: 'eth0', before: { carrier: true }, now: { carrier: false } },
    ]);
  });

  it('follows an interface that is deleted and made anew under another index', () => {
    const table = new InterfaceTable();
    table.apply([notice(link())]);
    const changes = table.apply([notice(link(), true), notice(link({ index: 9 }))]);
    expect(changes).toMatchObject([{ name: 'eth0', before: { index: 2 }, now: { index: 9 } }]);
    expect(table.byName('eth0')?.index).toBe(9);
    expect(table.byIndex(2)).toBeUndefined();
    expect(table.apply([notice(link({ index: 9 }), true)])).toMatchObject([{ name: 'eth0', now: undefined }]);
  });

  it('finds out by asking again what it missed', () => {
    const table = new InterfaceTable();
    table.apply([notice(link())]);
    const changes = table.refresh({ links: () => [link({ index: 3, name: 'eth1' })] });
    expect(changes.map(({ name }) => name).sort()).toEqual(['eth0', 'eth1']);
  });
});

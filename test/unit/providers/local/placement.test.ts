import { describe, expect, it } from 'vitest';
import { isMarked, leasedAddress, placementsOf, putUpBy } from '../../../../providers/local/placement.ts';
import type { Vip } from '../../../../src/model/vip.ts';

const MARK = { leaseSeconds: 3, cluster: 'web' };
const VIP: Vip = {
  id: 'web',
  addresses: [
    { family: 4, address: '10.0.0.1', prefixLength: 24 },
    { family: 6, address: '2001:db8::1', prefixLength: 128, interface: 'eth1' },
  ],
  prefer: [],
  weight: 1,
  policy: 'component',
  providers: ['local'],
};

describe('placements', () => {
  it('take the interface of the address before the default', () => {
    expect(placementsOf(VIP, { interface: 'eth0' }).map(({ interfaceName }) => interfaceName)).toEqual([
      'eth0',
      'eth1',
    ]);
  });

  it('say what to mend where none is named, or one that could be mistaken', () => {
    expect(() => placementsOf(VIP, {})).toThrow(/VIP web: 10.0.0.1 names no interface/);
    for (const name of ['', '-x', 'a b', 'a;b', 'x'.repeat(16), 'a\nb', '$(x)']) {
      expect(() => placementsOf(VIP, { interface: name }), name).toThrow(/cannot be used/);
    }
  });

  it('are marked, leased and deprecated', () => {
    const [four, six] = placementsOf(VIP, { interface: 'eth0' }).map((placement) =>
      leasedAddress({ ...placement, interfaceIndex: 2 }, MARK),
    );
    expect(four).toMatchObject({
      validSeconds: 3,
      preferredSeconds: 0,
      origin: 0x57,
      label: 'eth0:w~45',
      flags: 0,
    });
    expect(six).toMatchObject({
      validSeconds: 3,
      preferredSeconds: 0,
      origin: 0x57,
      label: '',
      flags: 0x202,
    });
    expect([four!, six!].every(isMarked)).toBe(true);
  });

  it('go without a label where it does not fit', () => {
    const [four] = placementsOf(VIP, { interface: 'enp129s0f1' }).map((placement) =>
      leasedAddress({ ...placement, interfaceIndex: 2 }, MARK),
    );
    expect(four?.label).toBe('enp129s0f1:w~45');
    const [long] = placementsOf(VIP, { interface: 'enp129s0f1x' });
    expect(leasedAddress({ ...long!, interfaceIndex: 2 }, MARK).label).toBe('');
    for (const label of ['eth0', 'eth0:web', 'eth0:w~', 'eth0:w~123', 'eth0:w~:1'])
      expect(isMarked({ origin: 0, label }), label).toBe(false);
  });

  it('say of which cluster they are, where there is room for it', () => {
    const [four, six] = placementsOf(VIP, { interface: 'eth0' }).map((placement) =>
      leasedAddress({ ...placement, interfaceIndex: 2 }, MARK),
    );
    expect(isMarked({ origin: 0, label: four!.label })).toBe(true);
    expect(putUpBy(four!, 'web')).toBe('it');
    expect(putUpBy(four!, 'db')).toBe('another');
    expect(putUpBy(six!, 'web')).toBe('unknown');
    const names = Array.from({ length: 3000 }, (_, number) => `cluster-${number}`);
    const labels = new Set(
      names.map(
        (cluster) =>
          leasedAddress({ ...six!, family: 4, interfaceName: 'e', interfaceIndex: 2 }, { ...MARK, cluster })
            .label,
      ),
    );
    // Of 4096, by chance: 4096 × (1 − e^(−3000 ÷ 4096)) = 2127.
    expect(labels.size).toBeGreaterThan(2000);
  });
});

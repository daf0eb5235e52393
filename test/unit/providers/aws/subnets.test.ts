import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, keptByAmazon, reservedByAmazon } from '../../../../providers/aws/subnets.ts';

describe('addresses and blocks', () => {
  it('agree with the platform', () => {
    const cases = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.oneof(fc.ipV4(), fc.ipV6())),
      fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.oneof(fc.ipV4(), fc.ipV6())),
    );
    fc.assert(
      fc.property(cases, ([network, bits, address]) => {
        const family = network.includes(':') ? 'ipv6' : 'ipv4';
        const other = address.includes(':') ? 'ipv6' : 'ipv4';
        const block = new BlockList();
        block.addSubnet(network, bits, family);
        expect(contains(`${network}/${bits}`, address)).toBe(family === other && block.check(address, other));
        expect(contains(`${network}/${bits}`, network)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('refuse what is none', () => {
    for (const cidr of ['', '10.0.0.0', '10.0.0.0/33', 'x/8', '10.0.0.0/', '::/129'])
      expect(contains(cidr, '10.0.0.1')).toBe(false);
  });

  it('know what Amazon keeps for itself', () => {
    const kept = (cidr: string, ...addresses: string[]) =>
      addresses.filter((address) => reservedByAmazon(cidr, address));
    expect(
      kept('10.0.0.0/24', '10.0.0.0', '10.0.0.3', '10.0.0.4', '10.0.0.254', '10.0.0.255', '10.0.1.0'),
    ).toEqual(['10.0.0.0', '10.0.0.3', '10.0.0.255']);
    expect(
      kept('2001:db8::/64', '2001:db8::', '2001:db8::3', '2001:db8::4', '2001:db8::ffff:ffff:ffff:ffff'),
    ).toEqual(['2001:db8::', '2001:db8::3', '2001:db8::ffff:ffff:ffff:ffff']);
    for (const cidr of ['10.0.0.0/24', '2001:db8:0:7::/64'])
      expect(reservedByAmazon(cidr, keptByAmazon(cidr)!)).toBe(true);
  });
});

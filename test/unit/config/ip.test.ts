import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp, isSubnetAddress, isSubnetBroadcast, kindOf, parseIp } from '../../../src/config/ip.ts';

/** The platform's own reading of an IPv6 address, as an independent judge. */
function platformForm(text: string): string {
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

describe('parseIp', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0'],
    ['::', '::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('%s has the canonical form %s', (text, canonical) => {
    expect(formatIp(parseIp(text)!)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'fe80::1%eth0',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
    ' 10.0.0.1',
  ])('%j is no address', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test('agrees with the platform on every text', () => {
    const anything = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/));
    fc.assert(
      fc.property(anything, (text) => {
        const ip = parseIp(text);
        expect(ip?.family ?? 0).toBe(isIP(text));
        if (ip?.family === 6) expect(formatIp(ip)).toBe(platformForm(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('kindOf', () => {
  test.each([
    ['10.1.2.3', 'unicast'],
    ['0.0.0.0', 'unspecified'],
    ['127.9.9.9', 'loopback'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['169.254.1.1', 'link-local'],
    ['240.0.0.1', 'reserved'],
    ['2001:db8::1', 'unicast'],
    ['fd00::1', 'unicast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['ff02::1', 'multicast'],
    ['fe80::1', 'link-local'],
    ['::ffff:10.0.0.1', 'reserved'],
  ])('%s is %s', (text, kind) => {
    expect(kindOf(parseIp(text)!)).toBe(kind);
  });
});

test('isSubnetAddress and isSubnetBroadcast look at the bits behind the prefix', () => {
  expect(isSubnetAddress(parseIp('10.0.0.0')!, 24)).toBe(true);
  expect(isSubnetAddress(parseIp('10.0.0.0')!, 6)).toBe(false);
  expect(isSubnetBroadcast(parseIp('10.0.0.255')!, 24)).toBe(true);
  expect(isSubnetBroadcast(parseIp('10.0.0.255')!, 23)).toBe(false);
  expect(isSubnetAddress(parseIp('2001:db8::')!, 64)).toBe(true);
});

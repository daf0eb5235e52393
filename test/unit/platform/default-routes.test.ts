import { expect, test } from 'vitest';
import { ipv4Defaults, ipv6Defaults } from '../../../src/platform/default-routes.ts';

// As this kernel prints them: host order of a little-endian CPU, columns by tabs.
const IPV4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	6400000A	0003	0	0	100	00000000	0	0	0
wg0	00000000	00000000	0001	0	0	0	00000000	0	0	0
eth0	0000000A	00000000	0001	0	0	100	00FFFFFF	0	0	0
`;
const zeros = '0'.repeat(32);
const IPV6 = `${zeros} 00 ${zeros} 00 20010db8000000000000000000000100 00000400 00000001 00000000 00000003     eth0
${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo
20010db8000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     eth0
`;

test('gateways of default routes are read', () => {
  expect(ipv4Defaults(IPV4)).toEqual([
    { family: 4, interfaceName: 'eth0', gateway: '10.0.0.100' },
    { family: 4, interfaceName: 'wg0' },
  ]);
  expect(ipv6Defaults(IPV6)).toEqual([{ family: 6, interfaceName: 'eth0', gateway: '2001:db8::100' }]);
});

test.each(['', '\n\n', 'eth0', `${zeros} 00`, 'x\t00000000\tzz\t0\t0\t0\t0\t00000000'])(
  'a file that is none (%j) names no gateway',
  (text) => {
    expect(
      [...ipv4Defaults(text), ...ipv6Defaults(text)].filter(({ gateway }) => gateway !== undefined),
    ).toEqual([]);
  },
);

/** VIPs for providers that carry anything. */
import type { Vip } from '../../src/model/vip.ts';

export const MEMORY_VIPS: readonly Vip[] = ['a', 'b', 'c'].map((id, at) => ({
  id,
  addresses: [
    { family: 4, address: `192.0.2.${at + 1}`, prefixLength: 32 },
    ...(at === 0 ? [{ family: 6 as const, address: '2001:db8::1', prefixLength: 128 }] : []),
  ],
  prefer: [],
  weight: 1,
  policy: 'component',
  providers: ['memory'],
}));

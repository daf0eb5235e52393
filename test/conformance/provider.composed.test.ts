/** Two memory providers as one: whatever happens to either half, the pair keeps the contract. */
import { createComposedProvider } from '../../providers/composed/provider.ts';
import { MemoryLink } from '../../providers/memory/link.ts';
import { createMemoryProvider, type MemoryProvider } from '../../providers/memory/provider.ts';
import type { Vip } from '../../src/model/vip.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

const VIPS: readonly Vip[] = ['a', 'b', 'c'].map((id, at) => ({
  id,
  addresses: [
    { family: 4, address: `192.0.2.${at + 1}`, prefixLength: 32 },
    ...(at === 0 ? [{ family: 6 as const, address: '2001:db8::1', prefixLength: 128 }] : []),
  ],
  prefer: [],
  weight: 1,
  policy: 'component',
  providers: ['both'],
}));

const placement = { interface: 'eth0', prefix: { 4: 32, 6: 128 } } as const;

async function stage(troubled: (halves: { outer: MemoryProvider; guest: MemoryProvider }) => MemoryProvider) {
  const link = new MemoryLink();
  const outer = createMemoryProvider('outer', {}, { link });
  const guest = createMemoryProvider('guest');
  const half = troubled({ outer, guest });
  const open: ProviderStage = {
    provider: createComposedProvider('both', placement, { outer, guest }),
    vips: VIPS,
    async remove(vip) {
      half.lose(vip.id, 'taken away by a test');
    },
    async occupy(vip) {
      const [address] = vip.addresses;
      link.join(address?.address ?? '', 'stranger');
      return async () => link.leave(address?.address ?? '', 'stranger');
    },
    async cripple(vip) {
      half.setFit(vip.id, false, 'made unfit by a test');
      return async () => half.setFit(vip.id, true, 'well again');
    },
    async end() {},
  };
  return open;
}

describeProvider('composed, trouble outside', () => stage(({ outer }) => outer));
describeProvider('composed, trouble in the guest', () => stage(({ guest }) => guest));

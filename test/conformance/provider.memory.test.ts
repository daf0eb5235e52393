import { MemoryLink } from '../../providers/memory/link.ts';
import { createMemoryProvider } from '../../providers/memory/provider.ts';
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
  providers: ['memory'],
}));

describeProvider('memory', async (): Promise<ProviderStage> => {
  const link = new MemoryLink();
  const provider = createMemoryProvider('memory', {}, { link });
  return {
    provider,
    vips: VIPS,
    async remove(vip) {
      provider.lose(vip.id, 'taken away by a test');
    },
    async occupy(vip) {
      const [address] = vip.addresses;
      link.join(address?.address ?? '', 'stranger');
      return async () => link.leave(address?.address ?? '', 'stranger');
    },
    async cripple(vip) {
      provider.setFit(vip.id, false, 'made unfit by a test');
      return async () => provider.setFit(vip.id, true, 'well again');
    },
    async end() {},
  };
});

import { MemoryLink } from '../../providers/memory/link.ts';
import { createMemoryProvider } from '../../providers/memory/provider.ts';
import { MEMORY_VIPS } from './memory-vips.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

describeProvider('memory', async (): Promise<ProviderStage> => {
  const link = new MemoryLink();
  const provider = createMemoryProvider('memory', {}, { link });
  return {
    provider,
    vips: MEMORY_VIPS,
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

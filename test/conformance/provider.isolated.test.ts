/** The memory provider behind a thread border: the whole contract holds through it. */
import { once } from 'node:events';
import { BroadcastChannel } from 'node:worker_threads';
import { createIsolatedProvider } from '../../src/isolation/isolated-provider.ts';
import type { Vip } from '../../src/model/vip.ts';
import { MEMORY_VIPS } from './memory-vips.ts';
import { describeProvider, type ProviderStage } from './provider.ts';

let stages = 0;

describeProvider('memory, isolated', async (): Promise<ProviderStage> => {
  const channelName = `isolated-${process.pid}-${++stages}`;
  const channel = new BroadcastChannel(channelName);
  const provider = await createIsolatedProvider({
    name: 'memory',
    script: new URL('./isolated-memory-thread.ts', import.meta.url),
    data: { channelName },
  });
  const act = async (deed: string, vip: Vip): Promise<void> => {
    const done = once(channel as unknown as EventTarget, 'message');
    channel.postMessage({ deed, vip });
    await done;
  };
  return {
    provider,
    vips: MEMORY_VIPS,
    remove: (vip) => act('lose', vip),
    async occupy(vip) {
      await act('join', vip);
      return () => act('leave', vip);
    },
    async cripple(vip) {
      await act('unfit', vip);
      return () => act('fit', vip);
    },
    async end() {
      channel.close();
    },
  };
});

/** Thread of `provider.isolated.test.ts`: the memory provider, and a stranger on its link that does what the test says. */
import { BroadcastChannel } from 'node:worker_threads';
import { MemoryLink } from '../../providers/memory/link.ts';
import { createMemoryProvider } from '../../providers/memory/provider.ts';
import { serveProvider } from '../../src/isolation/serve.ts';
import type { Vip } from '../../src/model/vip.ts';
import { workerHome } from '../../src/platform/worker-thread.ts';

const home = workerHome();
const link = new MemoryLink();
const provider = createMemoryProvider('memory', {}, { link });
const channel = new BroadcastChannel((home.data as { channelName: string }).channelName);

channel.onmessage = (event) => {
  const { deed, vip } = (event as unknown as { data: { deed: string; vip: Vip } }).data;
  const address = vip.addresses[0]!.address;
  if (deed === 'lose') provider.lose(vip.id, 'taken away by a test');
  if (deed === 'join') link.join(address, 'stranger');
  if (deed === 'leave') link.leave(address, 'stranger');
  if (deed === 'unfit') provider.setFit(vip.id, false, 'made unfit by a test');
  if (deed === 'fit') provider.setFit(vip.id, true, 'well again');
  channel.postMessage('done');
};
await serveProvider(home, () => provider);

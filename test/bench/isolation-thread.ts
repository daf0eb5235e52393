/** Thread of `isolation.ts`: imports the package it is told to and makes its client, then serves the memory provider. */
import { createMemoryProvider } from '../../providers/memory/provider.ts';
import { serveProvider } from '../../src/isolation/serve.ts';
import { workerHome } from '../../src/platform/worker-thread.ts';

const home = workerHome();
await serveProvider(home, async () => {
  const { url } = home.data as { readonly url?: string };
  if (url !== undefined) {
    const sdk = (await import(url)) as { EC2Client?: new (settings: object) => unknown };
    if (sdk.EC2Client !== undefined) new sdk.EC2Client({ region: 'eu-west-1' });
  }
  return createMemoryProvider('memory', { latency: 5 });
});

/** The list of ways to move an address: the one place where a provider is wired in. Each is loaded only when configured. */
import type { Config, ProviderConfig } from '../config/config.ts';
import type { ProviderName } from '../model/vip.ts';
import type { Provider } from '../provider/provider.ts';

async function createProvider(name: ProviderName, config: ProviderConfig): Promise<Provider> {
  switch (config.kind) {
    case 'local':
      return (await import('../../providers/local/provider.ts')).createLocalProvider(name, config);
    case 'memory':
      return (await import('../../providers/memory/provider.ts')).createMemoryProvider(name);
  }
}

/** In the order of the file. */
export async function createProviders(config: Config): Promise<Map<ProviderName, Provider>> {
  const providers = new Map<ProviderName, Provider>();
  for (const [name, settings] of Object.entries(config.providers)) {
    providers.set(name, await createProvider(name, settings));
  }
  return providers;
}

/** Makes the providers that a configuration names, each on the thread where it belongs. */
import type { Config, ProviderConfig } from '../config/config.ts';
import type { ProviderName } from '../model/vip.ts';
import { installedPackage } from '../platform/installed-package.ts';
import { packagePath, scriptUrl } from '../platform/layout.ts';
import type { Provider, ProviderPlace } from '../provider/provider.ts';
import type { IsolatedThreadData } from './isolated-thread.ts';
import { wiringOf } from './provider-kinds.ts';

/** In the order of the file. Rejects with an Error for a person; what was made is stopped again then. */
export async function createProviders(config: Config): Promise<Map<ProviderName, Provider>> {
  const providers = new Map<ProviderName, Provider>();
  try {
    for (const [name, settings] of Object.entries(config.providers))
      providers.set(name, await createProvider(name, settings, config));
  } catch (error) {
    for (const provider of providers.values()) await provider.stop();
    throw error;
  }
  return providers;
}

/** Rejects with an Error for a person. */
export async function createProvider(
  name: ProviderName,
  settings: ProviderConfig,
  { cluster, member }: ProviderPlace,
): Promise<Provider> {
  const wiring = wiringOf(settings);
  const lacking = wiring.packages.filter((wanted) => installedPackage(wanted) === undefined);
  if (lacking.length > 0) throw new Error(lackingText(name, lacking));
  const place = { cluster, member };
  if (!wiring.isolated) return wiring.create(name, settings, place);
  const { createIsolatedProvider } = await import('../isolation/isolated-provider.ts');
  const data: IsolatedThreadData = { name, settings, place };
  const script = scriptUrl('bin/isolated-thread.ts');
  return createIsolatedProvider({ name, script, data }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`provider ${name}: ${reason}`);
  });
}

/** One message for all that is missing. */
function lackingText(name: ProviderName, lacking: readonly string[]): string {
  const which = lacking.length === 1 ? 'the package' : 'the packages';
  const they = lacking.length === 1 ? 'which is' : 'which are';
  const install = `npm install --include=optional`;
  return `provider ${name} needs ${which} ${lacking.join(' and ')}, ${they} not installed; run \`${install}\` in ${packagePath('.')}`;
}

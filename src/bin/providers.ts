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
      providers.set(name, await createCarrier(name, settings, config));
  } catch (error) {
    for (const provider of providers.values()) await provider.stop();
    throw error;
  }
  return providers;
}

/** Where it is made. */
export interface Making extends ProviderPlace {
  readonly guests?: Config['guests'];
  /** It is only asked, and takes nothing over: nothing is spent on its first call. */
  readonly cold?: boolean;
}

/** With what it needs on this host beside. Rejects with an Error for a person; what was made is stopped again then. */
export async function createCarrier(
  name: ProviderName,
  settings: ProviderConfig,
  config: Making,
): Promise<Provider> {
  const outer = await createProvider(name, settings, config);
  const placement = config.guests?.[name];
  if (placement === undefined) return outer;
  try {
    const { createComposedProvider } = await import('../../providers/composed/provider.ts');
    const guest = await createProvider(name, placement.local, config);
    return createComposedProvider(name, placement, { outer, guest });
  } catch (error) {
    await outer.stop();
    throw error;
  }
}

/** Rejects with an Error for a person. */
export async function createProvider(
  name: ProviderName,
  settings: ProviderConfig,
  { cluster, member, cold = false }: Making,
): Promise<Provider> {
  const wiring = wiringOf(settings);
  const lacking = wiring.packages.filter((wanted) => installedPackage(wanted) === undefined);
  if (lacking.length > 0) throw new Error(lackingText(name, lacking));
  const place = { cluster, member };
  if (!wiring.isolated) return wiring.create(name, settings, place);
  const { createIsolatedProvider } = await import('../isolation/isolated-provider.ts');
  const data: IsolatedThreadData = { name, settings, place, cold };
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

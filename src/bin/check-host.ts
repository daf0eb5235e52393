/** `config check --host`: lets every configured provider rehearse on this host. Changes nothing. */
import type { Config } from '../config/config.ts';
import type { Check } from '../provider/provider.ts';
import { createProviders } from './providers.ts';

/** Longest time for all rehearsals together. */
const BOUND = 20_000;

export async function checkHost(config: Config): Promise<readonly Check[]> {
  const providers = await createProviders(config);
  const signal = AbortSignal.timeout(BOUND);
  const checks: Check[] = [];
  for (const [name, provider] of providers) {
    const vips = config.vips.filter((vip) => vip.providers.find((p) => providers.has(p)) === name);
    checks.push(...(await provider.test(vips, signal)));
  }
  return checks;
}

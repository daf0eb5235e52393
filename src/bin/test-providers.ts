/**
 * Lets the configured providers rehearse a failover to this host, each on its own and all in a bounded time: one that cannot even be made
 * is a line of the answer, and one that does not answer is another. Starts none of them, and changes nothing.
 */
import type { KnownKind, ProviderCheck, ProviderList, TestRequest } from '../commander/collaborators.ts';
import type { Config, ProviderConfig } from '../config/config.ts';
import type { Vip } from '../model/vip.ts';
import { installedPackage } from '../platform/installed-package.ts';
import type { Provider } from '../provider/provider.ts';
import { PROVIDER_KINDS, wiringOf } from './provider-kinds.ts';
import { createCarrier } from './providers.ts';

/** Of the time for all: what is left after it is for saying so. */
const SHARE = 0.9;
/** Longest goodbye of a provider that was only asked. */
const STOP_PATIENCE = 1_000;

/** In the order of the file. Never rejects for a provider's fault. */
export async function testProviders(request: TestRequest): Promise<readonly ProviderCheck[]> {
  const { config, provider: wanted, vip, timeout } = request;
  const signal = AbortSignal.timeout(Math.ceil(timeout * SHARE));
  const chosen = Object.entries(config.providers).filter(([name]) => wanted === undefined || name === wanted);
  const answers = await Promise.all(
    chosen.map(async ([name, settings]) => {
      const vips = carriedBy(name, config).filter(({ id }) => vip === undefined || id === vip);
      const checks = await rehearse({ ...request, name, settings, vips, signal });
      return checks.map((check): ProviderCheck => ({ provider: name, ...check }));
    }),
  );
  return answers.flat();
}

/** VIPs for which it is the first provider that this host has. */
function carriedBy(name: string, { vips, providers }: Config): readonly Vip[] {
  return vips.filter((vip) => vip.providers.find((one) => Object.hasOwn(providers, one)) === name);
}

interface Rehearsal extends TestRequest {
  readonly name: string;
  readonly settings: ProviderConfig;
  readonly vips: readonly Vip[];
  readonly signal: AbortSignal;
}

async function rehearse({
  name,
  settings,
  vips,
  config,
  signal,
  context,
}: Rehearsal): Promise<readonly ProviderCheck[]> {
  const what = 'provider';
  const making = createCarrier(name, settings, { ...config, cold: true });
  try {
    const provider = await inTime(making, signal);
    if (provider === undefined) return [tooLate('it was not loaded in time')];
    try {
      return (await inTime(provider.test(vips, signal, context), signal)) ?? [tooLate('no answer in time')];
    } finally {
      await stopped(provider);
    }
  } catch (error) {
    const [detail = '', ...mend] = (error instanceof Error ? error.message : String(error)).split('; ');
    return [{ what, verdict: 'fail', detail, mend: mend.join('; ') || 'see to what it says' }];
  } finally {
    // One that comes too late is put away when it comes.
    void making.then(stopped, () => undefined);
  }
}

function tooLate(detail: string): ProviderCheck {
  const mend =
    'ask again with a longer --timeout; if that changes nothing, look whether its API can be reached from here';
  return { what: 'provider', verdict: 'unknown', detail, mend };
}

/** Undefined once the signal is raised; a little later, so that what was found until then can be told. */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => {
    const raised = (): void => void setTimeout(() => resolve(undefined), 200);
    if (signal.aborted) raised();
    signal.addEventListener('abort', raised, { once: true });
  });
  return Promise.race([work, late]);
}

async function stopped(provider: Provider): Promise<void> {
  const bound = new Promise<void>((resolve) => setTimeout(resolve, STOP_PATIENCE).unref());
  await Promise.race([provider.stop().catch(() => undefined), bound]);
}

/** Kinds that a file may name, and those it does. */
export async function listProviders(config: Config | undefined): Promise<ProviderList> {
  const kinds = Object.entries(PROVIDER_KINDS).map(([kind, { about, packages }]): KnownKind => {
    const known = packages.map((name) => ({ name, ...versionOf(name) }));
    return { kind, about, packages: known };
  });
  if (config === undefined) return { kinds, configured: [] };
  const configured = Object.entries(config.providers).map(([name, { kind }]) => ({
    name,
    kind,
    vips: carriedBy(name, config).length,
  }));
  return { kinds, configured };
}

function versionOf(name: string): { readonly version?: string } {
  const installed = installedPackage(name);
  return installed === undefined ? {} : { version: installed.version };
}

/** Of providers of one kind. */
export async function providerPolicy(config: Config, names: readonly string[]): Promise<unknown> {
  const settings = names.map((name) => config.providers[name]!);
  const { cluster, member } = config;
  const vips = names.flatMap((name) => carriedBy(name, config));
  return wiringOf(settings[0]!).policy?.(settings, { place: { cluster, member }, vips });
}

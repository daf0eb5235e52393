/**
 * Provider `package`: finds an npm package of somebody else, loads it and asks it for its provider. Runs inside that provider's own
 * thread; what it hands out has the methods of the contract, whether it keeps the contract is for the conformance suite to tell.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PackageProviderConfig } from '../../src/config/config.ts';
import type { ProviderName } from '../../src/model/vip.ts';
import { installedPackage } from '../../src/platform/installed-package.ts';
import { packagePath } from '../../src/platform/layout.ts';
import type { Provider, ProviderPlace } from '../../src/provider/provider.ts';

/** What a package exports, by this name or as its default. */
export type CreateProvider = (
  name: ProviderName,
  options: Readonly<Record<string, unknown>>,
  place: ProviderPlace,
) => Provider | Promise<Provider>;

/** Rejects with an Error for a person who installed it, or wrote it. */
export async function createPackageProvider(
  name: ProviderName,
  settings: PackageProviderConfig,
  place: ProviderPlace,
): Promise<Provider> {
  const file = entryOf(settings);
  const module = (await import(file.href)) as { createProvider?: unknown; default?: unknown };
  const create = module.createProvider ?? module.default;
  if (typeof create !== 'function')
    throw new Error(
      `package ${settings.package} exports no function createProvider; is it a provider for Wackamole?`,
    );
  const provider: unknown = await (create as CreateProvider)(name, settings.options, place);
  const fault = faultOf(provider);
  if (fault !== undefined) throw new Error(`createProvider of package ${settings.package} returned ${fault}`);
  return provider as Provider;
}

/** Where a package of that name lies that `createProvider` would load; undefined: it is not installed. */
export function findPackage({ package: name, folder }: PackageProviderConfig) {
  return installedPackage(name, resolve(folder, 'package.json')) ?? installedPackage(name);
}

function entryOf(settings: PackageProviderConfig): URL {
  const found = findPackage(settings);
  if (found === undefined) {
    const name = settings.package;
    const folder = resolve(settings.folder);
    const places = `${folder} and ${packagePath('.')}`;
    throw new Error(
      `package ${name} is not installed (looked for from ${places}); run \`npm install ${name}\` in ${folder}`,
    );
  }
  try {
    // A package can name itself, wherever it lies.
    return pathToFileURL(createRequire(found.file).resolve(found.name));
  } catch {
    return pathToFileURL(join(dirname(found.file), importedFile(found.file)));
  }
}

/** For packages that can be imported and not required: what `exports` or `main` of their package.json says. */
function importedFile(packageFile: string): string {
  const { exports, main = 'index.js' } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    exports?: unknown;
    main?: string;
  };
  let target: unknown = exports;
  for (const condition of ['.', 'import', 'node', 'default']) {
    if (typeof target !== 'object' || target === null) break;
    target = (target as Record<string, unknown>)[condition] ?? target;
  }
  return typeof target === 'string' ? target : main;
}

const METHODS = [
  'start',
  'configure',
  'inspect',
  'acquire',
  'release',
  'renew',
  'announce',
  'test',
  'stop',
] as const;

function faultOf(provider: unknown): string | undefined {
  if (typeof provider !== 'object' || provider === null) return 'no object';
  const lacking = METHODS.filter(
    (method) => typeof (provider as Record<string, unknown>)[method] !== 'function',
  );
  if (lacking.length > 0) return `an object without ${lacking.join(', ')}`;
  const { traits } = provider as { traits?: unknown };
  return typeof traits === 'object' && traits !== null ? undefined : 'an object without traits';
}

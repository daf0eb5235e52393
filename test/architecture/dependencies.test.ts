/**
 * What we run that is not ours: exactly the versions that were looked at, proved by a digest, from the public registry, under licences
 * that fit, and with no script of a stranger run at installation but those named here. (Known holes are asked for by `test/audit.ts`.)
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Package {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  /** An installation may do without it. */
  readonly optional?: boolean;
  /** The same, and tools need it as well. */
  readonly devOptional?: boolean;
}

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(at(path), 'utf8'));
const lock = read('package-lock.json') as {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Package>>;
};
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const shipped = packages.filter(([, { dev }]) => dev !== true);
const own = read('package.json') as Readonly<Record<string, unknown>>;

/**
 * The first two ship prebuilt binaries per platform as packages; their scripts fetch nothing where those are there. The third's looks
 * for a loose version of itself in the package file it is installed for, and says so; it comes with Google's SDK.
 */
const SCRIPTS_ALLOWED = ['node_modules/esbuild', 'node_modules/koffi', 'node_modules/protobufjs'];
const LICENCES = ['MIT', 'ISC', 'Apache-2.0', 'BSD-3-Clause', '0BSD', 'MIT OR Apache-2.0'];
/** Of tools that are not shipped: file-wise copyleft does not reach what they process; Blue Oak is as permissive as ours. */
const LICENCES_DEV = [...LICENCES, 'MPL-2.0', 'BlueOak-1.0.0'];
/** What an agent on metal loads, and nothing more than that. */
const SHIPPED_MAX = 40;
/** Of the clouds' SDKs, loaded only where a cloud is configured, on a thread of their own. */
const PLATFORM_BINARIES = /^node_modules\/(@koromix|node-linux-)/;
const SDK_PACKAGES_MAX = 110;

describe('dependencies', () => {
  test('are named with exact versions', () => {
    const named = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((section) =>
      Object.entries((own[section] ?? {}) as Record<string, string>),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('are in the lock file with a SHA-512, and from the public registry if from anywhere', () => {
    expect(lock.lockfileVersion).toBeGreaterThanOrEqual(3);
    const unproved = packages.filter(
      ([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''),
    );
    expect(unproved.map(([path]) => path)).toEqual([]);
    const elsewhere = packages.filter(
      ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });

  test('run no script at installation but those we know', () => {
    const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripted.map(([path]) => path).filter((path) => !SCRIPTS_ALLOWED.includes(path))).toEqual([]);
  });

  test('have licences that fit ours', () => {
    const unfit = (found: typeof packages, allowed: readonly string[]) =>
      found.filter(([, { license }]) => !allowed.includes(license ?? '')).map(([path]) => path);
    expect(unfit(shipped, LICENCES)).toEqual([]);
    expect(unfit(packages, LICENCES_DEV)).toEqual([]);
  });

  test('that are shipped are few', () => {
    const sdk = shipped.filter(
      ([path, { optional, devOptional }]) =>
        (optional ?? devOptional) === true && !PLATFORM_BINARIES.test(path),
    );
    expect(sdk.length).toBeLessThanOrEqual(SDK_PACKAGES_MAX);
    expect(shipped.length - sdk.length).toBeLessThanOrEqual(SHIPPED_MAX);
  });

  test('are installed as the lock file says', () => {
    const installed = shipped.filter(([path]) => existsSync(at(`${path}/package.json`)));
    expect(installed.length).toBeGreaterThan(4);
    for (const [path, { version }] of installed) {
      expect((read(`${path}/package.json`) as Package).version, path).toBe(version);
    }
  });
});

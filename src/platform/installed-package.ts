/** Which npm packages lie on this host's disk, without loading any. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { pathToFileURL } from 'node:url';
import { packagePath } from './layout.ts';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Path of its package.json. */
  readonly file: string;
}

/**
 * As Node would find it from our own folder, or from `from`, a file or a folder with a slash at its end. Undefined: it is not
 * installed, or its package.json cannot be read.
 */
export function installedPackage(name: string, from?: string): InstalledPackage | undefined {
  const base = pathToFileURL(from ?? packagePath('package.json'));
  try {
    const file = findPackageJSON(name, base);
    if (file === undefined) return undefined;
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version?: unknown };
    return { name, version: String(version), file };
  } catch {
    return undefined;
  }
}

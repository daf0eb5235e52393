/** Where the code of this program lies: TypeScript in a clone, or one flat folder of JavaScript after `npm run build`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * How the agent's runtime is started. What an agent does it does a few times a second: a small young generation and one helper
 * are enough. Which compilers work is decided once it runs (compilers.ts).
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=1', '--v8-pool-size=1'];

const built = import.meta.url.endsWith('.js');

/** Another script of this program. @param source its path below `src`, for instance `platform/worker-entry.ts` */
export function scriptUrl(source: string): URL {
  if (!built) return new URL(`../${source}`, import.meta.url);
  const name = source.slice(source.lastIndexOf('/') + 1).replace(/\.ts$/, '.js');
  return new URL(`./${name}`, import.meta.url);
}

/** As {@link scriptUrl}, as a path for the command line of a new process. */
export function scriptPath(source: string): string {
  return fileURLToPath(scriptUrl(source));
}

/** A file of the package, for instance `package.json`. */
export function packagePath(name: string): string {
  return fileURLToPath(new URL(built ? `../${name}` : `../../${name}`, import.meta.url));
}

/** Names what was built, down to the last byte; undefined in a clone, where code may change under the same version. */
export function buildIdentity(): string | undefined {
  if (!built) return undefined;
  try {
    return readFileSync(new URL('./build-id', import.meta.url), 'utf8');
  } catch {
    return undefined;
  }
}

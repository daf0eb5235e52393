/**
 * `npm run package`: Debian packages for each architecture, a list of what they contain, and checksums, in `dist/package`. The same commit
 * gives the same bytes, wherever and whenever it is built: no clock, umask, user or order of files of the builder gets in.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleProgram, bundleSdks } from './bundle.ts';
import { makeDeb, sha256Of } from './deb.ts';
import { ARCHITECTURES, type Architecture, ROOT, run, runtimeFor } from './runtime.ts';
import { softwareList } from './sbom.ts';
import { Stage } from './stage.ts';
import { type Bundles, layOut, type Release } from './tree.ts';

export interface PackageOptions {
  readonly out: string;
  readonly architectures: readonly Architecture[];
  /** `gzip` level; absent: not compressed. */
  readonly compression?: number;
  /** Instead of that of package.json, for tests of upgrades. */
  readonly version?: string;
}

export interface BuiltPackage {
  readonly architecture: Architecture;
  readonly file: string;
  readonly bytes: number;
}

/** Throws an Error for a person. */
export async function buildPackages(options: PackageOptions): Promise<readonly BuiltPackage[]> {
  const { out, architectures, compression } = options;
  mkdirSync(out, { recursive: true });
  const release: Release = { version: options.version ?? ownVersion(), seconds: commitTime() };
  const work = mkdtempSync(join(out, 'building-'));
  try {
    const bundles = await bundlesIn(work);
    const runtimes = architectures.map((architecture) => [architecture, runtimeFor(architecture)] as const);
    const built = runtimes.map(([architecture, runtime]) => {
      const stage = new Stage(join(work, architecture));
      layOut(stage, release, { bundles, runtime });
      const deb = { ...release, architecture, out, ...(compression !== undefined && { compression }) };
      const file = makeDeb(stage, deb);
      rmSync(stage.root, { recursive: true });
      return { architecture, file, bytes: statSync(file).size };
    });
    const shipped = new Set([
      ...bundles.packages,
      'node_modules/koffi',
      ...runtimes.flatMap(([, runtime]) => runtime.packages),
    ]);
    const list = join(out, `wackamole_${release.version}.cdx.json`);
    writeFileSync(list, softwareList(shipped, release));
    writeSums(join(out, 'SHA256SUMS'), [...built.map(({ file }) => file), list]);
    return built;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function bundlesIn(work: string): Promise<Bundles> {
  const [program, sdks] = [join(work, 'program'), join(work, 'node_modules')];
  const packages = new Set([...(await bundleProgram(program)), ...(await bundleSdks(sdks))]);
  return { program, sdks, packages };
}

function writeSums(file: string, files: readonly string[]): void {
  writeFileSync(file, files.map((each) => `${sha256Of(each)}  ${basename(each)}\n`).join(''));
}

function ownVersion(): string {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
  return own.version;
}

/** Seconds; `SOURCE_DATE_EPOCH` (reproducible-builds.org) where there is no repository. */
function commitTime(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? run(['git', 'log', '-1', '--format=%ct'], ROOT).trim();
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new Error('SOURCE_DATE_EPOCH is no number of seconds; leave it away in a clone');
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(ROOT, 'dist/package') },
      arch: { type: 'string', multiple: true },
      level: { type: 'string', default: '9' },
    },
  });
  const wanted = ARCHITECTURES.filter((each) => values.arch?.includes(each) ?? true);
  const built = await buildPackages({
    out: values.out,
    architectures: wanted,
    compression: Number(values.level),
  });
  for (const { file, bytes } of built) console.log(`${file} (${(bytes / 1e6).toFixed(1)} MB)`);
}

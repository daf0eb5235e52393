/**
 * Hunts one mutation: the simulator is bundled with its patch and run over seeds, in a process of its own, until a checker
 * breaks. Bundled, a start costs a tenth of what it costs from source.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import type { Mutation } from './mutation.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const run = promisify(execFile);

export interface Bounds {
  /** Seeds to try at most. */
  readonly seeds: number;
  /** CPU time for it at most, in ms. */
  readonly cpu: number;
}

export interface Catch {
  /** The rule that broke; absent: the mutation survived. */
  readonly invariant?: string;
  readonly text?: string;
  /** Seeds that were run. */
  readonly seeds: number;
  /** CPU time, in ms. */
  readonly cpu: number;
}

/** How often the pattern stands in the file; once is right. */
export async function occurrences({ file, find }: Mutation): Promise<number> {
  return (await readFile(join(root, file), 'utf8')).split(find).length - 1;
}

/** @param mutation undefined: the code as it is */
export async function hunt(mutation: Mutation | undefined, bounds: Bounds): Promise<Catch> {
  const folder = await mkdtemp(join(tmpdir(), 'wackamole-mutant-'));
  try {
    const outfile = join(folder, 'mutant.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'prey.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      plugins: mutation ? [patch(mutation)] : [],
    });
    const asked = JSON.stringify({
      wishes: mutation?.wishes ?? {},
      groupOnly: mutation?.groupOnly === true,
      scene: mutation?.scene,
      ...bounds,
    });
    const { stdout } = await run(process.execPath, [outfile, asked], { timeout: 20 * bounds.cpu + 30_000 });
    return JSON.parse(stdout) as Catch;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function patch({ file, find, replace }: Mutation): Plugin {
  const path = join(root, file);
  return {
    name: 'mutation',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async (args) => {
        if (args.path !== path) return undefined;
        const text = await readFile(path, 'utf8');
        if (!text.includes(find)) throw new Error(`${file} does not contain: ${find}`);
        return { contents: text.replace(find, () => replace), loader: 'ts' };
      });
    },
  };
}

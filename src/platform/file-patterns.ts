/** Files by a shell pattern (`man 7 glob`). */
import { glob, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Nobody means more. */
const FILES_MAX = 1000;

/** Absolute names, in order of their bytes; folders are left out. Rejects with an Error for a person. */
export async function listFiles(pattern: string, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of glob(pattern, { cwd: folder })) {
    const path = resolve(folder, name);
    if ((await stat(path)).isFile()) found.push(path);
    if (found.length > FILES_MAX) throw new Error(`${pattern} stands for more than ${FILES_MAX} files`);
  }
  return found.sort();
}

/** Folders that are made on the way to a file of ours. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folder and those above it that are missing; that it is there already is fine. Throws what mkdir(2) says. Node's own recursive form
 * never returns where the kernel says of a folder that can be made nowhere that it is missing (below `/proc`).
 */
export function makeFolders(path: string, mode = 0o755): void {
  const above = dirname(path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (above !== path && statSync(above, { throwIfNoEntry: false }) === undefined) makeFolders(above, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

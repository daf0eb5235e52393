/** Whether a file that we trust is out of the reach of others: its own mode and owner, and every folder on the way to it. */
import { type FileHandle, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

const STICKY = 0o1000;
const ROOT = 0;

/**
 * Looks at the open file itself, whatever its name means by now. Rejects with an Error for a person.
 * @param owner who may have it besides root and ourselves
 */
export async function checkPrivate(file: FileHandle, path: string, owner?: number): Promise<void> {
  const found = await file.stat();
  if (!found.isFile())
    throw new Error(`the key file ${path} is no plain file; make one with: wackamole key generate FILE`);
  if ((found.mode & 0o077) !== 0) {
    throw new Error(
      `the key file ${path} can be opened by others (mode ${octal(found.mode)}); run: chmod 600 ${path}`,
    );
  }
  const self = process.geteuid?.() ?? ROOT;
  if (![ROOT, self, owner].includes(found.uid)) {
    throw new Error(
      `the key file ${path} belongs to user ${found.uid}, who could change it; run: chown ${self} ${path}`,
    );
  }
}

/**
 * Nobody else may put another file, or another link, in its place. Looks at the folders of the name as it is given and of the
 * file it means. A folder where everybody may write is fine if only owners may remove there (sticky, as /tmp).
 */
export async function checkFolders(path: string, kind = 'key file'): Promise<void> {
  const names = new Set([resolve(path), await realpath(path)]);
  const folders = new Set([...names].flatMap(foldersOf));
  for (const folder of folders) {
    const { mode, gid } = await stat(folder);
    const others = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== ROOT);
    if (!others || (mode & STICKY) !== 0) continue;
    throw new Error(
      `the ${kind} ${path} can be replaced by others: they may write to its folder ${folder} (mode ${octal(mode)}); run: chmod go-w ${folder}`,
    );
  }
}

/** From the one it is in up to the root. */
function foldersOf(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersOf(folder)];
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/**
 * Whether a program of the operator's may be run: it is there, and nobody but root and the user it runs as can change it or put
 * another one in its place. Looks; never changes anything.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { checkFolders } from './private-file.ts';

/** Who a program runs as. */
export interface ProgramIdentity {
  readonly uid: number;
  readonly gid: number;
  /** Whether that is another user than ours. */
  readonly switch: boolean;
}

const ROOT = 0;

/** A text says why it cannot be. @param user name or number; absent: our own */
export async function programIdentity(user: string | undefined): Promise<ProgramIdentity | string> {
  const own = { uid: process.geteuid?.() ?? ROOT, gid: process.getegid?.() ?? ROOT, switch: false };
  if (user === undefined) return own;
  const found = userIn(await readFile('/etc/passwd', 'utf8'), user);
  if (found === undefined) return `there is no user ${user} in /etc/passwd`;
  if (found.uid === own.uid) return own;
  if (own.uid === ROOT) return { ...found, switch: true };
  return `only an agent that runs as root can run something as ${user}; drop \`user\``;
}

/** The entry of a user, by name or number, in a text of passwd(5). */
export function userIn(
  text: string,
  user: string,
): { readonly uid: number; readonly gid: number } | undefined {
  for (const line of text.split('\n')) {
    const [name, , uid = '', gid = ''] = line.split(':');
    if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) continue;
    if (name === user || uid === user) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Why the program must not be run, and how to mend it, for a person; `undefined`: it may. Never rejects. */
export async function programProblem(file: string, { uid }: ProgramIdentity): Promise<string | undefined> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return `${file} is no plain file`;
    const groupWrites = (found.mode & 0o020) !== 0 && found.gid !== ROOT;
    if ((found.mode & 0o002) !== 0 || groupWrites) {
      return `${file} can be changed by others (mode ${octal(found.mode)}); run: chmod go-w ${file}`;
    }
    if (found.uid !== ROOT && found.uid !== uid && found.uid !== process.geteuid?.()) {
      return `${file} belongs to user ${found.uid}, who could change it; run: chown root ${file}`;
    }
    if ((found.mode & 0o111) === 0) return `${file} is not executable; run: chmod +x ${file}`;
    await checkFolders(file, 'program');
    if (await isText(file)) return `${file} is no program; a script begins with a line such as #!/bin/sh`;
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `${file} is not there`;
    if (code === 'EACCES') return `${file} is out of this user's reach; see the modes of its folders`;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Such a file would be handed to a shell (execvp(3)), which nobody asked for. One we may run but not read is believed. */
async function isText(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const head = Buffer.alloc(4);
    await file.read(head, 0, head.length, 0);
    return head.toString('latin1', 0, 2) !== '#!' && head.toString('latin1') !== '\x7fELF';
  } finally {
    await file.close();
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

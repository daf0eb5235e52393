/** Cluster keys as an operator meets them: root looks at a file that belongs to the user whom the service runs as. */
import { readFile, stat } from 'node:fs/promises';
import { readKeyFile } from '../platform/key-file.ts';
import { userIn } from '../platform/program-file.ts';

/** Of the units in src/install/systemd. */
const SERVICE_USER = 'wackamole';
const ROOT = 0;

/** As the agent reads it, which may be another user than root: then the file is that user's. Rejects with an Error for a person. */
export async function readServiceKey(path: string): Promise<readonly Uint8Array[]> {
  return readKeyFile(path, await serviceUser());
}

/** Why the service could not read a key that root can, and how to mend it; undefined: it could, or there is none. */
export async function serviceKeyProblem(path: string): Promise<string | undefined> {
  const user = await serviceUser();
  if (user === undefined) return undefined;
  const { uid } = await stat(path);
  if (uid === user) return undefined;
  return `${path} belongs to user ${uid}, and the service, which runs as ${SERVICE_USER}, cannot read it; run: chown ${SERVICE_USER}: ${path}`;
}

/** Undefined where there is none on this host, and where we are not root: then what we may read is what our agent may. */
async function serviceUser(): Promise<number | undefined> {
  if (process.geteuid?.() !== ROOT) return undefined;
  // Where there is no such file there is no such user.
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return userIn(users, SERVICE_USER)?.uid;
}

/** The commands about the key file: make a key, name the keys, and the three steps of a rotation. Never prints a key that is in use. */
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import type { Actions } from './program.ts';

type KeyActions = Pick<Actions, 'keyGenerate' | 'keyFingerprint' | 'keyAdd' | 'keyUse' | 'keyRemove'>;

type Keys = readonly Uint8Array[];

export function keyActions(collaborators: Collaborators): KeyActions {
  const told = (action: () => Promise<string>) => tell(action, collaborators);
  return {
    keyGenerate: ({ file }) => told(() => generate(file, collaborators)),
    keyFingerprint: ({ file }) =>
      told(async () => listOf(await collaborators.readKeyFile(file), collaborators)),
    keyAdd: ({ from, file }) =>
      told(async () => {
        const fresh = await collaborators.readKeyFile(from);
        return change(file, (keys) => added(keys, fresh, collaborators), collaborators);
      }),
    keyUse: ({ fingerprint, file }) =>
      told(() =>
        change(
          file,
          (keys) => {
            const chosen = pick(keys, fingerprint, collaborators);
            return [chosen, ...keys.filter((key) => key !== chosen)];
          },
          collaborators,
        ),
      ),
    keyRemove: ({ fingerprint, file }) =>
      told(() => change(file, (keys) => without(keys, fingerprint, collaborators), collaborators)),
  };
}

/** Prints what the action says, or why it could not. */
async function tell(action: () => Promise<string>, { stdout, stderr }: Collaborators): Promise<number> {
  try {
    stdout.write(await action());
    return exitCode('ok');
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCode('refused');
  }
}

async function generate(
  file: string | undefined,
  { generateKey, writeKeyFile }: Collaborators,
): Promise<string> {
  const key = generateKey();
  if (file === undefined) return `${key}\n`;
  await writeKeyFile(file, key);
  return `wrote a new cluster key to ${file}; copy it to every host of the cluster, readable by root alone\n`;
}

async function change(
  file: string,
  changed: (keys: Keys) => Keys,
  collaborators: Collaborators,
): Promise<string> {
  const after = changed(await collaborators.readKeyFile(file));
  await collaborators.replaceKeyFile(file, after);
  const then = 'in force on this host after: wackamole reload';
  return `${listOf(after, collaborators)}${then}\n`;
}

function added(keys: Keys, fresh: Keys, { fingerprintOf }: Collaborators): Keys {
  const known = new Set(keys.map(fingerprintOf));
  const news = fresh.filter((key) => !known.has(fingerprintOf(key)));
  if (news.length === 0) throw new Error('nothing to add: the file has these keys already');
  return [...keys, ...news];
}

/** The one in use cannot be removed, for then another one would be used that perhaps not everybody has. */
function without(keys: Keys, fingerprint: string, collaborators: Collaborators): Keys {
  const chosen = pick(keys, fingerprint, collaborators);
  if (chosen === keys[0]) {
    const name = collaborators.fingerprintOf(chosen);
    throw new Error(`key ${name} is the one in use; use another one first: wackamole key use FINGERPRINT`);
  }
  return keys.filter((key) => key !== chosen);
}

function pick(keys: Keys, fingerprint: string, { fingerprintOf }: Collaborators): Uint8Array {
  const found = keys.find((key) => fingerprintOf(key) === fingerprint.toLowerCase());
  if (found !== undefined) return found;
  throw new Error(`no key ${fingerprint} in the file; it has ${keys.map(fingerprintOf).join(', ')}`);
}

function listOf(keys: Keys, { fingerprintOf }: Collaborators): string {
  return keys.map((key, index) => `${fingerprintOf(key)}  ${index === 0 ? 'in use' : 'accepted'}\n`).join('');
}

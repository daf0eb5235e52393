/**
 * The cluster keys on disk: one a line, 32 bytes as 64 hexadecimal digits or base64, in a file that only its owner may read.
 * The first one is used, all are accepted. Never tells what the file says.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkFolders, checkPrivate } from './private-file.ts';

const KEY_BYTES = 32;
/** A rotation needs two; one begun anew before the last has ended, three. */
const KEYS_MAX = 4;

/** No key file is longer, whatever its line ends. */
const FILE_BYTES_MAX = 1024;

const FORM = `1 to ${KEYS_MAX} keys, one a line, each ${KEY_BYTES} bytes as 64 hexadecimal digits or as base64`;

/**
 * Rejects with an Error for a person: missing, in the reach of others, or no keys. At least one, no two alike.
 * @param owner a user whose file it may be besides root's and our own
 */
export async function readKeyFile(path: string, owner?: number): Promise<readonly Uint8Array[]> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Error(`cannot read the key file ${path}: ${readMend(error)}`, { cause: error });
  });
  try {
    await checkPrivate(file, path, owner);
    await checkFolders(path);
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const keys = bytesRead > FILE_BYTES_MAX ? undefined : decodeKeys(buffer.toString('latin1', 0, bytesRead));
    buffer.fill(0);
    if (keys === undefined) {
      throw new Error(
        `the key file ${path} does not hold ${FORM}; make one with: wackamole key generate FILE`,
      );
    }
    return keys;
  } finally {
    await file.close();
  }
}

/** The keys in their order, or undefined if one line is none, two are alike, or there are too few or too many. */
export function decodeKeys(text: string): readonly Uint8Array[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const keys = lines.map(decodeKey).filter((key) => key !== undefined);
  const distinct = new Set(keys.map((key) => Buffer.from(key).toString('hex')));
  const fit = keys.length > 0 && keys.length <= KEYS_MAX && keys.length === lines.length;
  return fit && distinct.size === keys.length ? keys : undefined;
}

/** The key, or undefined if the text is none. White space around it does not matter. */
export function decodeKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return new Uint8Array(Buffer.from(trimmed, 'hex'));
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return undefined;
  const bytes = Buffer.from(trimmed, 'base64');
  return bytes.length === KEY_BYTES ? new Uint8Array(bytes) : undefined;
}

/** A fresh key as 64 hexadecimal digits. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('hex');
}

/** Writes a key with mode 0600. Never replaces a file: a lost key locks the other hosts out. */
export async function writeKeyFile(path: string, key: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new Error(`cannot write the key file ${path}: ${writeMend(error)}`, { cause: error });
  });
  await fill(file, `${key}\n`);
}

/**
 * Puts other keys in place of those of a file that is there, all at once: whoever reads meanwhile sees either. Follows a
 * symbolic link to the file it means; owner and mode stay. Rejects with an Error for a person.
 */
export async function replaceKeyFile(path: string, keys: readonly Uint8Array[]): Promise<void> {
  if (keys.length === 0 || keys.length > KEYS_MAX) {
    throw new Error(`${keys.length} keys do not fit into ${path}: it holds ${FORM}; remove one first`);
  }
  const target = await realpath(path);
  const fresh = `${target}.${process.pid}.new`;
  try {
    const { uid, gid } = await stat(target);
    const file = await open(fresh, 'wx', 0o600);
    await file.chown(uid, gid);
    await fill(file, keys.map((key) => `${Buffer.from(key).toString('hex')}\n`).join(''));
    await rename(fresh, target);
    await syncFolder(dirname(target));
  } catch (error) {
    // Mostly there is none; if one cannot be removed, only its owner can read it, and what went wrong first is what to tell.
    await unlink(fresh).catch(() => undefined);
    throw new Error(`cannot write the key file ${path}: ${writeMend(error)}`, { cause: error });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** On the disk when it resolves. */
async function fill(file: FileHandle, text: string): Promise<void> {
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function readMend(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return 'it does not exist; copy it from another host, or make one with: wackamole key generate FILE';
  return code === 'EACCES' ? 'no right to; run as its owner' : message;
}

function writeMend(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST')
    return 'it exists already and is not replaced; remove it first if no host uses it any more';
  if (code === 'ENOENT') return 'its folder does not exist; create it first';
  return code === 'EACCES' || code === 'EPERM' ? 'no right to; run as root' : message;
}

/** The cluster key on disk: 32 bytes as 64 hexadecimal digits or base64, in a file that only its owner may read. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

const KEY_BYTES = 32;

/** No key file is longer, whatever its line ends. */
const FILE_BYTES_MAX = 1024;

/** Rejects with an Error for a person: missing, readable by others, or no key. Never tells what the file says. */
export async function readKeyFile(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Error(`cannot read the key file ${path}: ${readMend(error)}`, { cause: error });
  });
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new Error(`the key file ${path} can be opened by others (mode ${octal}); run: chmod 600 ${path}`);
    }
    const buffer = Buffer.alloc(FILE_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, FILE_BYTES_MAX, 0);
    const key = decodeKey(buffer.toString('latin1', 0, bytesRead));
    if (key === undefined) {
      const form = `${KEY_BYTES} bytes as 64 hexadecimal digits or as base64`;
      throw new Error(
        `the key file ${path} does not hold ${form}; make one with: wackamole key generate FILE`,
      );
    }
    return key;
  } finally {
    await file.close();
  }
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
  try {
    await file.chmod(0o600);
    await file.writeFile(`${key}\n`);
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
  return code === 'EACCES' ? 'no right to; run as root' : message;
}

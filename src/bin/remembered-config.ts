/**
 * What the last check of a configuration file found right, so that the same text need not be checked anew when the agent starts: the checker
 * takes longer to load than everything else of a start. Only what this very program found right in this very text is taken; the file lies
 * where the runtime keeps compiled code and is trusted as that is: whoever could write it could write our code.
 */
import { closeSync, constants, fstatSync, openSync, promises, readFileSync, statSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import type { ParseOptions, ParseResult } from '../config/parse.ts';
import { buildIdentity } from '../platform/layout.ts';

export interface ConfigQuestion {
  readonly text: string;
  readonly options: ParseOptions;
}

/** Loaded when it is asked: by then the engine's thread is on its way. */
const [crypto, v8] = [
  () => process.getBuiltinModule('node:crypto'),
  () => process.getBuiltinModule('node:v8'),
];

type Found = Extract<ParseResult, { ok: true }>;

/** Of what is larger loading is not what takes the time. */
const BYTES_MAX = 4 * 1024 * 1024;
const DIGEST_BYTES = 32;

/** Where it is kept, and by which program; absent: nothing is remembered. */
export interface Memory {
  readonly folder: string;
  readonly program: string;
}

/** Undefined in a clone whose code may be another next time, and where the runtime has no folder of ours alone. */
export function ownMemory(): Memory | undefined {
  const [folder, program] = [getCompileCacheDir(), buildIdentity()];
  return folder === undefined || program === undefined ? undefined : { folder, program };
}

/** Never throws: what cannot be read, or was found otherwise, is not known. */
export function recall(question: ConfigQuestion, memory: Memory): Found | undefined {
  try {
    if (!isOurs(statSync(memory.folder))) return undefined;
    const bytes = readOwn(fileOf(question, memory));
    const [wanted, payload] = [questionDigest(question, memory), bytes.subarray(2 * DIGEST_BYTES)];
    const intact = digestOf([payload]).equals(bytes.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES));
    return intact && wanted.equals(bytes.subarray(0, DIGEST_BYTES))
      ? (v8().deserialize(payload) as Found)
      : undefined;
  } catch {
    return undefined;
  }
}

/** In place of what was known of that file. Never rejects; where it cannot be written the next start is slower, and that is all. */
export async function remember(question: ConfigQuestion, found: Found, memory: Memory): Promise<void> {
  const file = fileOf(question, memory);
  const draft = `${file}.${crypto().randomUUID()}`;
  try {
    const payload = v8().serialize(found);
    if (payload.length > BYTES_MAX || !isOurs(statSync(memory.folder))) return;
    const bytes = Buffer.concat([questionDigest(question, memory), digestOf([payload]), payload]);
    await promises.writeFile(draft, bytes, { mode: 0o600, flag: 'wx' });
    await promises.rename(draft, file);
  } catch {
    // Where not even that works nothing was written either.
    await promises.rm(draft, { force: true }).catch(() => undefined);
  }
}

/** One for each path of a configuration file. */
function fileOf({ options }: ConfigQuestion, { folder }: Memory): string {
  return join(folder, `config-${digestOf([options.fileName]).toString('hex').slice(0, 16)}`);
}

function questionDigest({ text, options }: ConfigQuestion, { program }: Memory): Buffer {
  return digestOf([program, process.version, options.fileName, options.hostName, text]);
}

/** Of each part and where it ends. */
function digestOf(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = crypto().createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

function readOwn(file: string): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const about = fstatSync(descriptor);
    if (!about.isFile() || !isOurs(about) || about.size > BYTES_MAX) throw new Error('not ours');
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Nobody else has written it. */
function isOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

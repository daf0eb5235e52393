import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeKey, generateKey, readKeyFile, writeKeyFile } from '../../../src/platform/key-file.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-'));
  file = join(folder, 'cluster.key');
});

afterEach(() => rm(folder, { recursive: true }));

test('writeKeyFile writes what readKeyFile reads, for the owner alone', async () => {
  const key = generateKey();
  await writeKeyFile(file, key);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await readKeyFile(file)).toString('hex')).toBe(key);
  expect(generateKey()).not.toBe(key);
});

test('writeKeyFile never replaces a file', async () => {
  await writeFile(file, 'precious');
  await expect(writeKeyFile(file, generateKey())).rejects.toThrow(/exists already and is not replaced/);
  expect(await readFile(file, 'utf8')).toBe('precious');
  await expect(writeKeyFile(join(folder, 'no/x.key'), generateKey())).rejects.toThrow(
    /folder does not exist/,
  );
});

describe('readKeyFile', () => {
  test.each([0o640, 0o604, 0o660, 0o601])('refuses mode %o and says how to mend it', async (mode) => {
    await writeKeyFile(file, generateKey());
    await chmod(file, mode);
    await expect(readKeyFile(file)).rejects.toThrow(`run: chmod 600 ${file}`);
  });

  test('refuses what is no key without telling it, and a file that is missing', async () => {
    await writeFile(file, 'my secret pass phrase', { mode: 0o600 });
    const error: unknown = await readKeyFile(file).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/does not hold 32 bytes/);
    expect(String(error)).not.toContain('secret');
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow(
      /does not exist; copy it from another host/,
    );
  });
});

test('decodeKey takes hexadecimal and base64 of 32 bytes and nothing else', () => {
  const bytes = new Uint8Array(32).map((_, index) => index * 7);
  const hex = Buffer.from(bytes).toString('hex');
  const base64 = Buffer.from(bytes).toString('base64');
  for (const text of [hex, hex.toUpperCase(), ` ${hex}\n`, base64, base64.replace('=', '')])
    expect(decodeKey(text)).toEqual(bytes);
  for (const text of ['', hex.slice(1), `${hex}0`, base64.slice(1), `${base64}=`, 'g'.repeat(64)])
    expect(decodeKey(text)).toBeUndefined();
});

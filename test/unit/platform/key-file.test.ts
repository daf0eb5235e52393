import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  decodeKey,
  decodeKeys,
  generateKey,
  readKeyFile,
  replaceKeyFile,
  writeKeyFile,
} from '../../../src/platform/key-file.ts';

const hexOf = (keys: readonly Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex'));

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
  expect(hexOf(await readKeyFile(file))).toEqual([key]);
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

  test('refuses a folder in which others may put another file, also that of a link to it', async () => {
    await writeKeyFile(file, generateKey());
    const shared = join(folder, 'shared');
    await mkdir(shared);
    await symlink(file, join(shared, 'link.key'));
    await chmod(shared, 0o777);
    await expect(readKeyFile(join(shared, 'link.key'))).rejects.toThrow(`run: chmod go-w ${shared}`);
    await chmod(shared, 0o1777);
    expect(await readKeyFile(join(shared, 'link.key'))).toHaveLength(1);
    await chmod(shared, 0o755);
    await chmod(folder, 0o777);
    await expect(readKeyFile(join(shared, 'link.key'))).rejects.toThrow(`run: chmod go-w ${folder}`);
  });

  test.runIf(process.getuid?.() === 0)('refuses a file of another user', async () => {
    await writeKeyFile(file, generateKey());
    await chown(file, 12_345, 0);
    await expect(readKeyFile(file)).rejects.toThrow(/belongs to user 12345.*run: chown 0/);
    await expect(readKeyFile(file, 12_346)).rejects.toThrow(/belongs to user 12345/);
    expect(await readKeyFile(file, 12_345), 'who is expected').toHaveLength(1);
  });

  test('refuses what is no plain file', async () => {
    await expect(readKeyFile(folder)).rejects.toThrow(/is no plain file/);
  });

  test('refuses what is no key without telling it, and a file that is missing', async () => {
    await writeFile(file, 'my secret pass phrase', { mode: 0o600 });
    const error: unknown = await readKeyFile(file).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/does not hold 1 to 4 keys, one a line, each 32 bytes/);
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

test('a file may hold up to four keys, no two alike; the first one comes first', () => {
  const [a, b, c, d, e] = Array.from({ length: 5 }, generateKey);
  expect(hexOf(decodeKeys(`${a}\n\n  ${b}\r\n${c}\n${d}`) ?? [])).toEqual([a, b, c, d]);
  for (const text of ['', '\n', `${a}\n${a}`, `${a}\nno key`, [a, b, c, d, e].join('\n')]) {
    expect(decodeKeys(text)).toBeUndefined();
  }
});

test('replaceKeyFile changes the file a link means, at once, and leaves owner, mode and nothing else behind', async () => {
  const [before, after] = [generateKey(), generateKey()];
  await writeKeyFile(file, before);
  const link = join(folder, 'link.key');
  await symlink(file, link);
  await replaceKeyFile(link, [Buffer.from(after, 'hex'), Buffer.from(before, 'hex')]);
  expect(hexOf(await readKeyFile(file))).toEqual([after, before]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readdir(folder)).sort()).toEqual(['cluster.key', 'link.key']);
  await expect(replaceKeyFile(file, [])).rejects.toThrow(/0 keys do not fit/);
  expect(hexOf(await readKeyFile(file))).toEqual([after, before]);
});

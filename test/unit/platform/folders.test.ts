import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolders } from '../../../src/platform/folders.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wackamole-folders-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('makes what is missing, with the mode, and leaves what is there', () => {
  const deep = join(folder, 'a', 'b', 'c');
  makeFolders(deep, 0o700);
  makeFolders(deep, 0o755);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
});

it('says what is in the way', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolders(join(folder, 'file'))).toThrow('EEXIST');
  expect(() => makeFolders(join(folder, 'file', 'below'))).toThrow('ENOTDIR');
  expect(() => makeFolders('/dev/null/below/it')).toThrow('ENOTDIR');
});

// In a process of its own: who waits for ever there can be ended.
it('comes to an end where nothing can be made', () => {
  const module = new URL('../../../src/platform/folders.ts', import.meta.url).href;
  const program = `import { makeFolders } from '${module}'; makeFolders('/proc/nope/below');`;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 30_000,
    encoding: 'utf8',
  });
  expect(stderr).toContain('ENOENT');
  expect(status).toBe(1);
});

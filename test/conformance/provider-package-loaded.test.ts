/** A provider from an npm package, named in a configuration and loaded as the agent does: on a thread of its own. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/bin/providers.ts';
import { MEMORY_VIPS } from './memory-vips.ts';
import { describeProvider } from './provider.ts';

const PATIENCE = 60_000;
let folder = '';

function install(name: string, files: Readonly<Record<string, string>>): void {
  const home = join(folder, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  const manifest = { name, version: '1.0.0', type: 'module', exports: './index.js' };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wackamole-packages-'));
  const home = join(folder, 'node_modules/wackamole-provider-notebook');
  cpSync(join(import.meta.dirname, '../fixtures/provider-package'), home, { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (name: string, options = {}) =>
  createProvider(
    'theirs',
    { kind: 'package', package: name, folder, options },
    { cluster: 'web', member: 'a' },
  );

describeProvider('a package of somebody else', async () => ({
  provider: await load('wackamole-provider-notebook'),
  vips: MEMORY_VIPS,
  async end() {},
}));

describe('a package that is no provider', () => {
  it(
    'is told to be missing, with how to install it',
    async () => {
      await expect(load('wackamole-provider-nowhere')).rejects.toThrow(
        /provider theirs: package wackamole-provider-nowhere is not installed .*run `npm install wackamole-provider-nowhere` in \/tmp/,
      );
    },
    PATIENCE,
  );

  it.each([
    ['without-function', 'export const x = 1;', /exports no function createProvider/],
    [
      'half',
      'export default () => ({ start() {}, traits: {} });',
      /an object without configure, inspect, acquire/,
    ],
    ['nothing', 'export const createProvider = async () => undefined;', /returned no object/],
    ['thrower', 'throw new Error("licence expired");', /licence expired/],
    ['syntax', 'export const = 1;', /provider theirs: /],
    [
      'picky',
      'export default (name, options) => { throw new Error(`${name} wants a token, not ${options.token}`); };',
      /theirs wants a token, not 7/,
    ],
    ['exiting', 'process.exit(9);', /ended with code 9/],
  ])(
    '%s is refused with what is wrong',
    async (name, text, says) => {
      install(name, { 'index.js': text });
      await expect(load(name, { token: 7 })).rejects.toThrow(says);
    },
    PATIENCE,
  );
});

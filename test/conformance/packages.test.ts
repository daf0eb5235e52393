/**
 * A provider and a group of somebody else, each in a package of its own, run the exported suites: right ones pass, broken ones are told
 * why.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = ['provider-package', 'group-package'] as const;
type Package = (typeof PACKAGES)[number];
let folder = '';

/** Installed as a package manager would, but for the files being here already. */
beforeAll(() => {
  const built = spawnSync('npm', ['run', '-s', 'build:exports'], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the suites could not be built: ${built.stderr}`);
  folder = mkdtempSync(join(tmpdir(), 'wackamole-package-'));
  for (const name of PACKAGES) install(name);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(name: Package): void {
  cpSync(join(ROOT, 'test/fixtures', name), join(folder, name), { recursive: true });
  const installed = join(folder, name, 'node_modules/wackamole');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(ROOT, 'dist'), join(installed, 'dist'));
}

/** @param argv a breakage, and words of the cases that shall be played (all) */
function play(name: Package, ...argv: readonly string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, ['conformance.js', ...argv], { cwd: join(folder, name) });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe('the suite for providers as a package export', () => {
  it('passes a provider that keeps the contract', async () => {
    const { code, text } = await play('provider-package');
    expect(text.match(/^failed.*/gm) ?? []).toEqual([]);
    expect(text.match(/^passed/gm)?.length).toBe(13);
    expect(text.match(/^skipped: .*: nobody can answer for it here$/gm)?.length).toBe(4);
    expect(code).toBe(0);
  }, 30_000);

  it.each<{ breakage: string; says: RegExp }>([
    { breakage: 'forgetful', says: /the answer of acquire names: expected \["a","b","c"\], got \["a"\]/ },
    { breakage: 'lying', says: /VIPs that inspect finds after acquire: expected \["a","b","c"\], got \[\]/ },
    {
      breakage: 'eager',
      says: /renewing b, which is not held: expected held: false and lost or lease-expired/,
    },
    { breakage: 'deaf', says: /code of acquiring a with a raised signal: expected "aborted", got "ok"/ },
    { breakage: 'silent', says: /waited 5000 ms in vain for event "lost" after a was taken away/ },
    { breakage: 'throwing', says: /failed: .*no pencil/ },
  ])(
    'tells one that is $breakage what it does wrong',
    async ({ breakage, says }) => {
      const { code, text } = await play('provider-package', breakage);
      expect(text).toMatch(says);
      expect(code).toBe(1);
    },
    30_000,
  );
});

describe('the suite for groups as a package export', () => {
  it('passes a group that keeps the contract', async () => {
    const { code, text } = await play('group-package');
    expect(text.match(/^(failed|skipped).*/gm) ?? []).toEqual([]);
    expect(text.match(/^passed/gm)?.length).toBe(15);
    expect(code).toBe(0);
  }, 30_000);

  it.each<{ breakage: string; at: string; says: RegExp }>([
    {
      breakage: 'hasty',
      at: 'from inside',
      says: /events while multicast has not returned: expected 1, got 2/,
    },
    {
      breakage: 'rude',
      at: 'a goodbye is seen',
      says: /the view of a: expected .*"how":"leave".*"how":"process"/,
    },
    { breakage: 'lazy', at: 'the longest message', says: /a message that is too long was taken/ },
    { breakage: 'undying', at: 'restarted', says: /the restarted member has its old identity b#/ },
    { breakage: 'vain', at: 'in one order, each', says: /the order of messages at another member/ },
  ])(
    'tells one that is $breakage what it does wrong',
    async ({ breakage, at, says }) => {
      const { code, text } = await play('group-package', breakage, at);
      expect(text).toMatch(says);
      expect(code).toBe(1);
    },
    30_000,
  );
});

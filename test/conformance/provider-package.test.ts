/** A provider of somebody else, in a package of its own, runs the exported suite: the right one passes, broken ones are told why. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';

/** Installed as a package manager would, but for the files being here already. */
beforeAll(() => {
  const built = spawnSync('npm', ['run', '-s', 'build:exports'], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the suites could not be built: ${built.stderr}`);
  folder = mkdtempSync(join(tmpdir(), 'wackamole-package-'));
  cpSync(join(ROOT, 'test/fixtures/provider-package'), folder, { recursive: true });
  const installed = join(folder, 'node_modules/wackamole');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  symlinkSync(join(ROOT, 'dist'), join(installed, 'dist'));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function play(breakage?: string): Promise<{ code: number | null; text: string }> {
  const argv = ['conformance.js', ...(breakage === undefined ? [] : [breakage])];
  const child = spawn(process.execPath, argv, { cwd: folder });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe('the suite as a package export', () => {
  it('passes a provider that keeps the contract', async () => {
    const { code, text } = await play();
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
      const { code, text } = await play(breakage);
      expect(text).toMatch(says);
      expect(code).toBe(1);
    },
    30_000,
  );
});

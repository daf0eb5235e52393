/** `wackamole install` and `uninstall` on the root folder of a host that does not run. Its user is made by systemd's own tool. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type InstalledProgram,
  type InstallOptions,
  install,
  uninstall,
} from '../../../src/install/install.ts';
import { marked, originOf } from '../../../src/install/marked-file.ts';

const UNITS = fileURLToPath(new URL('../../../src/install/systemd', import.meta.url));
const NOT_ROOT = process.getuid?.() !== 0;
const NO_SYSUSERS = spawnSync('systemd-sysusers', ['--version']).error !== undefined;
const why = NOT_ROOT ? ' (skipped: not root)' : NO_SYSUSERS ? ' (skipped: no systemd-sysusers)' : '';

let root = '';
let program: InstalledProgram;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wackamole-install-'));
  chmodSync(root, 0o755);
  const folder = `${root}/opt/wack a mole`;
  mkdirSync(`${folder}/dist`, { recursive: true, mode: 0o755 });
  for (const [file, mode] of [
    ['node', 0o755],
    ['dist/wackamole.js', 0o644],
  ] as const) {
    writeFileSync(`${folder}/${file}`, '');
    chmodSync(`${folder}/${file}`, mode);
  }
  program = {
    runtime: `${folder}/node`,
    flags: ['--flag=1'],
    script: `${folder}/dist/wackamole.js`,
    units: UNITS,
    documentation: '/opt/wackamole/docs/fencing.md',
  };
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const options = (more: Partial<InstallOptions> = {}): InstallOptions => ({ root, dryRun: false, ...more });
const unit = (name = 'wackamole') => `${root}/etc/systemd/system/${name}.service`;
const launcher = () => `${root}/usr/local/bin/wackamole`;

/** Every file below the root with what is in it. */
function snapshot(): ReadonlyMap<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => join(root, path));
  return new Map(
    paths.filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path, 'utf8')]),
  );
}

function problemsOf(result: ReturnType<typeof install>): string {
  expect(result.ok).toBe(false);
  return result.ok ? '' : result.problems.join('\n');
}

describe.skipIf(NOT_ROOT || NO_SYSUSERS)(`install${why}`, () => {
  test('writes launcher, unit and user, and says what is left to do', () => {
    const result = install(options(), program);
    expect(result).toMatchObject({ ok: true });
    expect(readFileSync(launcher(), 'utf8')).toMatch(
      /^#!\/bin\/sh\n# Written by .*\nexec '\/opt\/wack a mole\/node' --flag=1 '\/opt\/wack a mole\/dist\/wackamole.js' "\$@"\n$/,
    );
    expect(statSync(launcher()).mode & 0o777).toBe(0o755);
    const text = readFileSync(unit(), 'utf8');
    expect(text).toContain(
      'ExecStart=/usr/local/bin/wackamole agent --config /etc/wackamole/wackamole.yaml\n',
    );
    expect(text).not.toContain('/usr/bin/wackamole');
    expect(text).toContain('Documentation=file:/opt/wackamole/docs/fencing.md\n');
    expect(readFileSync(`${root}/etc/passwd`, 'utf8')).toMatch(
      /^wackamole:.*:\/var\/lib\/wackamole:.*nologin$/m,
    );
    expect(result.ok && result.notes.join('\n')).toContain('systemctl enable --now wackamole');
    expect(existsSync(`${root}/etc/systemd/system/multi-user.target.wants`)).toBe(false);
  });

  test('again changes nothing; a newer program is put in its place', () => {
    install(options(), program);
    const before = snapshot();
    const again = install(options(), program);
    expect(again.ok && again.done.every((line) => line.endsWith('is as it should be'))).toBe(true);
    expect(snapshot()).toEqual(before);
    const newer = install(options(), { ...program, flags: ['--flag=2'] });
    expect(newer.ok && newer.done).toContain(`wrote ${launcher()}`);
    expect(readFileSync(launcher(), 'utf8')).toContain('--flag=2');
  });

  test('a dry run changes nothing and says the same', () => {
    const before = snapshot();
    const dry = install(options({ dryRun: true }), program);
    expect(snapshot()).toEqual(before);
    const real = install(options(), program);
    const said = (result: typeof dry) => (result.ok ? result.done : result.problems);
    expect(said(dry).map((line) => line.replace(/^would (make|write|run) /, ''))).toEqual(
      said(real).map((line) => line.replace(/^(made|wrote|ran) /, '')),
    );
  });

  test.each([
    ['was edited', () => appendFileSync(unit(), '\n# mine\n'), 'was edited since it was installed'],
    ['is somebody’s', () => writeFileSync(unit(), '[Service]\n'), 'is there and not ours'],
  ])('a unit that %s is neither replaced nor removed, and nothing else is', (_, edit, message) => {
    install(options(), program);
    edit();
    const before = snapshot();
    const again = problemsOf(install(options(), { ...program, flags: ['--flag=2'] }));
    expect(again).toContain(`${unit()} ${message}`);
    expect(again).toContain('run this again');
    expect(problemsOf(uninstall(options()))).toContain(message);
    expect(snapshot()).toEqual(before);
  });

  test('a mask that a removed package left is no unit: it is named where it is in the way, and keeps nothing', () => {
    install(options({ instance: 'web' }), program);
    symlinkSync('/dev/null', unit());
    expect(problemsOf(install(options(), program))).toContain('systemctl unmask wackamole.service');
    expect(uninstall(options({ instance: 'web' })).ok).toBe(true);
    expect(existsSync(launcher())).toBe(false);
    expect(existsSync(unit())).toBe(true);
  });

  test('refuses beside the package, and names the command', () => {
    mkdirSync(`${root}/usr/lib/systemd/system`, { recursive: true });
    writeFileSync(`${root}/usr/lib/systemd/system/wackamole.service`, '');
    expect(problemsOf(install(options({ instance: 'web' }), program))).toContain(
      'systemctl enable --now wackamole@web',
    );
    expect(existsSync(launcher())).toBe(false);
  });

  test.each([
    ['that others may write to', () => chmodSync(program.script, 0o666), 'chmod go-w'],
    ['in a folder that others may write to', () => chmodSync(`${root}/opt`, 0o777), 'chmod go-w'],
    ['that the service may not read', () => chmodSync(program.script, 0o600), 'chmod o+r'],
    ['in a folder it may not enter', () => chmodSync(`${root}/opt`, 0o700), 'chmod o+x'],
    ['that was not built', () => rmSync(program.script), 'npm run build'],
  ])('refuses a program %s', (_, break_, mend) => {
    break_();
    expect(problemsOf(install(options(), program))).toContain(mend);
    expect(existsSync(launcher())).toBe(false);
  });

  test('refuses a program that a service does not see, and one outside the root', () => {
    const hidden = { ...program, script: `${root}/home/me/wackamole.js` };
    expect(problemsOf(install(options(), hidden))).toContain('below /home, which a service does not see');
    expect(problemsOf(install(options(), { ...program, runtime: '/usr/bin/node' }))).toContain(
      `outside ${root}`,
    );
    expect(problemsOf(install(options({ root: '/nowhere' }), program))).toContain('/nowhere is not there');
  });
});

describe.skipIf(NOT_ROOT || NO_SYSUSERS)(`uninstall${why}`, () => {
  test('takes away what was installed and keeps configuration and key; again there is nothing to do', () => {
    install(options(), program);
    writeFileSync(`${root}/etc/wackamole/cluster.key`, 'k');
    const result = uninstall(options());
    expect(result).toMatchObject({ ok: true });
    for (const path of [unit(), launcher(), `${root}/etc/sysusers.d/wackamole.conf`])
      expect(existsSync(path), path).toBe(false);
    expect(existsSync(`${root}/etc/wackamole/cluster.key`)).toBe(true);
    expect(uninstall(options())).toMatchObject({ ok: true, done: [] });
  });

  test('of one instance keeps what another needs', () => {
    for (const instance of ['web', 'db']) install(options({ instance }), program);
    install(options(), program);
    const wants = `${root}/etc/systemd/system/multi-user.target.wants`;
    mkdirSync(wants);
    symlinkSync('/etc/systemd/system/wackamole@.service', `${wants}/wackamole@db.service`);
    uninstall(options({ instance: 'web' }));
    expect(existsSync(unit('wackamole@'))).toBe(true);
    uninstall(options({ instance: 'db' }));
    expect(existsSync(unit('wackamole@'))).toBe(false);
    expect(existsSync(launcher()), 'the plain unit is still there').toBe(true);
    uninstall(options());
    expect(existsSync(launcher())).toBe(false);
  });
});

describe('a file that we wrote', () => {
  test.each(['', '#!/bin/sh\necho\n', '[Unit]\n', 'no end'])(
    '%j is known again, and known when edited',
    (text) => {
      const ours = marked(text);
      expect(originOf(ours)).toBe('ours');
      expect(originOf(`${ours}x`)).toBe('edited');
      expect(originOf(text)).toBe('foreign');
      if (text.startsWith('#!')) expect(ours.startsWith('#!/bin/sh\n')).toBe(true);
    },
  );
});

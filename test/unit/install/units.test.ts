/** The units as systemd's own tools see them, and that the two differ only where they must. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const UNITS = fileURLToPath(new URL('../../../src/install/systemd', import.meta.url));
const NAMES = ['wackamole.service', 'wackamole@.service'] as const;
/** What `systemd-analyze security` may come to, in tenths; root without a sandbox is 96. */
const EXPOSURE_MAX = 22;

const NO_ANALYZE =
  spawnSync('systemd-analyze', ['--version']).error === undefined
    ? ''
    : ' (skipped: systemd-analyze is not here)';

const text = (name: string) => readFileSync(`${UNITS}/${name}`, 'utf8');
const settings = (name: string) =>
  text(name)
    .split('\n')
    .filter((line) => /^[A-Z[]/.test(line));

test('the unit for one of several clusters differs only in names, files and what it cleans up', () => {
  const [plain, template] = NAMES.map(settings);
  const different = plain!.filter((line) => !template!.includes(line)).map((line) => line.split('=')[0]);
  expect(different).toEqual(['Description', 'ExecStart', 'ExecReload', 'ExecStopPost']);
  expect(template).toHaveLength(plain!.length);
  for (const [name, file] of [
    ['wackamole.service', 'wackamole'],
    ['wackamole@.service', '%i'],
  ] as const)
    expect(text(name)).toContain(`cleanup --force --configured --config /etc/wackamole/${file}.yaml\n`);
});

describe.skipIf(NO_ANALYZE !== '')(`systemd-analyze${NO_ANALYZE}`, () => {
  let root = '';
  const folder = () => `${root}/etc/systemd/system`;

  /** A host's root with nothing but what the units name. */
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'wackamole-units-'));
    for (const path of ['etc/systemd/system', 'usr/bin']) mkdirSync(`${root}/${path}`, { recursive: true });
    for (const name of NAMES) copyFileSync(`${UNITS}/${name}`, `${folder()}/${name}`);
    copyFileSync(`${UNITS}/wackamole@.service`, `${folder()}/wackamole@web.service`);
    writeFileSync(`${root}/usr/bin/wackamole`, '#!/bin/sh\n');
    chmodSync(`${root}/usr/bin/wackamole`, 0o755);
    for (const target of [
      'basic',
      'sysinit',
      'shutdown',
      'network-online',
      'multi-user',
      'umount',
      'local-fs',
    ])
      writeFileSync(`${folder()}/${target}.target`, '[Unit]\nDescription=as on any host\n');
    for (const unit of ['tmp.mount', '-.mount'])
      writeFileSync(
        `${folder()}/${unit}`,
        `[Mount]\nWhat=none\nWhere=${unit === '-.mount' ? '/' : '/tmp'}\n`,
      );
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const analyze = (...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  test.each(['wackamole.service', 'wackamole@web.service'])('verify has nothing to say of %s', (name) => {
    // Units of a folder; programs are looked for below it where `--root` is known, else they are those of this host.
    const { said } = analyze('verify', '--man=no', '--recursive-errors=no', `--root=${root}`, name);
    expect(said.split('\n').filter((line) => line.includes('wackamole'))).toEqual([]);
  });

  test('verify would say so: of a setting that does not exist', () => {
    const broken = `${folder()}/wackamole-broken.service`;
    writeFileSync(
      broken,
      `${text('wackamole.service').replace('Restart=always', 'Restart=sometimes')}Nonsense=1\n`,
    );
    const { said } = analyze(
      'verify',
      '--man=no',
      '--recursive-errors=no',
      `--root=${root}`,
      'wackamole-broken.service',
    );
    expect(said).toMatch(/wackamole-broken.*sometimes/);
    expect(said).toMatch(/wackamole-broken.*Nonsense/);
  });

  test.each(NAMES)('security: %s is exposed no more than it was', (name) => {
    const file = name === 'wackamole@.service' ? 'wackamole@web.service' : name;
    const path = `${folder()}/${file}`;
    expect(existsSync(path)).toBe(true);
    const { status, said } = analyze('security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, path);
    expect(status, said.trim().split('\n').at(-1)).toBe(0);
    expect(
      analyze('security', '--offline=true', '--threshold=5', path).status,
      'the bound is looked at',
    ).not.toBe(0);
  });
});

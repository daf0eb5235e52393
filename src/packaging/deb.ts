/** A Debian package of a staged folder, by `dpkg-deb`: the same bytes for the same content. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Architecture, ROOT, run } from './runtime.ts';
import { filesOf, type Stage } from './stage.ts';
import type { Release } from './tree.ts';

export interface DebOptions extends Release {
  readonly architecture: Architecture;
  /** Folder it is put into. */
  readonly out: string;
  /**
   * `gzip -1` to `-9`; absent: not compressed at all, for tests. Not xz: a third smaller, and four times the time of a processor until
   * it is unpacked, which an installation waits for. Not zstd: dpkg of Debian 11 does not read it.
   */
  readonly compression?: number;
}

/** Libraries of the runtime, the guardian's tool, what enables the unit, what makes the user. */
const DEPENDS = [
  'libc6 (>= 2.28)',
  'libgcc-s1 (>= 3.0)',
  'libstdc++6 (>= 9)',
  'iproute2',
  'init-system-helpers (>= 1.52)',
  'systemd | systemd-standalone-sysusers',
];

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** Of what Debian's own checker does not like, what is as it is meant to be. */
const MEANT = [
  'bogus-mail-host',
  'bogus-mail-host-in-debian-changelog',
  'embedded-library',
  'hardening-no-pie',
  'maintainer-script-calls-systemctl',
  'unstripped-binary-or-object',
];

/** Path of the package that was made. */
export function makeDeb(stage: Stage, options: DebOptions): string {
  const { version, seconds, architecture, out, compression } = options;
  writeChangelog(stage, options);
  const overrides = MEANT.map((tag) => `wackamole: ${tag}\n`).join('');
  stage.write('usr/share/lintian/overrides/wackamole', overrides);
  const control = join(stage.root, 'DEBIAN');
  rmSync(control, { recursive: true, force: true });
  const sums = checksums(stage);
  const kibibytes = installedSize(stage.root);
  mkdirSync(control);
  writeFileSync(join(control, 'control'), controlText(options, kibibytes));
  writeFileSync(join(control, 'md5sums'), sums);
  for (const script of SCRIPTS) {
    cpSync(join(ROOT, 'src/packaging/debian', script), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  for (const file of ['control', 'md5sums']) chmodSync(join(control, file), 0o644);
  stage.settle(seconds);
  mkdirSync(out, { recursive: true });
  const file = join(out, `wackamole_${version}_${architecture}.deb`);
  const how = compression === undefined ? ['-Znone'] : ['-Zgzip', `-z${compression}`];
  run(
    ['dpkg-deb', '--root-owner-group', '--uniform-compression', ...how, '--build', stage.root, file],
    ROOT,
    {
      SOURCE_DATE_EPOCH: String(seconds),
    },
  );
  return file;
}

function controlText({ version, architecture }: DebOptions, kibibytes: number): string {
  return `Package: wackamole
Version: ${version}
Architecture: ${architecture}
Maintainer: The Wackamole authors <wackamole@localhost>
Installed-Size: ${kibibytes}
Depends: ${DEPENDS.join(', ')}
Section: net
Priority: optional
Description: virtual IP addresses shared by several hosts
 N hosts share M virtual IP addresses. Every address is served by exactly one
 live host; when a host dies, the others serve its addresses. There is no
 server to run, no database and no master.
 .
 The package contains its own Node.js runtime. It starts nothing before there
 is a configuration.
`;
}

/** One entry: the release. What changed is in CHANGELOG.md. */
function writeChangelog(stage: Stage, { version, seconds }: Release): void {
  const date = new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');
  stage.writeCompressed(
    'usr/share/doc/wackamole/changelog',
    `wackamole (${version}) stable; urgency=medium

  * See CHANGELOG.md.gz beside this file.

 -- The Wackamole authors <wackamole@localhost>  ${date}
`,
  );
}

function checksums(stage: Stage): string {
  return filesOf(stage.root)
    .filter((path) => !path.startsWith('etc/'))
    .map((path) => `${createHash('md5').update(stage.read(path)).digest('hex')}  ${path}\n`)
    .join('');
}

/** As Debian counts: files rounded up to a kibibyte, one for everything else. */
function installedSize(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + 1 + installedSize(path);
    return sum + (entry.isFile() ? Math.ceil(statSync(path).size / 1024) : 1);
  }, 0);
}

export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

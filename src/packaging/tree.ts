/** What a package installs: the program with its runtime, its units, manual pages, completion, and documents. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { completionFor } from '../commander/completion.ts';
import { manPages } from '../commander/man-page.ts';
import { createProgram } from '../commander/program.ts';
import { wordsOf } from '../commander/words.ts';
import { NODE_FLAGS } from '../platform/layout.ts';
import type { Bundled } from './bundle.ts';
import { ROOT, type Runtime, run } from './runtime.ts';
import type { Stage } from './stage.ts';

export interface Release {
  readonly version: string;
  /** Of the commit, seconds since 1970: the time of every file. */
  readonly seconds: number;
}

/** Folders with what was bundled, the same for every architecture. */
export interface Bundles {
  readonly program: string;
  /** A `node_modules`. */
  readonly sdks: string;
  readonly packages: Bundled;
}

export const HOME = 'usr/lib/wackamole';
const DOCUMENTS = 'usr/share/doc/wackamole';

/** Of koffi: what Node loads of it, not what it was compiled from. */
const KOFFI_FILE =
  /^(?:package\.json|LICENSE\.txt|index\.cjs|src\/koffi\/index\.cjs|src\/koffi\/src\/static\.cjs)$/;

export function layOut(
  stage: Stage,
  release: Release,
  { bundles, runtime }: { bundles: Bundles; runtime: Runtime },
): void {
  layOutProgram(stage, release, { bundles, runtime });
  layOutSystem(stage);
  layOutWords(stage, release);
  layOutDocuments(stage, { bundles, runtime });
}

function layOutProgram(
  stage: Stage,
  { version }: Release,
  { bundles, runtime }: { bundles: Bundles; runtime: Runtime },
): void {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Readonly<
    Record<string, unknown>
  >;
  const { name, description, license, exports } = own;
  const about = { name, version, description, license, type: 'module', private: true, exports };
  stage.write(`${HOME}/package.json`, `${JSON.stringify(about, undefined, 2)}\n`);
  stage.copyFolder(bundles.program, `${HOME}/dist`);
  stage.copy(join(bundles.program, 'wackamole.js'), `${HOME}/dist/wackamole.js`, 0o755);
  stage.copyFolder(bundles.sdks, `${HOME}/node_modules`);
  stage.copy(runtime.node, `${HOME}/bin/node`, 0o755);
  const koffi = join(ROOT, 'node_modules/koffi');
  stage.copyFolder(koffi, `${HOME}/node_modules/koffi`, (file) => KOFFI_FILE.test(file));
  const native = new Set(['package.json', 'index.js', runtime.koffiFile]);
  stage.copyFolder(runtime.koffi, `${HOME}/node_modules/${runtime.koffiName}`, (file) => native.has(file));
  const launcher = `#!/bin/sh\nexec /${HOME}/bin/node ${NODE_FLAGS.join(' ')} /${HOME}/dist/wackamole.js "$@"\n`;
  stage.write('usr/bin/wackamole', launcher, 0o755);
}

function layOutSystem(stage: Stage): void {
  const units = join(ROOT, 'src/install/systemd');
  for (const name of ['wackamole.service', 'wackamole@.service'])
    stage.copy(join(units, name), `usr/lib/systemd/system/${name}`);
  stage.copy(join(units, 'wackamole.sysusers'), 'usr/lib/sysusers.d/wackamole.conf');
  stage.folder('etc/wackamole');
}

/** What is made of the definition of the command line. */
function layOutWords(stage: Stage, { version, seconds }: Release): void {
  const quiet = { write: () => {} };
  const program = createProgram({} as never, { version, stdout: quiet, stderr: quiet, done: () => {} });
  const date = new Date(seconds * 1000).toISOString().slice(0, 10);
  for (const { name, text } of manPages(wordsOf(program), { version, date }))
    stage.writeCompressed(`usr/share/man/man1/${name}`, text);
  stage.write('usr/share/bash-completion/completions/wackamole', completionFor('bash', program));
  stage.write('usr/share/zsh/vendor-completions/_wackamole', completionFor('zsh', program));
  stage.write('usr/share/fish/vendor_completions.d/wackamole.fish', completionFor('fish', program));
}

function layOutDocuments(stage: Stage, { bundles, runtime }: { bundles: Bundles; runtime: Runtime }): void {
  const pages = run(['git', 'ls-files', 'docs'], ROOT).trim().split('\n');
  for (const page of ['README.md', ...pages]) stage.copy(join(ROOT, page), `${DOCUMENTS}/${page}`);
  stage.writeCompressed(`${DOCUMENTS}/CHANGELOG.md`, readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'));
  stage.write(`${DOCUMENTS}/copyright`, copyright(runtime));
  stage.writeCompressed(`${DOCUMENTS}/licences-node.txt`, readFileSync(runtime.nodeLicence, 'utf8'));
  stage.writeCompressed(`${DOCUMENTS}/licences-npm.txt`, licences(bundles.packages));
}

function copyright({ nodeVersion }: Runtime): string {
  return `Wackamole, its manual pages and documents:

${readFileSync(join(ROOT, 'LICENSE'), 'utf8')}
The package also contains

- Node.js ${nodeVersion} (/${HOME}/bin/node), under the MIT licence and those of
  what it contains: licences-node.txt.gz
- npm packages, bundled into /${HOME}: their licences are in
  licences-npm.txt.gz
`;
}

/** The text of each package's licence, by the package's name. */
function licences(packages: Bundled): string {
  return [...packages, 'node_modules/koffi']
    .toSorted()
    .map((path) => {
      const folder = join(ROOT, path);
      const file = readdirSync(folder).find((name) => /^licen[cs]e(?:[.-].*)?$/i.test(name));
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        readonly version: string;
        readonly license?: string;
      };
      const text =
        file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';
      const name = path.slice('node_modules/'.length);
      return `==== ${name} ${version} (${license ?? 'see below'})\n\n${text}\n`;
    })
    .join('\n');
}

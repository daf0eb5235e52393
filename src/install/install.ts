/**
 * Makes the program that runs a service of this host, and undoes that: a launcher, the unit, the user. Looks at everything first and
 * changes nothing where something is in the way; never starts an agent. For hosts without the package, which brings its own files.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { marked, originOf } from './marked-file.ts';
import { insideOf, placeProblem } from './program-place.ts';

export interface InstallOptions {
  /** Name of the cluster whose agent is one of several on this host; absent: the host's only one. */
  readonly instance?: string;
  /** Folder that is or will be the root of a host; `/` is this one, whose service manager is told. */
  readonly root: string;
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

/** Where the program lies: absolute paths. */
export interface InstalledProgram {
  /** The runtime, and the words behind it up to the program's own. */
  readonly runtime: string;
  readonly flags: readonly string[];
  readonly script: string;
  /** Folder of the units as they are shipped. */
  readonly units: string;
  /** What a person can read of the service. */
  readonly documentation: string;
}

/** What was done, or would be, a line each; or why nothing was. */
export type Installation =
  | { readonly ok: true; readonly done: readonly string[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const LAUNCHER = '/usr/local/bin/wackamole';
const SYSUSERS = '/etc/sysusers.d/wackamole.conf';
const UNITS = '/etc/systemd/system';
const PACKAGE_UNIT = '/usr/lib/systemd/system/wackamole.service';
const CONFIG_FOLDER = '/etc/wackamole';

interface PlannedFile {
  /** As the host sees it. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export function install(options: InstallOptions, program: InstalledProgram): Installation {
  const { root, instance } = options;
  const problems = [
    rightsProblem(options),
    packageProblem(root, instance),
    placeProblem(program.runtime, root),
    placeProblem(program.script, root),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) return { ok: false, problems };
  const files = plannedFiles(options, program);
  const edited = files
    .map(({ path }) => editedProblem(root, path))
    .filter((problem) => problem !== undefined);
  if (edited.length > 0) return { ok: false, problems: edited };
  const host = new Host(options);
  host.folder(CONFIG_FOLDER);
  for (const file of files) host.write(file);
  if (host.changed) host.tellSystemd(['systemd-sysusers', 'wackamole.conf'], ['systemctl', 'daemon-reload']);
  return host.failure ?? { ok: true, done: host.done, notes: [...host.notes, ...nextSteps(instance)] };
}

export function uninstall(options: InstallOptions): Installation {
  const { root, instance } = options;
  const unit = unitOf(instance);
  const others = otherUses(root, instance);
  const paths = [
    ...(others.template ? [] : [`${UNITS}/${unit}`]),
    ...(others.program ? [] : [LAUNCHER, SYSUSERS]),
  ];
  const problems = [rightsProblem(options), ...paths.map((path) => editedProblem(root, path))].filter(
    (problem) => problem !== undefined,
  );
  if (problems.length > 0) return { ok: false, problems };
  const host = new Host(options);
  if (existsSync(at(root, `${UNITS}/${unit}`))) {
    // Waits until everything was handed over.
    const name = instance === undefined ? unit : `wackamole@${instance}.service`;
    host.tellSystemd(['systemctl', 'disable', '--now', name]);
    if (host.failure !== undefined) return host.failure;
  }
  for (const path of paths) host.remove(path);
  if (host.changed) host.tellSystemd(['systemctl', 'daemon-reload']);
  const kept = `kept: ${CONFIG_FOLDER} with configuration and key, and the user wackamole`;
  return host.failure ?? { ok: true, done: host.done, notes: [...host.notes, kept] };
}

function unitOf(instance: string | undefined): string {
  return instance === undefined ? 'wackamole.service' : 'wackamole@.service';
}

function at(root: string, path: string): string {
  return root === '/' ? path : root + path;
}

function plannedFiles({ root, instance }: InstallOptions, program: InstalledProgram): readonly PlannedFile[] {
  const seen = (path: string) => quoted(insideOf(path, root) ?? path);
  const words = [seen(program.runtime), ...program.flags, seen(program.script)];
  const launcher = `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`;
  const name = unitOf(instance);
  const unit = readFileSync(`${program.units}/${name}`, 'utf8')
    .replaceAll('=/usr/bin/wackamole ', `=${LAUNCHER} `)
    .replace(/^Documentation=.*$/m, `Documentation=file:${program.documentation}`);
  const user = readFileSync(`${program.units}/wackamole.sysusers`, 'utf8');
  return [
    { path: LAUNCHER, text: marked(launcher), mode: 0o755 },
    { path: SYSUSERS, text: marked(user), mode: 0o644 },
    { path: `${UNITS}/${name}`, text: marked(unit), mode: 0o644 },
  ];
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w/.@+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function rightsProblem({ root, dryRun }: InstallOptions): string | undefined {
  if (!existsSync(root)) return `${root} is not there; --root names a folder with the files of a host`;
  if (dryRun || process.getuid?.() === 0) return undefined;
  return 'only root may do this; run it with sudo, or say --dry-run to see what it would do';
}

function packageProblem(root: string, instance: string | undefined): string | undefined {
  if (!existsSync(at(root, PACKAGE_UNIT))) return undefined;
  const name = instance === undefined ? 'wackamole' : `wackamole@${instance}`;
  return `the package wackamole is installed, and has its units already: run \`systemctl enable --now ${name}\`, or remove the package first`;
}

/** A file that is there, and not as we wrote it, is somebody's. */
function editedProblem(root: string, path: string): string | undefined {
  const file = at(root, path);
  if (!existsSync(file)) return undefined;
  if (isMask(file))
    return `${file} is a mask, as a package that was removed leaves it: run \`systemctl unmask ${basename(file)}\`, and run this again`;
  switch (originOf(readFileSync(file, 'utf8'))) {
    case 'ours':
      return undefined;
    case 'edited':
      return `${file} was edited since it was installed: keep your changes elsewhere (\`systemctl edit\` for a unit), remove the file, and run this again`;
    case 'foreign':
      return `${file} is there and not ours: move it away, and run this again`;
  }
}

/** What else on the host needs what we installed. */
function otherUses(root: string, instance: string | undefined): { template: boolean; program: boolean } {
  const units = at(root, UNITS);
  const links = existsSync(units) ? readdirSync(units, { recursive: true, encoding: 'utf8' }) : [];
  const instances = links
    .map((path) => /(?:^|\/)wackamole@(.+)\.service$/.exec(path)?.[1])
    .filter((name) => name !== undefined && name !== instance);
  const template = instance !== undefined && instances.length > 0;
  const rest = instance === undefined ? 'wackamole@.service' : 'wackamole.service';
  const other = `${units}/${rest}`;
  return { template, program: template || (existsSync(other) && !isMask(other)) };
}

/** A unit that nothing may start: a link to nowhere. */
function isMask(file: string): boolean {
  return lstatSync(file).isSymbolicLink();
}

function nextSteps(instance: string | undefined): readonly string[] {
  const file = `${CONFIG_FOLDER}/${instance ?? 'wackamole'}.yaml`;
  const unit = instance === undefined ? 'wackamole' : `wackamole@${instance}`;
  return [
    'no agent was started; what is left to do:',
    `  write ${file}, and ${CONFIG_FOLDER}/cluster.key with owner wackamole and mode 0600`,
    `  wackamole config check --host ${file}`,
    `  systemctl enable --now ${unit}`,
  ];
}

/** Does it, or says what would be done. */
class Host {
  readonly #options: InstallOptions;
  readonly done: string[] = [];
  readonly notes: string[] = [];
  failure: Installation | undefined;
  changed = false;

  constructor(options: InstallOptions) {
    this.#options = options;
  }

  folder(path: string): void {
    const folder = this.#at(path);
    if (existsSync(folder)) return;
    this.#do(`make ${folder}`, `made ${folder}`, () => mkdirSync(folder, { recursive: true, mode: 0o755 }));
  }

  write({ path, text, mode }: PlannedFile): void {
    const file = this.#at(path);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) {
      this.done.push(`${file} is as it should be`);
      return;
    }
    this.#do(`write ${file}`, `wrote ${file}`, () => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
      writeFileSync(file, text);
      chmodSync(file, mode);
    });
  }

  remove(path: string): void {
    const file = this.#at(path);
    if (!existsSync(file)) return;
    this.#do(`remove ${file}`, `removed ${file}`, () => rmSync(file));
  }

  /** Of another root only its users are made; of this one what runs is told. Stops at the first that fails. */
  tellSystemd(...commands: readonly (readonly [string, ...string[]])[]): void {
    const { root, dryRun } = this.#options;
    const here = root === '/';
    if (here && !dryRun && !existsSync('/run/systemd/system')) {
      this.notes.push('systemd does not run here: nothing was told to it, and no user was made');
      return;
    }
    for (const [program, ...rest] of commands) {
      if (!here && program === 'systemctl' && rest[0] === 'daemon-reload') continue;
      const offline = program === 'systemctl' ? rest.filter((word) => word !== '--now') : rest;
      const argv = here ? rest : [`--root=${root}`, ...offline];
      const line = [program, ...argv].join(' ');
      this.#do(`run ${line}`, `ran ${line}`, () => this.#run(program, argv));
      if (this.failure !== undefined) return;
    }
  }

  #run(program: string, argv: readonly string[]): void {
    const { status, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' });
    if (status === 0) return;
    const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? `it ended with ${status}`;
    throw new Error(`\`${[program, ...argv].join(' ')}\` failed: ${reason}; run it by hand, then this again`);
  }

  #do(would: string, did: string, action: () => void): void {
    if (this.failure !== undefined) return;
    this.changed = true;
    if (this.#options.dryRun) {
      this.done.push(`would ${would}`);
      return;
    }
    try {
      action();
      this.done.push(did);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.failure = { ok: false, problems: [...this.done.map((line) => `done: ${line}`), reason] };
    }
  }

  #at(path: string): string {
    return at(this.#options.root, path);
  }
}

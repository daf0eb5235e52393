/**
 * What differs between architectures: Node itself and the native part of koffi, as files of npm packages of exactly the versions in the
 * lock file. What npm did not install here (another architecture's) it fetches as an archive, which must have the lock file's digest.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export type Architecture = 'amd64' | 'arm64';
export const ARCHITECTURES: readonly Architecture[] = ['amd64', 'arm64'];

/** As npm calls them. */
const NPM_NAMES: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' };
const FETCHED = join(ROOT, 'node_modules/.cache/wackamole-package');

export interface Runtime {
  readonly node: string;
  readonly nodeLicence: string;
  readonly nodeVersion: string;
  /** Folder of the npm package with the native part of koffi, its name, and the file in it. */
  readonly koffi: string;
  readonly koffiName: string;
  readonly koffiFile: string;
  /** Folders below `node_modules`, as the lock file names them. */
  readonly packages: readonly string[];
}

/** Throws an Error for a person. */
export function runtimeFor(architecture: Architecture): Runtime {
  const cpu = NPM_NAMES[architecture];
  const [nodeName, koffiName] = [`node-linux-${cpu}`, `@koromix/koffi-linux-${cpu}`];
  const [node, koffi] = [packageFolder(nodeName), packageFolder(koffiName)];
  return {
    node: join(node, 'bin/node'),
    nodeLicence: join(node, 'LICENSE'),
    nodeVersion: locked(nodeName).version,
    koffi,
    koffiName,
    koffiFile: `linux_${cpu}/koffi.node`,
    packages: [`node_modules/${nodeName}`, `node_modules/${koffiName}`],
  };
}

interface Locked {
  readonly version: string;
  readonly integrity: string;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, Locked & { readonly license?: string }>>;
}

export function lockFile(): LockFile {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
}

function locked(name: string): Locked {
  const found = lockFile().packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json does not name ${name}; run \`npm install\``);
  return found;
}

function packageFolder(name: string): string {
  const installed = join(ROOT, 'node_modules', name);
  const { version, integrity } = locked(name);
  if (existsSync(join(installed, 'package.json'))) return installed;
  const fetched = join(FETCHED, `${name.replaceAll('/', '+')}-${version}`);
  if (!existsSync(fetched)) fetch(`${name}@${version}`, { integrity, to: fetched });
  return fetched;
}

function fetch(what: string, { integrity, to }: { integrity: string; to: string }): void {
  mkdirSync(FETCHED, { recursive: true });
  const folder = mkdtempSync(join(FETCHED, 'fetching-'));
  try {
    const packed = run(['npm', 'pack', '--silent', '--json', what], folder);
    const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }];
    const archive = join(folder, filename);
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity)
      throw new Error(`${what} is not what package-lock.json names: ${digest} instead of ${integrity}`);
    run(['tar', '-xzf', archive, '--no-same-owner'], folder);
    renameSync(join(folder, 'package'), to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it printed. Throws an Error for a person. */
export function run(argv: readonly [string, ...string[]], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (status === 0) return stdout;
  if (error !== undefined && 'code' in error && error.code === 'ENOENT')
    throw new Error(`${argv[0]} is not here; install it (on Debian: dpkg, tar, npm, git)`);
  throw new Error(`\`${argv.join(' ')}\` failed: ${error?.message ?? (stderr.trim() || stdout.trim())}`);
}

/** The source files of the project and what each imports, for the architecture tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** Repository path of a file, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

export function sources(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }));
}

const IMPORT = /^(?:import|export)\s+(type\s+)?([^'";]*?)from\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  for (const [, type, names, to] of file.text.matchAll(IMPORT)) {
    found.push({ to: resolve(file, to ?? ''), typeOnly: type !== undefined || onlyTypes(names ?? '') });
  }
  for (const pattern of [BARE, DYNAMIC]) {
    for (const [, to] of file.text.matchAll(pattern))
      found.push({ to: resolve(file, to ?? ''), typeOnly: false });
  }
  return found;
}

/** `{ type A, type B }` imports nothing at run time. */
function onlyTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}\s*$/.exec(names.trim())?.[1];
  if (inner === undefined) return false;
  return inner
    .split(',')
    .filter((name) => name.trim() !== '')
    .every((name) => name.trim().startsWith('type '));
}

function resolve(file: SourceFile, to: string): string {
  return to.startsWith('.') ? relative(root, join(root, dirname(file.path), to)).replaceAll('\\', '/') : to;
}

/** `src/agent/loop.ts` → `agent`; `providers/local/x.ts` → `providers/local`. */
export function roomOf(path: string): string {
  const [top, room] = path.split('/');
  return top === 'providers' ? `providers/${room}` : (room ?? '');
}

/** The code without comments, strings and templates, for searching identifiers. */
export function bareCode(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/(^|[^:])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/`(?:[^`\\]|\\.)*`/g, '``');
}

/** Reads a configuration file and the key it names. */
import type { Config } from '../config/config.ts';
import { withKeys } from '../config/keys.ts';
import type { ParseResult } from '../config/parse.ts';
import { formatProblem } from '../config/problem.ts';
import { readKeyFile } from '../platform/key-file.ts';
import { parseFile } from './parse-file.ts';

export type ReadConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Never rejects: what is wrong with file or key is a problem with a text for a person.
 * @param parsing of that file, where it is under way already
 */
export async function readConfig(file: string, parsing?: Promise<ParseResult>): Promise<ReadConfig> {
  try {
    const parsed = await (parsing ?? parseFile(file));
    if (!parsed.ok) return { ok: false, problems: parsed.problems.map(formatProblem) };
    const warnings = parsed.warnings.map(formatProblem);
    if (parsed.keyFile === undefined) return { ok: true, config: parsed.config, warnings };
    return { ok: true, config: withKeys(parsed.config, await readKeyFile(parsed.keyFile)), warnings };
  } catch (error) {
    return { ok: false, problems: [unreadable(file, error)] };
  }
}

function unreadable(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return `cannot read ${file}: there is no such file; name one with --config`;
  if (code === 'EACCES') return `cannot read ${file}: not allowed; check its mode and owner`;
  return error instanceof Error ? error.message : String(error);
}

/** Sections whose change a running agent cannot take over, compared as text; of cluster keys only whether there are any. */
const FIXED = ['cluster', 'member', 'group', 'providers', 'guests', 'control'] as const;

/** The sections that differ and need a restart of the agent. */
export function needsRestart(before: Config, after: Config): readonly string[] {
  const witness = plain(before.quorum.witness) === plain(after.quorum.witness) ? [] : ['quorum.witness'];
  return [...FIXED.filter((section) => plain(before[section]) !== plain(after[section])), ...witness];
}

function plain(value: unknown): string {
  return JSON.stringify(value, (name, part: unknown) => {
    if (name === 'key') return part !== undefined;
    return name === 'otherKeys' ? undefined : part;
  });
}

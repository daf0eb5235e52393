/** Reads a configuration file and the key it names. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { parseConfig, withKey } from '../config/parse.ts';
import { formatProblem } from '../config/problem.ts';
import { readKeyFile } from '../platform/key-file.ts';

export type ReadConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Never rejects: what is wrong with file or key is a problem with a text for a person. */
export async function readConfig(file: string): Promise<ReadConfig> {
  try {
    const text = await readFile(file, 'utf8');
    const parsed = parseConfig(text, { fileName: file, hostName: hostname() });
    if (!parsed.ok) return { ok: false, problems: parsed.problems.map(formatProblem) };
    const warnings = parsed.warnings.map(formatProblem);
    if (parsed.keyFile === undefined) return { ok: true, config: parsed.config, warnings };
    return { ok: true, config: withKey(parsed.config, await readKeyFile(parsed.keyFile)), warnings };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [message.includes(file) ? message : `cannot read ${file}: ${message}`] };
  }
}

/** Sections whose change a running agent cannot take over, compared as text. */
const FIXED = ['cluster', 'member', 'group', 'providers', 'control'] as const;

/** The sections that differ and need a restart of the agent. */
export function needsRestart(before: Config, after: Config): readonly string[] {
  return FIXED.filter((section) => plain(before[section]) !== plain(after[section]));
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part,
  );
}

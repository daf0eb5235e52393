/**
 * From the text of a configuration file to a checked {@link Config}, or to everything that is wrong with it at once.
 * Pure: reads no file, asks no host. Never throws for what the text says.
 */

import { buildConfig } from './build.ts';
import type { Config } from './config.ts';
import { Findings } from './findings.ts';
import { knownKeys } from './known-keys.ts';
import { type Finding, formatPath, type Path, type Problem } from './problem.ts';
import { FILE_SCHEMA } from './schema.ts';
import { shapeFindings } from './shape-findings.ts';
import { readSource, type Source } from './source.ts';

export interface ParseOptions {
  /** For messages, and the folder that relative paths start from. */
  readonly fileName: string;
  /** Of this host; its first label is the member name where the file has none. */
  readonly hostName: string;
}

export type ParseResult =
  | {
      readonly ok: true;
      /** `group.key` is still absent: see `keys.ts`. */
      readonly config: Config;
      /** Where the key is to be read from; absent where the file says `insecure: true`. */
      readonly keyFile?: string;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/** Longer lists help nobody. */
const PROBLEMS_MAX = 200;

/** See the file's head. Problems and warnings stand in the order of the file. */
export function parseConfig(text: string, options: ParseOptions): ParseResult {
  const source = readSource(text);
  const syntax = source.problems.map((problem) => ({ file: options.fileName, path: '', ...problem }));
  if (!source.readable) return { ok: false, problems: syntax, warnings: [] };
  if (source.value === null || source.value === undefined) return emptyFile(options.fileName);
  const shaped = shape(source.value);
  const findings = new Findings();
  const built = shaped.value === undefined ? undefined : buildConfig(shaped.value, options, findings);
  // While something was left out because its shape is wrong, complaints about what refers to it may be false.
  const genuine = (finding: Finding) => !mayFollow(finding, shaped.findings);
  const errors = [...shaped.findings, ...findings.errors.filter(genuine)];
  const warnings = place(findings.warnings.filter(genuine), source, options.fileName);
  if (built !== undefined && errors.length + syntax.length === 0) return { ok: true, ...built, warnings };
  const problems = [...syntax, ...place(errors, source, options.fileName)].sort(inFileOrder);
  return { ok: false, problems, warnings };
}

interface Shaped {
  /** Undefined where too much is wrong to look further. */
  readonly value: ReturnType<typeof FILE_SCHEMA.parse> | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Checks the shape. Where it is wrong, the wrong parts are taken out and the rest is checked on, so that one run tells
 * everything; the findings are those of the first look.
 */
function shape(value: unknown): Shaped {
  const first = FILE_SCHEMA.safeParse(fillProviderKinds(value), { reportInput: true });
  if (first.success) return { value: first.data, findings: [] };
  const input = structuredClone(value);
  const valueAt = (path: Path) => lookUp(value, path);
  const findings = shapeFindings(first.error.issues, { keysAt: knownKeys, valueAt });
  let wrong: readonly Finding[] = findings;
  for (let round = 0; round < 8; round += 1) {
    if (!wrong.every((finding) => takeOut(input, finding.path))) break;
    const again = FILE_SCHEMA.safeParse(input, { reportInput: true });
    if (again.success) return { value: again.data, findings };
    wrong = shapeFindings(again.error.issues, { keysAt: knownKeys, valueAt: (path) => lookUp(input, path) });
  }
  return { value: undefined, findings };
}

/** `kind` of a provider defaults to its name; `local:` without a value is a provider with defaults. */
function fillProviderKinds(value: unknown): unknown {
  const providers = lookUp(value, ['providers']);
  if (!isRecord(providers)) return value;
  for (const [name, entry] of Object.entries(providers)) {
    if (entry === null) providers[name] = { kind: name };
    else if (isRecord(entry) && entry['kind'] === undefined) entry['kind'] = name;
  }
  return value;
}

/** What stands in for a required part that is missing or wrong, so that the rest can be looked at. */
const STAND_INS: Readonly<Record<string, () => unknown>> = {
  cluster: () => 'cluster',
  group: () => ({}),
  vips: () => ({}),
};

/** Removes the value at the path, or what it belongs to where a list or a missing key is in the way. */
function takeOut(root: unknown, path: Path): boolean {
  const key = path.at(-1);
  if (key === undefined || !isRecord(root)) return false;
  if (path.length === 1 && Object.hasOwn(STAND_INS, key)) {
    root[key] = STAND_INS[key]!();
    return true;
  }
  const holder = lookUp(root, path.slice(0, -1));
  // Gone already, together with something else.
  if (holder === undefined) return true;
  if (!isRecord(holder) || !Object.hasOwn(holder, key)) return takeOut(root, path.slice(0, -1));
  delete holder[key];
  return true;
}

/** Whether a finding may be only the echo of something that was taken out. */
function mayFollow(finding: Finding, shapes: readonly Finding[]): boolean {
  return shapes.some(
    ({ path }) =>
      related(path, finding.path) || CROSSING.some((sections) => crosses(sections, path, finding)),
  );
}

function related(a: Path, b: Path): boolean {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/** Sections that are checked against each other: the first is what is wrong, the second what may complain of it. */
const CROSSING: readonly (readonly [RegExp, RegExp])[] = [
  [/^(agent|providers)\b/, /^(agent|providers)\b/],
  [/^group\.timers\b/, /^group\.timers\b/],
  [/^(member|group\.(peers|multicast))\b/, /^(quorum\b|group:|group\.(peers|listen)\b|vips\b.*\bprefer\b)/],
  [/^(providers|policy|vips|quorum)\b/, /^quorum\b/],
  [/^providers\b/, /^vips\b.*(?:which interface|no provider)/],
];

function crosses([cause, effect]: readonly [RegExp, RegExp], wrong: Path, complaint: Finding): boolean {
  return cause.test(formatPath(wrong)) && effect.test(`${formatPath(complaint.path)}: ${complaint.what}`);
}

function place(findings: readonly Finding[], source: Source, file: string): Problem[] {
  const placed = findings.slice(0, PROBLEMS_MAX).map((finding) => {
    const { line, column } = source.place(finding);
    return { file, line, column, path: formatPath(finding.path), what: finding.what, mend: finding.mend };
  });
  return placed.sort(inFileOrder);
}

function inFileOrder(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

function emptyFile(file: string): ParseResult {
  const what = 'the file is empty';
  const mend = 'begin with docs/examples/minimal.yaml';
  return { ok: false, problems: [{ file, line: 1, column: 1, path: '', what, mend }], warnings: [] };
}

function lookUp(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Turns what the schema says against a value into findings for people: what is wrong and how to mend it. */
import type { z } from 'zod';
import type { Finding, Path } from './problem.ts';
import { suggest } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/**
 * One finding an issue (one a key for unknown keys). `keysAt` tells the keys that the schema knows at a path, for
 * "did you mean"; `valueAt` what the file says there.
 */
export interface ShapeContext {
  keysAt(path: Path): readonly string[];
  valueAt(path: Path): unknown;
}

export function shapeFindings(issues: readonly Issue[], context: ShapeContext): Finding[] {
  return issues.flatMap((issue) => findingsOf(issue, issue.path as Path, context));
}

function findingsOf(issue: Issue, path: Path, context: ShapeContext): Finding[] {
  const [what, mend] = issue.message.split('\n');
  if (mend !== undefined) return [{ path, what: what!, mend }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], context.keysAt(path)));
    case 'invalid_union':
      return branchFindings(issue, path, context);
    case 'invalid_key':
      return issue.issues
        .flatMap((inner) => findingsOf(inner, path, context))
        .map((found) => ({ ...found, atKey: true }));
    case 'invalid_type':
      return [wrongType(issue.expected, path, context)];
    case 'too_small':
    case 'too_big':
      return [outOfRange(issue, path)];
    case 'invalid_value':
      return [wrongWord(issue.values.map(String), path, context)];
    default:
      return [{ path, what: issue.message, mend: 'see docs/configuration.md' }];
  }
}

function unknownKey(path: Path, known: readonly string[]): Finding {
  const key = String(path.at(-1));
  const near = suggest(
    key,
    known.filter((candidate) => candidate !== key),
  );
  const mend =
    near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`;
  return { path, what: `unknown key ${JSON.stringify(key)}`, mend, atKey: true };
}

/** Speaks only of the alternative that the writer seems to have meant: the one whose type fits. */
function branchFindings(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  context: ShapeContext,
): Finding[] {
  const mismatch = (branch: readonly Issue[]) =>
    branch.find((inner) => inner.code === 'invalid_type' && inner.path.length === 0);
  const meant = issue.errors.find((branch) => mismatch(branch) === undefined);
  if (meant !== undefined) {
    return meant.flatMap((inner) => findingsOf(inner, [...path, ...(inner.path as Path)], context));
  }
  const expected = issue.errors.flatMap((branch) => {
    const inner = mismatch(branch);
    return inner?.code === 'invalid_type' ? [inner.expected] : [];
  });
  return [wrongType(expected.map(nounOf).join(' or '), path, context)];
}

function wrongType(expected: string, path: Path, context: ShapeContext): Finding {
  const found = context.valueAt(path);
  const noun = nounOf(expected);
  if (found === undefined) return { path, what: 'is missing', mend: `write ${noun}` };
  if (found === null) return { path, what: 'has no value', mend: `write ${noun}, or drop the key` };
  const quotable = (typeof found === 'number' || typeof found === 'boolean') && noun.includes('text');
  const mend = quotable ? `write it in quotes: "${found}"` : `write ${noun}`;
  return { path, what: `expected ${noun}, found ${nounOfValue(found)}`, mend };
}

function outOfRange(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>, path: Path): Finding {
  const small = issue.code === 'too_small';
  const limit = Number(small ? issue.minimum : issue.maximum);
  const [unit, plural] = issue.origin === 'array' ? ['entry', 'entries'] : ['character', 'characters'];
  const counted = issue.origin === 'array' || issue.origin === 'string';
  const bound = counted ? `${limit} ${limit === 1 ? unit : plural}` : String(limit);
  if (counted && small && limit === 1) return { path, what: 'is empty', mend: `write at least ${bound}` };
  return {
    path,
    what: `is ${small ? 'less' : 'more'} than ${bound}`,
    mend: `write at ${small ? 'least' : 'most'} ${bound}`,
  };
}

function wrongWord(words: readonly string[], path: Path, context: ShapeContext): Finding {
  const found = context.valueAt(path);
  if (found === undefined) return { path, what: 'is missing', mend: `write ${words.join(' or ')}` };
  const near = typeof found === 'string' ? suggest(found, words) : undefined;
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  return { path, what: `${short(found)} is not known here`, mend: `write ${words.join(' or ')}${hint}` };
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function nounOf(type: string): string {
  return NOUNS[type] ?? type;
}

function nounOfValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  return short(value);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/**
 * The text of a configuration file as plain values, with the place of each. YAML 1.2 with everything refused that
 * would surprise: duplicate keys, several documents, unknown tags, keys that are no text, aliases that multiply.
 */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Finding } from './problem.ts';

/** A file of 10,000 VIPs in the long form is smaller. UTF-16 code units. */
export const FILE_LENGTH_MAX = 4 * 1024 * 1024;

/** Who has more than this wrong has one thing wrong in the beginning. */
const SYNTAX_PROBLEMS_MAX = 20;

export interface Place {
  /** Both 1-based. */
  readonly line: number;
  readonly column: number;
}

export interface SourceProblem extends Place {
  readonly what: string;
  readonly mend: string;
}

export interface Source {
  /** Whether the text is YAML at all; if so, `value` may be looked at in spite of problems (with keys). */
  readonly readable: boolean;
  /** Plain values. */
  readonly value: unknown;
  readonly problems: readonly SourceProblem[];
  place(finding: Pick<Finding, 'path' | 'atKey'>): Place;
}

/** Never throws. */
export function readSource(text: string): Source {
  if (text.length > FILE_LENGTH_MAX) {
    return unreadable(
      `the file is longer than ${FILE_LENGTH_MAX} characters`,
      'use ranges such as web-{1..50}',
    );
  }
  const lines = new LineCounter();
  try {
    // Its own search for duplicate keys is quadratic in the number of keys; ours is below.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
    return sourceOf(document, lines);
  } catch (error) {
    // The YAML package throws for aliases that multiply and overflows the stack on absurd nesting.
    return unreadable(
      `cannot be read as YAML: ${firstLine(error)}`,
      'see docs/configuration.md for the shape',
    );
  }
}

function sourceOf(document: Document.Parsed, lines: LineCounter): Source {
  const problems: SourceProblem[] = [];
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of [...document.errors, ...document.warnings].slice(0, SYNTAX_PROBLEMS_MAX)) {
    const problem = { ...placeAt(error.pos[0]), what: firstLine(error), mend: mendOf(error.code) };
    const before = problems.at(-1);
    if (before?.what !== problem.what || before.line !== problem.line) problems.push(problem);
  }
  readKeysAsText(document.contents, (offset, what, mend) =>
    problems.push({ ...placeAt(offset), what, mend }),
  );
  const readable = document.errors.length + document.warnings.length === 0;
  return {
    readable,
    value: readable ? document.toJS({ maxAliasCount: 100 }) : undefined,
    problems,
    place: (finding) => placeAt(offsetOf(document, finding)),
  };
}

type Refuse = (offset: number, what: string, mend: string) => void;

/** A key such as `1e3` or `007` is a name here, not a number; a key that is a list or a map is nothing we know. */
function readKeysAsText(node: unknown, refuse: Refuse): void {
  if (isSeq(node)) for (const item of node.items) readKeysAsText(item, refuse);
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    readKeysAsText(value, refuse);
    const offset = (key as Node | null)?.range?.[0] ?? 0;
    if (!isScalar(key)) {
      refuse(offset, 'a key that is not plain text', 'write `key: value`');
      continue;
    }
    const text = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
    key.value = text;
    if (seen.has(text))
      refuse(offset, `key ${JSON.stringify(text)} stands here twice`, 'keep one of the two');
    if (text === '__proto__') refuse(offset, '"__proto__" cannot be a key', 'choose another name');
    seen.add(text);
  }
}

/** Offset of the deepest node on the path that exists. */
function offsetOf(document: Document, { path, atKey }: Pick<Finding, 'path' | 'atKey'>): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    const next = child(document, node, part);
    if (next === undefined) break;
    const last = index === path.length - 1;
    const target = last && atKey === true ? next.key : (next.value ?? next.key);
    const empty = isScalar(next.value) && next.value.range?.[0] === next.value.range?.[1];
    offset = ((empty ? next.key : target) as Node | null)?.range?.[0] ?? offset;
    node = next.value;
  }
  return offset;
}

function child(
  document: Document,
  node: unknown,
  part: string | number,
): { key: unknown; value: unknown } | undefined {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  if (isMap(resolved)) {
    const pair = resolved.items.find(
      (item) => isPair(item) && isScalar(item.key) && item.key.value === String(part),
    );
    return pair === undefined ? undefined : { key: pair.key, value: pair.value };
  }
  if (isSeq(resolved) && typeof part === 'number') {
    const item = resolved.items[part];
    return item === undefined ? undefined : { key: item, value: item };
  }
  return undefined;
}

function mendOf(code: string): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'see docs/configuration.md for the shape';
  if (code === 'MULTIPLE_DOCS') return 'keep one document and drop the `---` lines';
  if (code === 'TAB_AS_INDENT') return 'indent by spaces';
  if (code.startsWith('TAG')) return 'drop the tag (the word that begins with `!`)';
  return 'a value with one of {}[]:#&*!|>%@` in it needs quotes; nested keys stand two spaces further in';
}

function unreadable(what: string, mend: string): Source {
  const place = { line: 1, column: 1 };
  return { readable: false, value: undefined, problems: [{ ...place, what, mend }], place: () => place };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}

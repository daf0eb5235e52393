/** What the suites say when something is not as it must be: what was looked at, what was expected, what came. */
import { isDeepStrictEqual } from 'node:util';

const TEXT_MAX = 600;

/** Throws unless it holds. */
export function must(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Error(otherwise());
}

/** Deep equality. */
export function mustEqual(actual: unknown, expected: unknown, what: string): void {
  must(
    isDeepStrictEqual(actual, expected),
    () => `${what}: expected ${shown(expected)}, got ${shown(actual)}`,
  );
}

/** Every field named in `expected` is as it is there; others do not matter. */
export function mustMatch(actual: unknown, expected: Readonly<Record<string, unknown>>, what: string): void {
  const record = (typeof actual === 'object' && actual !== null ? actual : {}) as Record<string, unknown>;
  const wrong = Object.keys(expected).filter((key) => !isDeepStrictEqual(record[key], expected[key]));
  must(wrong.length === 0, () => `${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ??
    'nothing';
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

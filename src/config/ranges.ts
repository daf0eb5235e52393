/** Numbered families in one line: `web-{1..50}: 10.0.0.{101..150}`. */

/** At most so many names from one file, whatever it says. */
export const EXPANSION_MAX = 10_000;

export type Expansion =
  | { readonly ok: true; readonly texts: readonly string[] }
  | { readonly ok: false; readonly what: string; readonly mend: string };

const RANGE = /\{(\d{1,9})\.\.(\d{1,9})\}/;

/**
 * The texts a pattern stands for; a text without `{first..last}` stands for itself. One range a text. Ranges run upwards,
 * and keep leading zeros: `{01..10}`. Never more than {@link EXPANSION_MAX} texts.
 */
export function expandRange(pattern: string): Expansion {
  const match = RANGE.exec(pattern);
  if (match === null) return /[{}]/.test(pattern) ? malformed(pattern) : { ok: true, texts: [pattern] };
  const [before, after] = [pattern.slice(0, match.index), pattern.slice(match.index + match[0].length)];
  if (/[{}]/.test(before + after)) return malformed(pattern);
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (last < first) {
    return { ok: false, what: `range ${match[0]} runs downwards`, mend: `write {${match[2]}..${match[1]}}` };
  }
  if (last - first >= EXPANSION_MAX) {
    const mend = `a file may name at most ${EXPANSION_MAX} VIPs`;
    return { ok: false, what: `range ${match[0]} stands for ${last - first + 1} names`, mend };
  }
  const width = match[1]!.startsWith('0') ? match[1]!.length : 0;
  const number = (index: number) => String(first + index).padStart(width, '0');
  const texts = Array.from({ length: last - first + 1 }, (_, index) => before + number(index) + after);
  return { ok: true, texts };
}

export function isRange(pattern: string): boolean {
  return RANGE.test(pattern);
}

function malformed(pattern: string): Expansion {
  const what = `${JSON.stringify(pattern)} is not a range we can read`;
  return { ok: false, what, mend: 'write one range of two numbers, for instance {1..50}' };
}

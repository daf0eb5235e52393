/**
 * Files that `install` writes: each says in a line of its own what the rest of it was when we wrote it, so that one that somebody has
 * edited is known, and neither replaced nor removed.
 */
import { createHash } from 'node:crypto';

const MARK = '# Written by `wackamole install`; sha256 of the other lines: ';

/** The text with our line in it: the first, or the second where the first names an interpreter. */
export function marked(text: string): string {
  const lines = text.split('\n');
  const at = lines[0]?.startsWith('#!') === true ? 1 : 0;
  return lines.toSpliced(at, 0, MARK + digestOf(text)).join('\n');
}

/** `ours`: as we wrote it. `edited`: ours once. `foreign`: never was. */
export function originOf(text: string): 'ours' | 'edited' | 'foreign' {
  const lines = text.split('\n');
  const at = lines.slice(0, 2).findIndex((line) => line.startsWith(MARK));
  if (at === -1) return 'foreign';
  const rest = lines.toSpliced(at, 1).join('\n');
  return lines[at] === MARK + digestOf(rest) ? 'ours' : 'edited';
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

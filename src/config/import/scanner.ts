/**
 * Words of the original Wackamole's configuration format. A word goes on until a blank, a brace or a `#`, so that `Spread=4803`
 * is one word; quotes hold blanks together; `#` starts a comment anywhere. Pure, never throws.
 */

export interface Place {
  /** Both 1-based. */
  readonly line: number;
  readonly column: number;
}

export interface Word extends Place {
  readonly kind: 'open' | 'close' | 'plain' | 'quoted';
  /** Without quotes. */
  readonly text: string;
}

export interface Complaint extends Place {
  readonly what: string;
  readonly mend: string;
}

/** A file of 254 sets is some 200 KB. */
const LENGTH_MAX = 4 * 1024 * 1024;
const WORD =
  /[ \t\r\n]+|#[^\n]*|([{}])|("[^"]*"|'[^']*')(?![^ \t\r\n#{}])|((?:on|post) (?:up|down))(?![^ \t\r\n#{}])|([^ \t\r\n#{}]+)/giy;

export type Scan =
  | { readonly ok: true; readonly words: readonly Word[]; readonly end: Place }
  | { readonly ok: false; readonly complaint: Complaint };

export function scan(text: string): Scan {
  if (text.length > LENGTH_MAX) {
    const what = `the file is longer than ${LENGTH_MAX} characters`;
    return { ok: false, complaint: { line: 1, column: 1, what, mend: 'is this a wackamole.conf?' } };
  }
  const words: Word[] = [];
  let [line, lineStart] = [1, 0];
  for (const match of text.matchAll(WORD)) {
    const [whole, brace, quoted, event, plain] = match;
    const place = { line, column: match.index - lineStart + 1 };
    if (brace !== undefined) words.push({ kind: brace === '{' ? 'open' : 'close', text: brace, ...place });
    else if (quoted !== undefined) words.push({ kind: 'quoted', text: quoted.slice(1, -1), ...place });
    else if (event !== undefined || plain !== undefined) words.push({ kind: 'plain', text: whole, ...place });
    for (let at = whole.indexOf('\n'); at >= 0; at = whole.indexOf('\n', at + 1)) {
      line += 1;
      lineStart = match.index + at + 1;
    }
  }
  return { ok: true, words, end: { line, column: text.length - lineStart + 1 } };
}

/** Lines to blocks: a keyword with its values, and what stands in its braces. Pure; throws {@link Wrong} for what is no block. */
import type { Line } from './lines.ts';
import { type Place, shown, Wrong } from './source.ts';

export interface Word extends Place {
  /** Without quotes. */
  readonly text: string;
  readonly quoted: boolean;
}

export interface Entry extends Place {
  readonly keyword: string;
  readonly values: readonly Word[];
  /** What stands in its braces; absent: it has none. */
  readonly block?: readonly Entry[];
}

interface Open {
  readonly entry: Word | undefined;
  readonly values: Word[];
  readonly entries: Entry[];
}

const DEPTH_MAX = 16;

export function readTree(lines: readonly Line[]): readonly Entry[] {
  const root: Open = { entry: undefined, values: [], entries: [] };
  const open: Open[] = [root];
  /** The last entry of the line before may get its brace on the next one. */
  for (const line of lines) {
    let current: Word[] = [];
    const close = () => {
      if (current.length > 0) open.at(-1)!.entries.push(entryOf(current));
      current = [];
    };
    for (const word of wordsOf(line)) {
      if (word.quoted || (word.text !== '{' && word.text !== '}')) current.push(word);
      else if (word.text === '{') {
        begin(current.length > 0 ? current : headOf(open.at(-1)!, word), open, word);
        current = [];
      } else {
        close();
        end(open, word);
      }
    }
    close();
  }
  const last = open.at(-1)!;
  if (last.entry !== undefined)
    throw new Wrong(
      last.entry,
      `the block ${shown(last.entry.text)} that begins here does not end`,
      'close it with }',
    );
  return root.entries;
}

function begin(words: readonly Word[], open: Open[], brace: Word): void {
  if (open.length > DEPTH_MAX)
    throw new Wrong(brace, 'blocks within blocks, far too deep', 'is a } missing above?');
  open.push({ entry: words[0], values: words.slice(1), entries: [] });
}

/** The brace stands on a line of its own. */
function headOf({ entries }: Open, brace: Word): readonly Word[] {
  const head = entries.at(-1);
  if (head === undefined || head.block !== undefined)
    throw new Wrong(brace, 'a { without the name of a block', 'write for instance vrrp_instance NAME {');
  entries.pop();
  return [{ ...head, text: head.keyword, quoted: false }, ...head.values];
}

function end(open: Open[], brace: Word): void {
  const closed = open.length > 1 ? open.pop() : undefined;
  if (closed?.entry === undefined)
    throw new Wrong(brace, 'a } that closes nothing', 'drop it, or open a block above');
  open.at(-1)!.entries.push({ ...entryOf([closed.entry, ...closed.values]), block: closed.entries });
}

function entryOf(words: readonly Word[]): Entry {
  const [{ file, line, column, text }, ...values] = words as readonly [Word, ...Word[]];
  return { file, line, column, keyword: text, values };
}

/** Quotes hold blanks together and are dropped; a backslash in them takes the next character as it is. */
export function wordsOf({ file, line, column, text }: Line): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length; ) {
    if (/[ \t\r\n]/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const { word, quoted, next } = oneWord(text, at, { file, line, column: column + at });
    words.push({ file, line, column: column + at, text: word, quoted });
    at = next;
  }
  return words.flatMap(withoutBraces);
}

function oneWord(text: string, from: number, place: Place): { word: string; quoted: boolean; next: number } {
  let word = '';
  let at = from;
  let quoted = false;
  while (at < text.length && !/[ \t\r\n]/.test(text[at]!)) {
    const character = text[at]!;
    const closes = character === '"' || (character === "'" && text.includes("'", at + 1));
    if (closes) {
      quoted = true;
      at += 1;
      for (; at < text.length && text[at] !== character; at += 1) {
        if (text[at] === '\\' && at + 1 < text.length) at += 1;
        word += text[at];
      }
      if (at >= text.length)
        throw new Wrong(place, 'a quotation that does not end', `close it with ${character}`);
    } else if (character === '\\' && at + 1 < text.length) {
      at += 1;
      word += text[at];
    } else word += character;
    at += 1;
  }
  return { word, quoted, next: at };
}

/** `{` and `}` count by themselves at either end of a word; inside of one they belong to it. */
function withoutBraces(word: Word): Word[] {
  if (word.quoted || !/[{}]/.test(word.text) || /^[{}]$/.test(word.text)) return [word];
  const match = /^([{}]*)(.*?)([{}]*)$/s.exec(word.text)!;
  const [, before, inside, after] = match as unknown as [string, string, string, string];
  if (inside.includes('{') && !before && after === '}') return [word];
  const single = (text: string, offset: number): Word[] =>
    Array.from(text, (brace, index) => ({ ...word, text: brace, column: word.column + offset + index }));
  const middle = inside === '' ? [] : [{ ...word, text: inside, column: word.column + before.length }];
  return [...single(before, 0), ...middle, ...single(after, before.length + inside.length)];
}

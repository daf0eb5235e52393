/**
 * The lines that keepalived's parser would see: comments gone, files included, definitions (`$NAME=…`) put in, lines for other hosts
 * (`@host …`) left out, sequences (`~SEQ`, `~LST`) written out (keepalived.conf(5), ADVANCED CONFIGURATION). Pure; everything is bounded.
 */

import { expandBlock } from './sequences.ts';
import { type Includes, Missing, type Place, type SourceFile, shown, Wrong } from './source.ts';

export interface Line extends Place {
  /** Without comments, neither empty nor blank at its ends. */
  readonly text: string;
}

export interface LineOptions {
  /** What `@name` is compared with: the host. */
  readonly host: string;
  readonly includes: Includes;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** Things worth a comment: includes of nothing. */
  readonly remarks: readonly string[];
}

const LINES_MAX = 200_000;
const FILES_MAX = 256;
const INCLUDE_DEPTH_MAX = 16;
const EXPANSION_DEPTH_MAX = 32;
const LENGTH_MAX = 4 * 1024 * 1024;
/** Characters that definitions may make of one line, and of all. */
const TEXT_MAX = 65_536;

/** Throws {@link Wrong} and {@link Missing}. */
export function readLines(file: SourceFile, options: LineOptions): Lines {
  const reader = new LineReader(options);
  reader.file(file, 0);
  return { lines: reader.lines, remarks: reader.remarks };
}

const INCLUDE = /^include[rmwba]?[ \t]+(.+)$/;
const DEFINITION = /^\$([A-Za-z_]\w*)=(.*)$/s;
const REFERENCE = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=[ \t\n]|$))/g;

class LineReader {
  readonly lines: Line[] = [];
  readonly remarks: string[] = [];
  readonly #options: LineOptions;
  readonly #definitions = new Map<string, string>();
  #files = 0;
  #made = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#definitions.set('_INSTANCE', options.host);
    this.#definitions.set('_HASH', '#');
    this.#definitions.set('_BANG', '!');
  }

  file({ name, text }: SourceFile, depth: number): void {
    const at = { file: name, line: 1, column: 1 };
    this.#files += 1;
    if (this.#files > FILES_MAX)
      throw new Wrong(at, `more than ${FILES_MAX} files`, 'does a file include itself?');
    if (depth > INCLUDE_DEPTH_MAX)
      throw new Wrong(
        at,
        `files include each other more than ${INCLUDE_DEPTH_MAX} deep`,
        'does a file include itself?',
      );
    if (text.length > LENGTH_MAX)
      throw new Wrong(at, `longer than ${LENGTH_MAX} characters`, 'is this a keepalived.conf?');
    this.#definitions.set('_PWD', folderOf(name));
    refuseControls(name, text);
    for (const raw of joined(name, text)) {
      const include = INCLUDE.exec(raw.text);
      if (include === null) this.#line(raw, 0);
      else this.#include(unquoted(include[1]!), raw, depth);
      this.#definitions.set('_PWD', folderOf(name));
    }
  }

  #include(pattern: string, place: Line, depth: number): void {
    const files = this.#options.includes({ pattern, from: place.file });
    if (files === undefined) throw new Missing({ pattern, from: place.file });
    if (files.length === 0 && !/[*?[{]/.test(pattern)) {
      const mend = `name a file that is there, relative to the folder of ${place.file}, or drop the line`;
      throw new Wrong(place, `include: there is no file ${shown(pattern)}`, mend);
    }
    if (files.length === 0) this.remarks.push(`include ${pattern}: no file has such a name.`);
    for (const file of files) this.file(file, depth + 1);
  }

  #line(line: Line, depth: number): void {
    this.#made += 1;
    if (depth > EXPANSION_DEPTH_MAX)
      throw new Wrong(
        line,
        `definitions within definitions, more than ${EXPANSION_DEPTH_MAX} deep`,
        'does a definition contain itself?',
      );
    if (this.#made > LINES_MAX)
      throw new Wrong(line, `more than ${LINES_MAX} lines`, 'write fewer, or shorter sequences');
    const definition = DEFINITION.exec(line.text);
    if (definition !== null)
      return void this.#definitions.set(definition[1]!, definition[2]!.replace(/^[ \t]*\n/, ''));
    const text = this.#substituted(line);
    if (text !== line.text) return this.#each(text, line, depth);
    if (line.text.startsWith('@')) return this.#conditional(line, depth);
    if (line.text.startsWith('~')) {
      for (const { variables, rest } of expandBlock(line.text, line)) {
        for (const [name, value] of variables) this.#definitions.set(name, value);
        this.#each(rest, line, depth);
        for (const [name] of variables) this.#definitions.delete(name);
      }
      return;
    }
    this.lines.push(line);
  }

  #each(text: string, place: Line, depth: number): void {
    for (const part of text.split('\n')) {
      const trimmed = part.trim();
      if (trimmed !== '') this.#line({ ...place, text: trimmed }, depth + 1);
    }
  }

  /** `@name` for this host alone, `@^name` for all others. */
  #conditional(line: Line, depth: number): void {
    const [, not, name, rest] = /^@(\^?)(\S*)[ \t]*(.*)$/s.exec(line.text)!;
    if (name === '')
      throw new Wrong(line, '`@` without the name of a host', 'write @name or @^name, without a blank');
    const meant = name === this.#options.host;
    if (meant === (not === '')) this.#each(rest!, line, depth);
  }

  /** What is not defined stays as it is. */
  #substituted(line: Line): string {
    if (!line.text.includes('$')) return line.text;
    const text = line.text.replace(REFERENCE, (whole, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? '';
      return this.#definitions.get(name) ?? whole;
    });
    if (text.length > TEXT_MAX)
      throw new Wrong(
        line,
        `definitions make it longer than ${TEXT_MAX} characters`,
        'does a definition contain itself?',
      );
    return text;
  }
}

/** Nothing that a text file has; such a thing would steer terminals, or end words where nobody sees it. */
function refuseControls(file: string, text: string): void {
  const at = text.search(/[^\P{Cc}\t\n\r]/u);
  if (at < 0) return;
  const before = text.slice(0, at).split('\n');
  const place = { file, line: before.length, column: before.at(-1)!.length + 1 };
  throw new Wrong(place, 'a control character', 'is this a text? take the character out');
}

/** Lines without comments; those that end with a backslash go on with the next, and keep their ends where they define something. */
function joined(file: string, text: string): Line[] {
  const lines: Line[] = [];
  let open: Line | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1, column: raw.length - raw.trimStart().length + 1 };
    const { bare, goesOn } = withoutComment(raw.trim(), place);
    const between = open !== undefined && DEFINITION.test(open.text) ? '\n' : ' ';
    const line: Line =
      open === undefined ? { ...place, text: bare } : { ...open, text: `${open.text}${between}${bare}` };
    if (line.text.length > LENGTH_MAX) throw new Wrong(line, 'a line without end', 'end it');
    open = goesOn ? line : undefined;
    if (!goesOn && line.text.trim() !== '') lines.push({ ...line, text: line.text.trim() });
  }
  if (open !== undefined && open.text.trim() !== '') lines.push({ ...open, text: open.text.trim() });
  return lines;
}

/** `#` and `!` begin a comment anywhere but in quotes or behind a backslash. */
function withoutComment(text: string, place: Place): { readonly bare: string; readonly goesOn: boolean } {
  let bare = '';
  let quote = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '\\') {
      const next = text[at + 1];
      if (next === undefined) return { bare: bare.trimEnd(), goesOn: true };
      bare += !quote && (next === '#' || next === '!') ? next : character + next;
      at += 1;
      continue;
    }
    if (character === '"') quote = !quote;
    if (!quote && (character === '#' || character === '!')) break;
    bare += character;
  }
  if (quote)
    throw new Wrong(
      { ...place, column: place.column + text.lastIndexOf('"') },
      'a quotation that does not end in its line',
      'close it with "',
    );
  return { bare: bare.trimEnd(), goesOn: false };
}

function unquoted(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

export function folderOf(file: string): string {
  const slash = file.lastIndexOf('/');
  return slash < 0 ? '.' : slash === 0 ? '/' : file.slice(0, slash);
}

/** Columns for people: as wide as their content, the last one cut where the terminal ends. Pure. */
import type { Paint, Style } from './paint.ts';

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface TableOptions {
  readonly paint: Paint;
  /** Characters a line; absent: no bound. */
  readonly width?: number;
}

export interface Row {
  readonly cells: readonly Cell[];
  /** Lines of their own below the row. */
  readonly notes?: readonly Cell[];
}

const GAP = '  ';
const NOTE_INDENT = '      ';

/** Lines without line ends; the first is the head. Columns that are empty throughout are left out. */
export function renderTable(head: readonly string[], rows: readonly Row[], options: TableOptions): string[] {
  const { heads, body, widths } = layOut(head, rows);
  const lines = [renderRow(heads, { widths, ...options })];
  for (const { cells, notes = [] } of body) {
    lines.push(
      renderRow(cells, { widths, ...options }),
      ...notes.flatMap((note) => renderNote(note, options)),
    );
  }
  return lines;
}

/** Characters that the table needs where nothing is cut. */
export function tableWidth(head: readonly string[], rows: readonly Row[]): number {
  return layOut(head, rows).widths.reduce((sum, width) => sum + GAP.length + width, 0);
}

interface Layout {
  readonly heads: readonly Cell[];
  readonly body: readonly Row[];
  readonly widths: readonly number[];
}

function layOut(head: readonly string[], rows: readonly Row[]): Layout {
  const used = head.map((_, column) => rows.some(({ cells }) => cells[column]!.text !== ''));
  const pick = (cells: readonly Cell[]) => cells.filter((_, column) => used[column]);
  const heads = pick(head.map((text): Cell => ({ text, style: 'dim' })));
  const body = rows.map((row): Row => ({ ...row, cells: pick(row.cells) }));
  const widths = heads.map((cell) => lengthOf(cell.text));
  for (const { cells } of body) {
    for (const [column, { text }] of cells.entries())
      widths[column] = Math.max(widths[column]!, lengthOf(text));
  }
  return { heads, body, widths };
}

function renderNote({ text, style }: Cell, { paint, width }: TableOptions): string[] {
  const lines = wrap(text, width === undefined ? Number.POSITIVE_INFINITY : width - NOTE_INDENT.length);
  return lines.map((line) => NOTE_INDENT + (style === undefined ? line : paint(style, line)));
}

/** Lines of at most `room` characters, broken between words; a word that is longer is cut. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && lengthOf(line) + 1 + lengthOf(word) > room) {
      lines.push(cut(line, room));
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, cut(line, room)];
}

function renderRow(
  row: readonly Cell[],
  { widths, paint, width }: TableOptions & { widths: readonly number[] },
): string {
  let line = GAP;
  let room = width === undefined ? Number.POSITIVE_INFINITY : width - GAP.length;
  for (const [column, { text, style }] of row.entries()) {
    if (room <= 0) break;
    const last = column === row.length - 1;
    const shown = cut(text, room);
    const padding = last
      ? ''
      : ' '.repeat(Math.min(widths[column]! - lengthOf(shown), room - lengthOf(shown)));
    line += (style === undefined ? shown : paint(style, shown)) + padding + (last ? '' : GAP);
    room -= (last ? lengthOf(shown) : widths[column]!) + GAP.length;
  }
  return line.trimEnd();
}

/** At most `room` characters, with an ellipsis where something is missing. */
export function cut(text: string, room: number): string {
  if (lengthOf(text) <= room) return text;
  return room < 1
    ? ''
    : `${Array.from(text)
        .slice(0, room - 1)
        .join('')}…`;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

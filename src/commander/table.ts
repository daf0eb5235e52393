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

const GAP = '  ';

/** Lines without line ends; the first is the head. Columns that are empty throughout are left out. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string[] {
  const used = head.map((_, column) => rows.some((row) => row[column]!.text !== ''));
  const pick = (row: readonly Cell[]) => row.filter((_, column) => used[column]);
  const all = [head.map((text): Cell => ({ text, style: 'dim' })), ...rows].map(pick);
  const widths = (all[0] ?? []).map((_, column) =>
    Math.max(...all.map((row) => lengthOf(row[column]!.text))),
  );
  return all.map((row) => renderRow(row, { widths, ...options }));
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

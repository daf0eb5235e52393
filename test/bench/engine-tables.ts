/** What was measured of the engines, side by side, as the table of docs/engines.md. Pure. */
import type { ScaleFigures } from './engine-scale.ts';
import type { Engine } from './engine-sites.ts';
import { eachText, ratioText, type Summary, summarize, summaryText } from './statistics.ts';

export interface Column {
  readonly name: string;
  readonly engine: Engine;
  /** All values of a kind, of all rounds. */
  readonly found: Record<string, readonly number[]>;
  /** By the number of members; undefined where it could not be measured. */
  readonly scale: Map<number, ScaleFigures | undefined>;
}

/** Kinds, how a row is called, and whether it is told as a multiple of the first engine too. */
const ROWS: readonly (readonly [kind: string, title: string, ratio: boolean])[] = [
  ['kill', 'agent killed, ms', true],
  ['stop', 'agent stopped politely, ms', true],
  ['cable', 'cable pulled, ms', true],
  ['ours', "daemon's word of the lost host to the first address up, ms", false],
  ['idle agent', 'idle: agent, % of a core', true],
  ['idle daemon', 'idle: daemon, % of a core', false],
  ['memory agent', 'memory: agent, MiB RSS', false],
  ['memory daemon', 'memory: daemon, MiB RSS', false],
];

/** `columns`: the first is what the others are compared with. */
export function engineTables(columns: readonly Column[]): string {
  const titles = columns.map(({ engine }) => engine.title);
  const faults = ROWS.map(([kind, title, ratio]) =>
    row(
      title,
      columns.map(({ found }) => summarize(found[kind] ?? [])),
      ratio,
    ),
  );
  const sizes = [...new Set(columns.flatMap(({ scale }) => [...scale.keys()]))].toSorted((a, b) => a - b);
  const scale = sizes.flatMap((size) => [
    row(
      `${size} members: view after a member is killed, ms`,
      columns.map((column) => summarize(column.scale.get(size)?.views ?? [])),
      true,
    ),
    row(
      `${size} members: messages/s in one order`,
      columns.map((column) => {
        const figures = column.scale.get(size);
        return figures && summarize([Math.round(figures.messagesPerSecond)]);
      }),
      true,
    ),
  ]);
  return [['', ...titles], titles.concat('').map(() => '---'), ...faults, ...scale]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function row(title: string, values: readonly (Summary | undefined)[], ratio: boolean): readonly string[] {
  const [first] = values;
  const cells = values.map((value, index) => {
    if (value === undefined) return '–';
    const text = value.count === 1 ? eachText([value.median]) : summaryText(value);
    return ratio && index > 0 ? `${text} (${ratioText(first, value)})` : text;
  });
  return [title, ...cells];
}

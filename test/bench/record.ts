/** Keeps what the runs measured, tells each as it comes, and prints the summary as a table. */
import { monotonicNow } from '../../src/platform/clock.ts';
import { eachText, ratioText, type Summary, summarize, summaryText } from './statistics.ts';
import type { SubjectKind } from './subject.ts';

export interface Entry {
  readonly subject: string;
  readonly measure: string;
  readonly what: string;
  readonly seconds: number;
  /** Names end in their unit. */
  readonly values: Readonly<{ [name: string]: number | boolean }>;
  readonly error?: string;
}

/** Of the longest name of a subject. */
const NAME_WIDTH = 23;
const SETTINGS = ['default', 'fastest'] as const;

export class Record {
  readonly entries: Entry[] = [];
  readonly #kinds = new Map<string, SubjectKind>();

  /** One run; a run that fails is kept with its error, and the bench goes on. */
  async run(
    kind: SubjectKind,
    of: { readonly measure: string; readonly what: string },
    measure: () => Promise<object>,
  ): Promise<void> {
    this.#kinds.set(kind.traits.name, kind);
    const from = monotonicNow();
    const entry = (rest: Pick<Entry, 'values' | 'error'>) => {
      const seconds = Math.round((monotonicNow() - from) / 100) / 10;
      this.entries.push({ subject: kind.traits.name, ...of, seconds, ...rest });
    };
    try {
      const values = (await measure()) as Entry['values'];
      entry({ values });
      console.log(`${kind.traits.name.padEnd(NAME_WIDTH)} ${of.what.padEnd(28)} ${valuesText(values)}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      entry({ values: {}, error: message });
      console.log(`${kind.traits.name.padEnd(NAME_WIDTH)} ${of.what.padEnd(28)} FAILED: ${message}`);
    }
  }

  print(): void {
    const rows: string[][] = [];
    for (const measure of new Set(this.entries.map((entry) => entry.measure))) {
      const entries = this.entries.filter((entry) => entry.measure === measure);
      const names = new Set(entries.flatMap(({ values }) => Object.keys(values)));
      for (const name of [...names].filter((candidate) => !HIDDEN.has(candidate)))
        rows.push(...this.#rows(entries, name));
    }
    const usual = ['', 'value', 'setting', 'wackamole', 'keepalived', 'keepalived ÷ wackamole'];
    const header = [...usual, ...this.#onRequest()];
    console.log(`\nmedian [min–max]\n${table([header, ...rows])}`);
    console.log(`\nevery run, in their order\n${table(this.#everyRun())}`);
  }

  /** One line a value and subject: an outlier is to be seen, not only to be in the file. */
  #everyRun(): string[][] {
    const bySubject = Map.groupBy(this.entries, ({ what, subject }) => `${what}\0${subject}`);
    return [...bySubject.values()].flatMap((entries) => {
      const names = new Set(entries.flatMap(({ values }) => Object.keys(values)));
      return [...names]
        .filter((name) => !HIDDEN.has(name))
        .map((name) => {
          const { what, subject } = entries[0]!;
          return [what, name, subject, eachText(entries.map(({ values }) => values[name]))];
        });
    });
  }

  #rows(entries: readonly Entry[], name: string): string[][] {
    return SETTINGS.map((setting) => {
      const ours = this.#summary(entries, { name, setting, family: 'wackamole' });
      const theirs = this.#summary(entries, { name, setting, family: 'keepalived' });
      const others = this.#onRequest().map((family) => this.#summary(entries, { name, setting, family }));
      if ([ours, theirs, ...others].every((summary) => summary === undefined)) return [];
      return [
        entries[0]!.what,
        name,
        setting,
        summaryText(ours),
        summaryText(theirs),
        ratioText(ours, theirs),
        ...others.map(summaryText),
      ];
    }).filter((row) => row.length > 0);
  }

  /** Families that have a column only where they ran. */
  #onRequest(): readonly string[] {
    const ran = [...this.#kinds.values()].some(({ traits }) => traits.family === 'pacemaker');
    return ran ? ['pacemaker'] : [];
  }

  #summary(
    entries: readonly Entry[],
    of: { readonly name: string; readonly setting: string; readonly family: string },
  ): Summary | undefined {
    const values = entries
      .filter(({ subject }) => {
        const traits = this.#kinds.get(subject)?.traits;
        return traits?.setting === of.setting && traits.family === of.family;
      })
      .map(({ values: all }) => all[of.name])
      .filter((value) => value !== undefined)
      .map(Number);
    return summarize(values);
  }
}

/** Kept in the file, of no interest in the table. */
const HIDDEN = new Set(['stall_ms', 'processes', 'moved']);

function valuesText(values: Entry['values']): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value * 10) / 10 : value}`)
    .join('  ');
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What was measured of the engines so far: in memory, and in a file if one is named, so that what one run measured the next one adds to. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ScaleFigures } from './engine-scale.ts';
import { ENGINES } from './engine-sites.ts';
import type { Column } from './engine-tables.ts';

interface Kept {
  /** Of the machine after each step. */
  readonly loads: readonly number[];
  readonly engines: Readonly<Record<string, KeptColumn>>;
}

interface KeptColumn {
  readonly found: Column['found'];
  /** By size; null where it could not be measured. */
  readonly scale: readonly (readonly [number, ScaleFigures | null])[];
}

export class EngineFigures {
  readonly #file: string | undefined;
  readonly #columns = new Map<string, Column>();
  readonly #loads: number[] = [];

  private constructor(file: string | undefined) {
    this.#file = file;
  }

  /** A file that does not exist yet has none. */
  static read(file: string | undefined): EngineFigures {
    const figures = new EngineFigures(file);
    if (file === undefined || !existsSync(file)) return figures;
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept;
    figures.#loads.push(...kept.loads);
    for (const [name, { found, scale }] of Object.entries(kept.engines)) {
      const column = figures.column(name);
      Object.assign(column.found, found);
      for (const [size, measured] of scale) column.scale.set(size, measured ?? undefined);
    }
    return figures;
  }

  column(name: string): Column {
    const engine = ENGINES[name];
    if (engine === undefined) throw new Error(`no engine ${name}: ${Object.keys(ENGINES).join(', ')}`);
    const column = this.#columns.get(name) ?? { name, engine, found: {}, scale: new Map() };
    this.#columns.set(name, column);
    return column;
  }

  /** In the order of the engines. */
  columns(): readonly Column[] {
    return Object.keys(ENGINES).flatMap((name) => this.#columns.get(name) ?? []);
  }

  /** After a step, with the load that the machine has then. */
  keep(load: number): void {
    this.#loads.push(load);
    if (this.#file === undefined) return;
    const kept: Kept = {
      loads: this.#loads,
      engines: Object.fromEntries(
        this.columns().map(({ name, found, scale }) => [
          name,
          { found, scale: [...scale].map(([size, measured]) => [size, measured ?? null] as const) },
        ]),
      ),
    };
    writeFileSync(this.#file, `${JSON.stringify(kept)}\n`);
  }

  /** The least and the most. */
  loads(): readonly [number, number] {
    return [Math.min(...this.#loads), Math.max(...this.#loads)];
  }
}

/** Inputs that broke something once: written when found, replayed in the gate for ever. Plain data as JSON, bytes in hexadecimal. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'kept');

export interface KeptInput {
  readonly file: string;
  /** What was wrong when it was found. */
  readonly why: string;
  readonly input: unknown;
}

/** The kept inputs of a target, in order of their names. */
export function keptInputs(target: string): readonly KeptInput[] {
  const folder = join(FOLDER, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { why, input } = JSON.parse(readFileSync(join(folder, name), 'utf8'), revive) as KeptInput;
      return { file: `${target}/${name}`, why, input };
    });
}

/** Where it was written. */
export function keepInput(target: string, input: unknown, why: string): string {
  const folder = join(FOLDER, target);
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(input, conserve);
  const file = join(folder, `${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
  writeFileSync(file, `${JSON.stringify({ why, input }, conserve, 2)}\n`);
  return file;
}

/** Targets that have a folder, known or not. */
export function keptTargets(): readonly string[] {
  return existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => !name.startsWith('.')) : [];
}

export function conserve(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has become an object by its own `toJSON` before it comes here.
  const original = (this as Record<string, unknown>)[key];
  if (original instanceof Uint8Array) return { $bytes: Buffer.from(original).toString('hex') };
  if (typeof original === 'bigint') return { $bigint: String(original) };
  if (typeof original === 'number' && !Number.isFinite(original)) return { $number: String(original) };
  if (Object.is(original, -0)) return { $number: '-0' };
  return original === undefined ? { $undefined: true } : value;
}

export function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  if (typeof record['$bytes'] === 'string') return Buffer.from(record['$bytes'], 'hex');
  if (typeof record['$bigint'] === 'string') return BigInt(record['$bigint']);
  if (typeof record['$number'] === 'string') return Number(record['$number']);
  return record['$undefined'] === true ? undefined : value;
}

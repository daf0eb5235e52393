/** The version of this program, from the package it came in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

function read(): string {
  const file = join(import.meta.dirname, '../../package.json');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  throw new Error(`${file} has no version`);
}

export const version = read();

/** The version of this program, from the package it came in. */
import { readFileSync } from 'node:fs';
import { packagePath } from '../platform/layout.ts';

function read(): string {
  const file = packagePath('package.json');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  throw new Error(`${file} has no version`);
}

export const version = read();

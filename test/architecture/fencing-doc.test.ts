/** docs/fencing.md names a test for each of its rows: they are there, under those words. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/fencing.md', ROOT), 'utf8');
/** `file`: words / words */
const cells = [...page.matchAll(/\| `(\w+)`: ([^|]+?) \|/g)].flatMap(([, file = '', words = '']) =>
  words.split(' / ').map((phrase) => [file, phrase] as const),
);

it('finds the rows', () => {
  expect(cells.length).toBeGreaterThan(25);
});

it.each(cells)('%s: %s', (file, phrase) => {
  const names = [`test/kernel/fencing-${file}.test.ts`, `test/kernel/${file}.test.ts`];
  const found = names.map((name) => new URL(name, ROOT)).find((url) => existsSync(url));
  expect(found, names.join(' or ')).toBeDefined();
  expect(readFileSync(found!, 'utf8')).toContain(phrase);
});

import { expect, test } from 'vitest';
import { Journal, type LogLine } from '../../../src/group/journal.ts';

test('lines of one kind come once in a while, and the next one tells how many were left out', () => {
  const lines: LogLine[] = [];
  let now = 0;
  const journal = new Journal(
    (line) => lines.push(line),
    () => now,
    1000,
  );
  const line = (text: string): LogLine => ({ level: 'warn', message: text, fields: {} });
  for (now = 0; now < 1000; now += 100) journal.writeSeldom('refused', line('refused'));
  journal.writeSeldom('other', line('other'));
  expect(lines.map(({ message }) => message)).toEqual(['refused', 'other']);
  now = 1000;
  journal.writeSeldom('refused', line('refused'));
  expect(lines.at(-1)).toEqual({ level: 'warn', message: 'refused', fields: { suppressed: 9 } });
});

test('ever new kinds do not make it grow without bound, and none is lost', () => {
  let written = 0;
  const journal = new Journal(
    () => {
      written += 1;
    },
    () => 0,
  );
  for (let kind = 0; kind < 5000; kind += 1) {
    journal.writeSeldom(`from ${kind}`, { level: 'warn', message: 'refused', fields: {} });
  }
  expect(written).toBe(5000);
});

/** What an operator reads about wrong files, word for word: each `wrong/*.yaml` beside what is said of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { formatProblem } from '../../../src/config/problem.ts';

const folder = new URL('wrong/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('wrong files', () => {
  test('there are some', () => {
    expect(names.length).toBeGreaterThan(2);
  });

  test.each(names)('%s', async (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const result = parseConfig(text, { fileName: name, hostName: 'a' });
    expect(result.ok).toBe(false);
    const problems = result.ok ? [] : result.problems;
    const lines = [
      ...problems.map(formatProblem),
      ...result.warnings.map((warning) => `warning: ${formatProblem(warning)}`),
    ];
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(
      new URL(name.replace('.yaml', '.txt'), folder).pathname,
    );
  });
});

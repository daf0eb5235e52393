/** The manual pages: each command has one that says all of it, and the formatter has nothing to complain of. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../../src/commander/exit-codes.ts';
import { manPages } from '../../../src/commander/man-page.ts';
import { createProgram } from '../../../src/commander/program.ts';
import { everyCommand, wordsOf } from '../../../src/commander/words.ts';

const quiet = { write: () => {} };
const program = createProgram({} as never, { version: '0', stdout: quiet, stderr: quiet, done: () => {} });
const words = wordsOf(program);
const pages = manPages(words, { version: '1.2.3', date: '2026-01-31' });
const FORMATTER = ['groff', '-man', '-ww', '-z', '-Tutf8'] as const;
const why = spawnSync(FORMATTER[0], ['--version']).error === undefined ? '' : ' (skipped: no groff)';

test('there is one for the program and one for each command', () => {
  expect(pages.map(({ name }) => name)).toEqual(
    everyCommand(words).map(({ path }) => `${['wackamole', ...path].join('-')}.1`),
  );
  expect(pages.length).toBeGreaterThan(25);
});

const plain = (text: string) => text.replaceAll('\\-', '-').replaceAll('\\(ga', '`').replaceAll('\\e', '\\');

describe.each(
  everyCommand(words).map((command, index) => [command.path.join(' '), command, pages[index]!] as const),
)('wackamole %s', (_, command, page) => {
  test('has every option, argument and command, and what the process ends with', () => {
    const text = plain(page.text);
    for (const { flags } of command.options) expect(text).toContain(`.B ${flags}`);
    for (const { name } of command.arguments) expect(text).toContain(name);
    for (const inner of command.commands) expect(text).toContain(`.B ${inner.path.join(' ')}`);
    for (const { meaning } of EXIT_CODES) expect(text).toContain(meaning);
    expect(page.text).toContain('2026-01-31 "wackamole 1.2.3"');
  });
});

test.skipIf(why !== '')(`the formatter has no complaint${why}`, () => {
  const input = pages.map(({ text }) => text).join('');
  const formatted = (text: string) =>
    spawnSync(FORMATTER[0], FORMATTER.slice(1), { input: text, encoding: 'utf8' });
  expect(formatted(input)).toMatchObject({ status: 0, stderr: '' });
  expect(formatted(`${input}.nonsense\n`).stderr, 'it would').toContain('nonsense');
});

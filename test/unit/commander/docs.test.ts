/** docs/exit-codes.md and docs/cli.md say what the code does. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../../src/commander/exit-codes.ts';
import { createProgram } from '../../../src/commander/program.ts';

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('docs/exit-codes.md has the table of the code', () => {
  const rows = page('exit-codes.md')
    .split('\n')
    .filter((line) => /^\| \d/.test(line));
  expect(rows).toEqual(EXIT_CODES.map(({ code, name, meaning }) => `| ${code} | ${name} | ${meaning} |`));
});

describe('docs/cli.md', () => {
  const quiet = { write: () => {} };
  const program = createProgram({} as never, { version: '0', stdout: quiet, stderr: quiet, done: () => {} });
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands.map((inner) => inner),
  );
  const words = leaves.map((command) => {
    const parent = command.parent === program ? '' : `${command.parent!.name()} `;
    return [`wackamole ${parent}${command.name()}`, command] as const;
  });

  test.each(words)('has %s', (name) => {
    expect(page('cli.md')).toContain(`\`${name}`);
  });

  test.each(words)('has every option of %s', (_, command) => {
    for (const option of command.options) expect(page('cli.md')).toContain(option.long!);
  });

  test('has no command that is gone', () => {
    const documented = [
      ...page('cli.md').matchAll(
        /^\| `wackamole ([a-z]+(?: (?:check|list|policy|test|schema|generate|import|advise|user|fingerprint|add|use|remove))?)/gm,
      ),
    ].map((match) => match[1]);
    expect(new Set(documented)).toEqual(new Set(words.map(([name]) => name.replace('wackamole ', ''))));
  });
});

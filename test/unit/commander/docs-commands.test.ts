/** Every command line of ours in README and docs is one that the program takes, and every shell block one that a shell reads; no action is performed. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { type Actions, createProgram } from '../../../src/commander/program.ts';

const root = new URL('../../../', import.meta.url);
const pages = [
  'README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

interface Line {
  readonly words: readonly string[];
  /** In running text a command is often only named, without what it needs. */
  readonly named: boolean;
}

/** Those of shell blocks, and those in running text that are no usage lines (`[FILE]`, `a\|b`, `…`). */
function commandLines(text: string): readonly Line[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)?\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  const indented = [...text.matchAll(/^ {4}(\S.*)$/gm)].map((match) => match[1]!);
  const typed = [...blocks.flatMap((block) => block.split('\n')), ...indented].flatMap((line) =>
    line
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\||;|>/)
      .map((part) => part.trim().replace(/^export \w+=\$\(|\)$/g, ''))
      .map((part) => part.replace(/^(\$ |sudo )+/, '').replace(/^npm run -s wackamole -- /, 'wackamole '))
      .filter((part) => /^wackamole [a-z]/.test(part)),
  );
  const inline = [
    ...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`((?:sudo )?wackamole [a-z][^`]*)`/g),
  ]
    .map((match) => match[1]!.replace(/^sudo /, '').split(/ [>|] /)[0]!)
    .filter((line) => !/[[\\…]/.test(line));
  return [
    ...typed.map((line) => ({ words: wordsOf(line), named: false })),
    ...inline.map((line) => ({ words: wordsOf(line), named: true })),
  ];
}

function wordsOf(line: string): readonly string[] {
  return line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((word) => word.replaceAll(/^["']|["']$/g, ''));
}

/** Undefined if the program takes it. */
async function refusal({ words, named }: Line): Promise<string | undefined> {
  const taken: string[] = [];
  const actions = new Proxy({} as Actions, {
    get: (_target, name) => () => {
      taken.push(String(name));
      return Promise.resolve(0);
    },
  });
  const said: string[] = [];
  const quiet = { write: (text: string) => void said.push(text) };
  const program = createProgram(actions, { version: '0', stdout: quiet, stderr: quiet, done: () => {} });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return taken.length === 1 ? undefined : 'does nothing';
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const onlyNamed = [
      'commander.missingArgument',
      'commander.missingMandatoryOptionValue',
      'commander.help',
    ].includes(error.code);
    return error.exitCode === 0 || (named && onlyNamed) ? undefined : said.join('');
  }
}

const lines = pages.flatMap((page) =>
  commandLines(readFileSync(new URL(page, root), 'utf8')).map((line) => ({
    ...line,
    page,
    shown: `wackamole ${line.words.join(' ')}`,
  })),
);

describe('command lines of the documentation', () => {
  test('are found', () => {
    expect(lines.filter(({ named }) => !named).length).toBeGreaterThan(10);
    expect(lines.filter(({ named }) => named).length).toBeGreaterThan(30);
  });

  test.each(lines)('$page: $shown', async (line) => {
    expect(await refusal(line)).toBeUndefined();
  });

  test.each([
    ['wackamole drian', /unknown command/],
    ['wackamole status --jsn', /unknown option/],
    ['wackamole move web-1', /missing required argument/],
  ])('a wrong one is noticed: %s', async (text, error) => {
    const [line] = commandLines(`\`\`\`sh\n${text}\n\`\`\`\n`);
    expect(await refusal(line!)).toMatch(error);
  });
});

describe('other commands of the documentation', () => {
  const everywhere = [...pages, 'CONTRIBUTING.md'].map((page) => ({
    page,
    text: readFileSync(new URL(page, root), 'utf8'),
  }));
  const about = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    readonly version: string;
    readonly scripts: Readonly<Record<string, string>>;
  };
  const units = readdirSync(new URL('src/install/systemd/', root)).map((name) =>
    name.replace(/\.service$/, ''),
  );

  /** Ours of what such commands are about. */
  const found = (pattern: RegExp) =>
    everywhere.flatMap(({ page, text }) =>
      [...text.matchAll(pattern)].map(([, name = '']) => ({ page, name })),
    );

  test.each([
    {
      what: 'scripts',
      pattern: /\bnpm run (?:-s )?([a-z][\w:-]*)/g,
      isThere: (name: string) => name in about.scripts,
      least: 20,
    },
    {
      what: 'programs',
      pattern: /\bnode ((?:src|test|providers)\/[\w./-]+\.ts)/g,
      isThere: (name: string) => existsSync(new URL(name, root)),
      least: 5,
    },
    {
      what: 'packages',
      pattern: /\bwackamole_([\d.]+)_\w+\.deb/g,
      isThere: (name: string) => name === about.version,
      least: 4,
    },
    {
      what: 'units',
      pattern: /\b(?:systemctl [a-z-]+(?: --\S+)*|journalctl -u) (wackamole[\w@.-]*)/g,
      isThere: (name: string) =>
        units.includes(name.replace(/@\w+$/, '@').replace(/\.service$/, '')) ||
        existsSync(new URL(`terraform/modules/cloud-init/files/${name.replace('-key', '-fetch-key')}`, root)),
      least: 15,
    },
  ])('$what that are named are there', ({ pattern, isThere, least }) => {
    const named = found(pattern);
    expect(named.length).toBeGreaterThanOrEqual(least);
    expect(named.filter(({ name }) => !isThere(name))).toEqual([]);
  });
});

describe('shell blocks of the documentation', () => {
  const blocks = pages.flatMap((page) =>
    [...readFileSync(new URL(page, root), 'utf8').matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(
      ([, text = ''], index) => ({ page, index: index + 1, text }),
    ),
  );

  /** What a shell that runs nothing says. */
  const complaint = (text: string) => spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr;

  test('are found', () => expect(blocks.length).toBeGreaterThan(20));

  test.each(blocks)('$page, $index', ({ text }) => expect(complaint(text)).toBe(''));

  test('a wrong one is noticed', () => expect(complaint('if true; then echo')).not.toBe(''));
});

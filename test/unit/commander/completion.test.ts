/** Completion as the shells themselves do it: each is started, reads the script, and is asked. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionFor, type Shell } from '../../../src/commander/completion.ts';
import { createProgram } from '../../../src/commander/program.ts';
import { everyCommand, wordsOf } from '../../../src/commander/words.ts';
import { run } from './collaborators-example.ts';

const quiet = { write: () => {} };
const program = createProgram({} as never, { version: '0', stdout: quiet, stderr: quiet, done: () => {} });
const commands = everyCommand(wordsOf(program));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wackamole-completion-'));
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(join(folder, shell), completionFor(shell, program));
  for (const file of ['one.yaml', 'two words.yaml']) writeFileSync(join(folder, file), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = (shell: Shell) =>
  spawnSync(shell, ['-c', 'true']).error === undefined ? '' : ` (skipped: no ${shell})`;

/** Words that are offered for the last one of the line. */
type Ask = (line: string) => readonly string[];

const BASH = `
source "$1"
COMP_LINE=$2
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]}-1))
registered=$(complete -p wackamole) || exit 1
[[ $registered =~ -F\\ ([^ ]+) ]] && \${BASH_REMATCH[1]}
printf '%s\\n' "\${COMPREPLY[@]}"`;

function asked(argv: readonly [string, ...string[]]): readonly string[] {
  const { stdout, stderr, status } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', cwd: folder });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .split('\n')
    .map((line) => line.split('\t')[0]!)
    .filter((line) => line !== '');
}

const bash: Ask = (line) => asked(['bash', '--norc', '-c', BASH, 'bash', join(folder, 'bash'), line]);
const fish: Ask = (line) =>
  asked(['fish', '--no-config', '-c', `source ${join(folder, 'fish')}; complete -C $argv[1]`, line]);

describe.each([
  ['bash', bash],
  ['fish', fish],
] as const)('%s', (shell, ask) => {
  const skip = missing(shell);

  test.skipIf(skip !== '')(
    `offers every command, everywhere${skip}`,
    () => {
      for (const { path, commands: inner } of commands.filter((command) => command.commands.length > 0)) {
        const offered = ask(['wackamole', ...path, ''].join(' '));
        expect(new Set(offered), path.join(' ')).toEqual(new Set(inner.map((one) => one.path.at(-1))));
      }
    },
    120_000,
  );

  test.skipIf(skip !== '')(
    `offers options, choices and files where they belong${skip}`,
    () => {
      expect(ask('wackamole config ch')).toEqual(['check']);
      expect(ask('wackamole config check --h')).toEqual(expect.arrayContaining(['--host', '--help']));
      expect(ask('wackamole status --ho')).toEqual([]);
      expect(new Set(ask('wackamole demo --profile '))).toEqual(new Set(['lan', 'fast']));
      expect(new Set(ask('wackamole completion '))).toEqual(new Set(['bash', 'zsh', 'fish']));
      expect(ask('wackamole config check one')).toEqual(['one.yaml']);
      expect(ask('wackamole agent --config one')).toEqual(['one.yaml']);
      expect(ask('wackamole agent -c two').map((word) => word.replaceAll('\\', ''))).toEqual([
        'two words.yaml',
      ]);
      // The value of an option is no command.
      expect(ask('wackamole status -c config --ti')).toEqual(['--timeout']);
    },
    60_000,
  );
});

/**
 * A terminal of its own, in which keys are pressed; what a line has become is told by the command itself. Return is pressed again where
 * the shell was not ready for it.
 */
const ZSH = `
zmodload zsh/zpty
export TERM=dumb
zpty z zsh -f -i
zpty -w z "PS1= PS2=; unsetopt promptsp; cd $2; autoload -Uz compinit; compinit -u -D; source $1; wackamole() { print -r -- \\"GOT[\\$*]\\" }; print REA''DY"
zpty -r -m z line '*READY*'
for keys in "\${@:3}"; do
  zpty -w -n z $keys
  seen=
  for ((i = 1; i < 200; i++)); do
    sleep 0.1
    (( i % 10 == 4 )) && zpty -w -n z $'\\r'
    while zpty -r -t z chunk; do seen+=$chunk; done
    if [[ $seen == *GOT* ]]; then print -r -- $seen; break; fi
  done
done`;

const KEYS = [
  ['wackamole conf\tch\t--ho\t', 'config check --host'],
  ['wackamole reb\t', 'rebalance'],
  ['wackamole demo --pro\tf\t', 'demo --profile fast'],
  ['wackamole config check one\t', 'config check one.yaml'],
  ['wackamole agent -c one\t', 'agent -c one.yaml'],
] as const;

test.skipIf(missing('zsh') !== '')(
  `zsh completes what is typed${missing('zsh')}`,
  () => {
    const argv = ['-f', '-c', ZSH, 'zsh', join(folder, 'zsh'), folder, ...KEYS.map(([keys]) => keys)];
    const { stdout } = spawnSync('zsh', argv, { encoding: 'utf8', timeout: 100_000 });
    expect([...stdout.matchAll(/GOT\[(.*?)\]\r/g)].map(([, line]) => line)).toEqual(
      KEYS.map(([, line]) => line),
    );
  },
  120_000,
);

test('`completion SHELL` prints the script', async () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    expect(await run(`completion ${shell}`)).toMatchObject({ code: 0, out: completionFor(shell, program) });
  expect(await run('completion tcsh')).toMatchObject({
    code: 2,
    err: expect.stringContaining('bash, zsh, fish'),
  });
});

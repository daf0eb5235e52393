/** What lets a shell complete the words of this program, made of the definition of the command line: scripts for three shells. */
import type { Command } from 'commander';
import { bashScript } from './completion-bash.ts';
import { fishScript } from './completion-fish.ts';
import { zshScript } from './completion-zsh.ts';
import { type CommandWords, wordsOf } from './words.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, (program: CommandWords) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionFor(shell: Shell, program: Command): string {
  return SCRIPTS[shell](wordsOf(program));
}

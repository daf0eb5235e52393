/** One run of the command line, from words to exit code. `bin` hands in the collaborators and exits with the code. */

import { cleanUp } from './cleanup-action.ts';
import type { Collaborators } from './collaborators.ts';
import { configActions } from './config-actions.ts';
import { engineActions } from './engine-actions.ts';
import { exitCode } from './exit-codes.ts';
import { importConfig } from './import-action.ts';
import { installActions } from './install-commands.ts';
import { keyActions } from './key-actions.ts';
import { operatorActions } from './operator-actions.ts';
import { type Actions, runProgram } from './program.ts';
import { providersActions } from './providers-actions.ts';
import { simulate } from './simulate-action.ts';
import { spreadActions } from './spread-actions.ts';

/** Never rejects: what no command expected is printed as a bug of ours. */
export async function runCli(argv: readonly string[], collaborators: Collaborators): Promise<number> {
  const { version, stdout, stderr } = collaborators;
  try {
    return await runProgram(argv, createActions(collaborators), { version, stdout, stderr });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr.write(`this is a bug in wackamole ${version}, please report it: ${text}\n`);
    return exitCode('bug');
  }
}

export function createActions(collaborators: Collaborators): Actions {
  return {
    ...operatorActions(collaborators),
    ...configActions(collaborators),
    ...spreadActions(collaborators),
    ...engineActions(collaborators),
    ...keyActions(collaborators),
    ...providersActions(collaborators),
    ...installActions(collaborators),
    agent: (options) => collaborators.runAgent(options),
    configImport: (options) => importConfig(options, collaborators),
    cleanup: (options) => cleanUp(options, collaborators),
    demo: (options) => collaborators.runDemo(options),
    simulate: (options) => simulate(options, collaborators),
  };
}

/**
 * The one command whose start others wait for, recognised without the command line's parser. What it does not know for certain it leaves to
 * `program.ts`, which says what is wrong.
 */
import { CONFIG_FILE } from '../config/defaults.ts';

export interface AgentCommand {
  readonly config: string;
  readonly core: boolean;
}

/** Undefined: another command, or one to look at more closely. */
export function plainAgentCommand(argv: readonly string[]): AgentCommand | undefined {
  const [command, ...words] = argv;
  if (command !== 'agent') return undefined;
  let config: string | undefined;
  let core = false;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--core') core = true;
    else if ((word === '--config' || word === '-c') && config === undefined) config = words.shift() ?? '';
    else return undefined;
    if (config === '' || config?.startsWith('-') === true) return undefined;
  }
  return { config: config ?? CONFIG_FILE, core };
}

/**
 * The first steps of an agent, in an order in which nothing waits for another: the engine's thread starts and the configuration is checked
 * while the rest of the agent is loaded. Imports nothing that takes time.
 */
import { readFileSync } from 'node:fs';
import type { AgentCommand } from '../commander/agent-command.ts';
import type { ParseResult } from '../config/parse.ts';
import { scriptUrl } from '../platform/layout.ts';
import { raisePriority } from '../platform/priority.ts';
import { type PreparedWorker, prepareWorker } from '../platform/worker-thread.ts';
import { parseFile, parseText } from './parse-file.ts';

/** A takeover must not wait for a batch job. */
const NICE = -20;

/** What is under way before the agent is loaded. */
export interface HeadStart {
  /** Why the priority could not be raised. */
  readonly refused: string | undefined;
  readonly parsing: Promise<ParseResult>;
  /** Thread of the embedded engine; absent where another carries the group, or none could be started. */
  readonly engine: PreparedWorker | undefined;
}

/** Runs until the agent was stopped politely; resolves with the exit code. */
export async function startAgent(command: AgentCommand): Promise<number> {
  // First: of a process that may not be dumped the session is not its own to raise; and threads inherit it.
  const refused = raisePriority(NICE);
  const text = textOf(command.config);
  const engine = text === undefined || ANOTHER_ENGINE.test(text) ? undefined : prepareEngine();
  const parsing = text === undefined ? parseFile(command.config) : parseText(command.config, text);
  // Whatever is wrong is told when the agent asks.
  parsing.catch(() => undefined);
  const { runAgent } = await import('./agent.ts');
  return runAgent(command, { refused, parsing, engine });
}

/** Right or wrong, it is a question of time alone: an engine that is not there is started when it is needed, one too many is dropped. */
const ANOTHER_ENGINE = /\b(?:spread|corosync)\b/;

function prepareEngine(): PreparedWorker | undefined {
  try {
    return prepareWorker(scriptUrl('group/embedded-worker.ts'));
  } catch {
    return undefined;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

#!/usr/bin/env node
/**
 * The program: exits with the code of the command. An agent is started without the command line's parser and all that other commands need, so
 * that it is up fast.
 */
import { enableCompileCache } from 'node:module';
import { plainAgentCommand } from '../commander/agent-command.ts';
import { packagePath } from '../platform/layout.ts';
import { startAgent } from './start-agent.ts';

// In our own folder, never in a shared temporary one, where others could plant code for root to run.
enableCompileCache(packagePath('node_modules/.cache/wackamole'));

const argv = process.argv.slice(2);
const agent = plainAgentCommand(argv);
if (agent !== undefined) process.exitCode = await startAgent(agent);
else {
  const { runCommandLine } = await import('./command-line.ts');
  process.exitCode = await runCommandLine(argv);
}

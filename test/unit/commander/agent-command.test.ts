import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgentCommand, plainAgentCommand } from '../../../src/commander/agent-command.ts';
import { run } from './collaborators-example.ts';

/** What the command line's parser makes of it; undefined: it starts no agent. */
async function parsed(argv: readonly string[]): Promise<AgentCommand | undefined> {
  let seen: AgentCommand | undefined;
  await run(argv.join(' '), {
    runAgent: (options) => {
      seen = options;
      return Promise.resolve(0);
    },
  });
  return seen;
}

describe('the agent’s command line, read without its parser', () => {
  it.each([
    ['agent', '/etc/wackamole/wackamole.yaml', false],
    ['agent --config /x.yaml', '/x.yaml', false],
    ['agent -c /x.yaml --core', '/x.yaml', true],
    ['agent --core', '/etc/wackamole/wackamole.yaml', true],
  ])('%j is recognised', (words, config, core) => {
    expect(plainAgentCommand(words.split(' '))).toEqual({ config, core });
  });

  it.each([
    '',
    'status',
    'agent --help',
    'agent x',
    'agent -c',
    'agent -c --core',
    'agent --config=/x',
    'agent -c a -c b',
  ])('%j is left to the parser', (words) => {
    expect(plainAgentCommand(words.split(' '))).toBeUndefined();
  });

  it('means what the parser means wherever it is recognised', async () => {
    const word = fc.constantFrom(
      '--config',
      '-c',
      '--core',
      '--help',
      '--config=/z',
      '-c/z',
      '/x.yaml',
      'y',
      '--',
      '-',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const argv = ['agent', ...words];
        const plain = plainAgentCommand(argv);
        if (plain !== undefined) expect(await parsed(argv)).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});

/** The commands about Spread: advice for spread.conf, a test user. */
import { formatDuration } from '../config/duration.ts';
import type { SpreadAdvice, SpreadFigures } from '../config/spread-advice.ts';
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { printable } from './format.ts';
import type { Actions } from './program.ts';

type SpreadActions = Pick<Actions, 'spreadAdvise' | 'spreadUser'>;

export function spreadActions(collaborators: Collaborators): SpreadActions {
  return {
    spreadAdvise: (options) => advise(options, collaborators),
    spreadUser: (options) => collaborators.runSpreadUser(options),
  };
}

async function advise({ file }: { readonly file: string }, collaborators: Collaborators): Promise<number> {
  const text = await readText(file, collaborators);
  if (text === undefined) return exitCode('usage');
  const { adviseSpread } = await import('../config/spread-advice.ts');
  const result = adviseSpread(text);
  if (result.ok) {
    collaborators.stdout.write(`${describe(file, result.advice).join('\n')}\n`);
    return exitCode('ok');
  }
  collaborators.stderr.write(`${printable(`${file}:${result.line}: ${result.what}; ${result.mend}`)}\n`);
  return exitCode('usage');
}

function describe(file: string, advice: SpreadAdvice): string[] {
  const { older, daemon, lines, warnings } = advice;
  return [
    ...(older === undefined
      ? []
      : ['daemons of version 4:', ...figures(file, older), 'daemons of version 5:']),
    ...figures(file, advice),
    'an agent that dies alone is noticed at once, whatever is set here',
    `in our configuration: group.daemon: ${printable(daemon)}`,
    ...warnings.map((warning) => `warning: ${printable(warning)}`),
    ...(lines === undefined
      ? []
      : [
          '',
          '# for spread.conf on all hosts, restart all daemons: a view after 250ms to 300ms; all nine or none',
          ...lines,
        ]),
  ];
}

function figures(file: string, { source, timeouts, failover, ...rest }: SpreadFigures): string[] {
  const said = Object.entries(timeouts).map(([name, value]) => `${name} ${value}`);
  return [
    `timeouts of ${printable(file)} (${source}), in ms: ${said.join(', ')}`,
    `a lost daemon or host: a view without it after ${formatDuration(failover.shortest)} to ${formatDuration(failover.longest)}`,
    `a daemon that starts: its members in the view after ${formatDuration(rest.restart)}`,
    `a healed partition: one view of all within ${formatDuration(rest.merge)}`,
    `in our configuration: group.daemon_timeout of at least ${formatDuration(rest.daemonTimeout)} (10s unless set)`,
  ];
}

async function readText(file: string, collaborators: Collaborators): Promise<string | undefined> {
  try {
    return await collaborators.readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    collaborators.stderr.write(`cannot read ${file}: ${reason}; name the file\n`);
    return undefined;
  }
}

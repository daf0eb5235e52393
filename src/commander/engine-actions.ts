/** The command about daemons of another engine's: advice for corosync.conf. */
import type { CorosyncAdvice } from '../config/corosync-advice.ts';
import { formatDuration } from '../config/duration.ts';
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { printable } from './format.ts';
import type { Actions } from './program.ts';

export function engineActions(collaborators: Collaborators): Pick<Actions, 'engineAdvise'> {
  return { engineAdvise: (options) => advise(options, collaborators) };
}

async function advise({ file }: { readonly file: string }, collaborators: Collaborators): Promise<number> {
  let text: string;
  try {
    text = await collaborators.readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    collaborators.stderr.write(`cannot read ${file}: ${reason}; name the file\n`);
    return exitCode('usage');
  }
  const { adviseCorosync } = await import('../config/corosync-advice.ts');
  const result = adviseCorosync(text);
  if (result.ok) {
    collaborators.stdout.write(`${describe(file, result.advice).join('\n')}\n`);
    return exitCode('ok');
  }
  collaborators.stderr.write(`${printable(`${file}:${result.line}: ${result.what}; ${result.mend}`)}\n`);
  return exitCode('usage');
}

function describe(file: string, advice: CorosyncAdvice): string[] {
  const { nodes, tokenText, consensus, failover, daemonTimeout, primary, lines, warnings } = advice;
  return [
    `times of ${printable(file)} with ${nodes} nodes, in ms: token ${tokenText}, consensus ${consensus}`,
    `a lost daemon or host: a view without it after ${formatDuration(failover.shortest)} to ${formatDuration(failover.longest)}`,
    'an agent that dies alone is noticed at once, whatever is set here',
    `who says which part is primary: ${primary}`,
    `in our configuration: group.daemon_timeout of at least ${formatDuration(daemonTimeout)} (20s unless set)`,
    ...warnings.map((warning) => `warning: ${printable(warning)}`),
    ...(lines === undefined
      ? []
      : [
          '',
          '# for totem { } of corosync.conf on all hosts, then corosync-cfgtool -R: a view after 660ms at most',
          ...lines,
        ]),
  ];
}

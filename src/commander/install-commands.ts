/** The words of `wackamole install`, `uninstall` and `completion`, and what they print. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { Collaborators, Installation, InstallRequest } from './collaborators.ts';
import type { Shell } from './completion.ts';
import { exitCode } from './exit-codes.ts';
import { printable } from './format.ts';
import type { Actions, Perform } from './program.ts';

export function addInstall(program: Command, actions: Actions, perform: Perform): void {
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option(
        '--instance <name>',
        'one agent of several on this host, that of /etc/wackamole/<name>.yaml',
        readInstance,
      )
      .option('--root <folder>', 'files of another host, such as an image that is made', '/')
      .option('-n, --dry-run', 'only say what would be done', false);
  command(
    'install',
    'make this program a service of systemd, and start nothing; for hosts without the package',
  ).action((request: InstallRequest) => perform(() => actions.install(request)));
  command('uninstall', 'stop the service and take away what install has written').action(
    (request: InstallRequest) => perform(() => actions.uninstall(request)),
  );
  program
    .command('completion')
    .description('print what lets a shell complete the words of this program')
    .addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) =>
      perform(async () => {
        const { completionFor } = await import('./completion.ts');
        return actions.completion({ script: completionFor(shell, program) });
      }),
    );
}

/** A unit's instance that needs no escaping, and a file name. */
function readInstance(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('Write letters, digits, "_" and ".", at most 63, a letter or digit first.');
}

export function installActions(
  collaborators: Collaborators,
): Pick<Actions, 'install' | 'uninstall' | 'completion'> {
  const tell = (installation: Installation) => report(installation, collaborators);
  return {
    install: async (request) => tell(await collaborators.install(request)),
    uninstall: async (request) => tell(await collaborators.uninstall(request)),
    completion: ({ script }) => {
      collaborators.stdout.write(script);
      return Promise.resolve(exitCode('ok'));
    },
  };
}

function report(installation: Installation, { stdout, stderr }: Collaborators): number {
  if (installation.ok) {
    for (const line of [...installation.done, ...installation.notes]) stdout.write(`${printable(line)}\n`);
    if (installation.done.length === 0) stdout.write('there was nothing to do\n');
    return exitCode('ok');
  }
  for (const problem of installation.problems) stderr.write(`${printable(problem)}\n`);
  return exitCode('refused');
}

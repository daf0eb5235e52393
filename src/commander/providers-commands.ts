/** The words of `wackamole providers`. */
import { type Command, Option } from 'commander';
import { configOption, readCount, readTimeout } from './options.ts';
import type { Actions, Perform } from './program.ts';
import type { ProvidersTestOptions } from './providers-actions.ts';

export function addProviders(program: Command, actions: Actions, perform: Perform): void {
  const providers = program.command('providers').description('what moves the addresses');
  providers
    .command('list')
    .description('the kinds there are, what they need and whether it is installed, and those of the file')
    .addOption(configOption())
    .option('--json', 'print JSON, for programs', false)
    .action((options: { config: string; json: boolean }) => perform(() => actions.providersList(options)));
  providers
    .command('policy')
    .description('print what the agent must be allowed, and no more, in the notation of the platform')
    .argument('<provider>', 'a kind, such as aws, or the name of a provider in the file')
    .addOption(configOption())
    .action((which: string, { config }: { config: string }) =>
      perform(() => actions.providersPolicy({ which, config })),
    );
  providers
    .command('test')
    .description('say whether a failover to this host would work; changes nothing')
    .addOption(configOption())
    .option('--json', 'print JSON, for programs', false)
    .option('--provider <name>', 'this one alone')
    .option('--vip <name>', 'this one alone')
    .addOption(
      new Option('--timeout <duration>', 'for everything together')
        .default(15_000, '15s')
        .argParser(readTimeout),
    )
    .addOption(
      new Option('--failures <n>', 'hosts that shall be able to fail at once, 1 to 100')
        .default(1)
        .argParser(readCount(1, 100)),
    )
    .action((options: ProvidersTestOptions) => perform(() => actions.providersTest(options)));
}

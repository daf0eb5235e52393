/** The command line: words to actions. Knows no agent, no file and no socket. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CONFIG_FILE, KEY_FILE } from '../config/defaults.ts';
import { parseIp } from '../config/ip.ts';
import { isMemberName } from '../model/member.ts';
import type { RehearsedFault, RehearsedKind } from '../model/rehearsal.ts';
import type { Millis } from '../model/time.ts';
import type { CleanupOptions } from './cleanup-action.ts';
import type { DemoOptions, InstallRequest, Output, SpreadUserOptions } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import type { ImportMember, ImportOptions } from './import-action.ts';
import { addInstall } from './install-commands.ts';
import { configOption, readCount, readTimeout } from './options.ts';
import type { ProvidersTestOptions } from './providers-actions.ts';
import { addProviders } from './providers-commands.ts';
import type { SimulateOptions } from './simulate-action.ts';

/** How to reach the agent. */
export interface Target {
  /** Given by `--socket`; absent: what the configuration file says. */
  readonly socket?: string;
  readonly config: string;
  readonly timeout: Millis;
}

/** Each returns the exit code. */
export interface Actions {
  /** `core`: core dumps are allowed, with the keys in them. */
  agent(options: { readonly config: string; readonly core: boolean }): Promise<number>;
  status(options: { readonly json: boolean; readonly watch: boolean }, target: Target): Promise<number>;
  /** `member` absent: the one that is asked. */
  drain(options: { readonly member?: string }, target: Target): Promise<number>;
  undrain(options: { readonly member?: string }, target: Target): Promise<number>;
  move(options: { readonly vip: string; readonly to: string }, target: Target): Promise<number>;
  rebalance(target: Target): Promise<number>;
  reload(target: Target): Promise<number>;
  cleanup(options: CleanupOptions): Promise<number>;
  configCheck(options: {
    readonly file: string;
    readonly host: boolean;
    readonly json: boolean;
  }): Promise<number>;
  configSchema(): Promise<number>;
  configImport(options: ImportOptions): Promise<number>;
  spreadAdvise(options: { readonly file: string }): Promise<number>;
  engineAdvise(options: { readonly file: string }): Promise<number>;
  spreadUser(options: SpreadUserOptions): Promise<number>;
  keyGenerate(options: { readonly file?: string }): Promise<number>;
  keyFingerprint(options: { readonly file: string }): Promise<number>;
  /** `from`: another key file, whose keys are accepted from now on. */
  keyAdd(options: { readonly from: string; readonly file: string }): Promise<number>;
  keyUse(options: { readonly fingerprint: string; readonly file: string }): Promise<number>;
  keyRemove(options: { readonly fingerprint: string; readonly file: string }): Promise<number>;
  providersList(options: { readonly config: string; readonly json: boolean }): Promise<number>;
  /** `which`: a kind, or the name of a provider. */
  providersPolicy(options: { readonly which: string; readonly config: string }): Promise<number>;
  providersTest(options: ProvidersTestOptions): Promise<number>;
  demo(options: DemoOptions): Promise<number>;
  simulate(options: SimulateOptions): Promise<number>;
  install(request: InstallRequest): Promise<number>;
  uninstall(request: InstallRequest): Promise<number>;
  completion(options: { readonly script: string }): Promise<number>;
}

export interface ProgramOptions {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Parses and performs; resolves with the exit code, `usage` for words that make no command. Rejects only if an action does. */
export async function runProgram(
  argv: readonly string[],
  actions: Actions,
  options: ProgramOptions,
): Promise<number> {
  let code = exitCode('ok');
  const program = createProgram(actions, { ...options, done: (result) => (code = result) });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version that were asked for have code 0; everything else is a wrong command line.
    return error.exitCode === 0 ? exitCode('ok') : exitCode('usage');
  }
}

export function createProgram(
  actions: Actions,
  options: ProgramOptions & { done(code: number): void },
): Command {
  const program = new Command('wackamole')
    .description('N hosts share M virtual IP addresses: every address is served by exactly one live host.')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({
      writeOut: (text) => options.stdout.write(text),
      writeErr: (text) => options.stderr.write(text),
    })
    .showHelpAfterError('(see wackamole --help)')
    .exitOverride();
  const perform = (action: () => Promise<number>) => action().then((code) => options.done(code));
  addAgent(program, actions, perform);
  addOperator(program, actions, perform);
  addCleanup(program, actions, perform);
  addConfig(program, actions, perform);
  addKey(program, actions, perform);
  addProviders(program, actions, perform);
  addSpread(program, actions, perform);
  addEngine(program, actions, perform);
  addDemo(program, actions, perform);
  addSimulate(program, actions, perform);
  addInstall(program, actions, perform);
  return program;
}

export type Perform = (action: () => Promise<number>) => Promise<void>;

function addAgent(program: Command, actions: Actions, perform: Perform): void {
  program
    .command('agent')
    .description('run the agent of this host, in the foreground')
    .addOption(configOption())
    .option('--core', 'allow core dumps, which contain the cluster key', false)
    .action(({ config, core }: { config: string; core: boolean }) =>
      perform(() => actions.agent({ config, core })),
    );
}

interface TargetOptions {
  readonly socket?: string;
  readonly config: string;
  readonly timeout: Millis;
}

function operatorCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option(
        '-s, --socket <path>',
        "the agent's control socket (default: as the configuration file says)",
      ),
    )
    .addOption(configOption())
    .addOption(
      new Option('--timeout <duration>', 'longest wait for the answer')
        .default(10_000, '10s')
        .argParser(readTimeout),
    );
}

function targetOf({ socket, config, timeout }: TargetOptions): Target {
  return { config, timeout, ...(socket !== undefined && { socket }) };
}

function addOperator(program: Command, actions: Actions, perform: Perform): void {
  for (const [name, description] of [
    ['status', 'who is there, who holds what, and why'],
    ['list', 'the same as status, as wackatrl -l was'],
  ] as const)
    operatorCommand(program, name, description)
      .option('--json', 'print JSON, for programs', false)
      .option('-w, --watch', 'go on and show each change', false)
      .action((options: TargetOptions & { json: boolean; watch: boolean }) =>
        perform(() => actions.status({ json: options.json, watch: options.watch }, targetOf(options))),
      );
  operatorCommand(program, 'drain', 'let a member give up all its VIPs and take none')
    .addArgument(new Argument('[member]', 'absent: the member that is asked').argParser(readMember))
    .action((member: string | undefined, options: TargetOptions) =>
      perform(() => actions.drain({ ...(member !== undefined && { member }) }, targetOf(options))),
    );
  operatorCommand(program, 'undrain', 'let a drained member take VIPs again')
    .addArgument(new Argument('[member]', 'absent: the member that is asked').argParser(readMember))
    .action((member: string | undefined, options: TargetOptions) =>
      perform(() => actions.undrain({ ...(member !== undefined && { member }) }, targetOf(options))),
    );
  operatorCommand(
    program,
    'fail',
    'what wackatrl -f did: give up all VIPs and stay out, until start or the end of the agent',
  )
    .addArgument(new Argument('[member]', 'absent: the member that is asked').argParser(readMember))
    .action((member: string | undefined, options: TargetOptions) =>
      perform(() => actions.drain({ ...(member !== undefined && { member }) }, targetOf(options))),
    );
  operatorCommand(program, 'start', 'what wackatrl -s did: take part again after fail')
    .addArgument(new Argument('[member]', 'absent: the member that is asked').argParser(readMember))
    .action((member: string | undefined, options: TargetOptions) =>
      perform(() => actions.undrain({ ...(member !== undefined && { member }) }, targetOf(options))),
    );
  operatorCommand(program, 'move', 'move a VIP to a member and pin it there')
    .argument('<vip>', 'name of the VIP')
    .addArgument(new Argument('<member>', 'member that shall hold it').argParser(readMember))
    .action((vip: string, to: string, options: TargetOptions) =>
      perform(() => actions.move({ vip, to }, targetOf(options))),
    );
  operatorCommand(program, 'rebalance', 'forget pins and even out the load now').action(
    (options: TargetOptions) => perform(() => actions.rebalance(targetOf(options))),
  );
  operatorCommand(program, 'reload', 'let the agent read its configuration file again').action(
    (options: TargetOptions) => perform(() => actions.reload(targetOf(options))),
  );
}

function addCleanup(program: Command, actions: Actions, perform: Perform): void {
  program
    .command('cleanup')
    .description('take away every address that an agent left on this host; for after its end')
    .addOption(configOption())
    .option('-n, --dry-run', 'only say what would be removed', false)
    .option('--force', 'even while an agent is running here', false)
    .option(
      '--configured',
      'only what the cluster of the configuration file put up: other agents may run here',
      false,
    )
    .action(({ config, dryRun, force, configured }: CleanupOptions) =>
      perform(() => actions.cleanup({ config, dryRun, force, configured })),
    );
}

function addConfig(program: Command, actions: Actions, perform: Perform): void {
  const config = program.command('config').description('check and describe configuration files');
  config
    .command('check')
    .description('say everything that is wrong with a configuration file')
    .argument('[file]', 'configuration file', CONFIG_FILE)
    .option('--host', 'examine this host too: key, interfaces, rights, addresses; changes nothing', false)
    .option('--json', 'print JSON, for programs', false)
    .action((file: string, { host, json }: { host: boolean; json: boolean }) =>
      perform(() => actions.configCheck({ file, host, json })),
    );
  config
    .command('schema')
    .description('print the JSON Schema of the configuration file, for editors')
    .action(() => perform(() => actions.configSchema()));
  config
    .command('import')
    .description('print our configuration for the files of the original Wackamole or of keepalived')
    .argument('<files...>', 'wackamole.conf of this host, or keepalived.conf of each host')
    .addOption(
      new Option('--format <format>', 'what the files are (default: what they look like)').choices([
        'wackamole',
        'keepalived',
      ]),
    )
    .addOption(
      new Option(
        '--member <name[=address]>',
        'host whose file it is, in the order of the files, and where its agent shall listen; again for each host',
      )
        .argParser(readImportMember)
        .default([], 'this host, or what the files say'),
    )
    .action((files: string[], { format, member }: ImportFlags) =>
      perform(() =>
        actions.configImport({ files, members: member, ...(format !== undefined && { format }) }),
      ),
    );
}

interface ImportFlags {
  readonly format?: 'wackamole' | 'keepalived';
  readonly member: readonly ImportMember[];
}

function readImportMember(text: string, before: readonly ImportMember[]): readonly ImportMember[] {
  const [name = '', address, ...more] = text.split('=');
  if (more.length > 0 || address === '' || (address !== undefined && parseIp(address) === undefined))
    throw new InvalidArgumentError('write NAME, or NAME=ADDRESS');
  return [...before, { name: readMember(name), ...(address !== undefined && { address }) }];
}

function addSpread(program: Command, actions: Actions, perform: Perform): void {
  const spread = program.command('spread').description('Spread daemons that carry the group');
  spread
    .command('advise')
    .description('say what failover time a spread.conf gives, and what to set')
    .argument('[file]', 'configuration file of the Spread daemon', '/etc/spread.conf')
    .action((file: string) => perform(() => actions.spreadAdvise({ file })));
  spread
    .command('user')
    .description('talk to a Spread daemon by hand: join, leave, send, watch')
    .argument('[daemon]', '4803, 4803@host or the path of a socket', '4803')
    .addOption(
      new Option('--name <name>', 'private name, at most 10 characters (default: the daemon makes one up)'),
    )
    .action((daemon: string, { name }: { name?: string }) =>
      perform(() => actions.spreadUser({ daemon, ...(name !== undefined && { name }) })),
    );
}

function addEngine(program: Command, actions: Actions, perform: Perform): void {
  const engine = program.command('engine').description('corosync, where it carries the group');
  engine
    .command('advise')
    .description('say what failover time a corosync.conf gives, and what to set')
    .argument('[file]', 'configuration file of corosync', '/etc/corosync/corosync.conf')
    .action((file: string) => perform(() => actions.engineAdvise({ file })));
}

function addKey(program: Command, actions: Actions, perform: Perform): void {
  const key = program.command('key').description('the cluster keys');
  key
    .command('generate')
    .description('make a cluster key')
    .argument('[file]', 'file to create, with mode 0600; absent: print the key')
    .action((file: string | undefined) =>
      perform(() => actions.keyGenerate({ ...(file !== undefined && { file }) })),
    );
  const command = (name: string, description: string, word?: readonly [string, string]) => {
    const made = key.command(name).description(description);
    if (word !== undefined) made.argument(...word);
    return made.argument('[file]', 'key file', KEY_FILE);
  };
  const fingerprint = ['<fingerprint>', 'as `key fingerprint` prints it'] as const;
  command('fingerprint', 'name the keys of a file').action((file: string) =>
    perform(() => actions.keyFingerprint({ file })),
  );
  command('add', 'accept also the keys of another file', ['<from>', 'the other file']).action(
    (from: string, file: string) => perform(() => actions.keyAdd({ from, file })),
  );
  command('use', 'use this key, and accept the others', fingerprint).action((print: string, file: string) =>
    perform(() => actions.keyUse({ fingerprint: print, file })),
  );
  command('remove', 'accept this key no more', fingerprint).action((print: string, file: string) =>
    perform(() => actions.keyRemove({ fingerprint: print, file })),
  );
}

function addDemo(program: Command, actions: Actions, perform: Perform): void {
  program
    .command('demo')
    .description('break a cluster in a private network on this machine, and watch who holds what')
    .addOption(new Option('--profile <profile>', 'timers').choices(['lan', 'fast']))
    .addOption(new Option('--hosts <n>', 'number of hosts, 2 to 9').argParser(readCount(2, 9)))
    .addOption(new Option('--vips <n>', 'number of VIPs, 1 to 100').argParser(readCount(1, 100)))
    .option('--verbose', "tell each VIP's outage, not only the worst", false)
    .option('--json', 'print JSON, for programs', false)
    .action((options: DemoOptions) => perform(() => actions.demo(options)));
}

function addSimulate(program: Command, actions: Actions, perform: Perform): void {
  program
    .command('simulate')
    .description('say what would happen in the cluster of a file if hosts failed; touches nothing')
    .addOption(configOption())
    .addOption(
      new Option(
        '--fault <kind:hosts>',
        'kill, crash, cut or drain, such as kill:a or cut:a,b; may be repeated',
      )
        .argParser(readFault)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--hosts <names>', 'all hosts, with commas (default: group.peers)').argParser(readMembers),
    )
    .addOption(new Option('--seeds <n>', 'runs, 1 to 1000').default(20).argParser(readCount(1, 1000)))
    .option('--json', 'print JSON, for programs', false)
    .action(({ fault, ...options }: Omit<SimulateOptions, 'faults'> & { fault: readonly RehearsedFault[] }) =>
      perform(() => actions.simulate({ ...options, faults: fault })),
    );
}

const KINDS: readonly RehearsedKind[] = ['kill', 'crash', 'cut', 'drain'];

function readFault(text: string, before: readonly RehearsedFault[] = []): readonly RehearsedFault[] {
  const [word, names, ...rest] = text.split(':');
  const kind = KINDS.find((one) => one === word);
  if (kind === undefined || names === undefined || rest.length > 0)
    throw new InvalidArgumentError(
      `Write one of ${KINDS.join(', ')}, a colon and hosts, such as kill:a or cut:a,b.`,
    );
  return [...before, { kind, hosts: readMembers(names) }];
}

function readMembers(text: string): readonly string[] {
  return [...new Set(text.split(',').map(readMember))];
}

function readMember(text: string): string {
  if (isMemberName(text)) return text;
  throw new InvalidArgumentError('A member name has letters, digits, ".", "_" and "-", at most 63.');
}

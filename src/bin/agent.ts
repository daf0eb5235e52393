/** `wackamole agent`: wires the core to group, providers, log and operator, and turns signals into its events. */
import { AgentLoop } from '../agent/loop.ts';
import type { AgentCommand } from '../commander/agent-command.ts';
import { exitCode } from '../commander/exit-codes.ts';
import type { Config } from '../config/config.ts';
import { keysOf } from '../config/keys.ts';
import type { ControlServer } from '../control/server.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { CommandResult } from '../model/operator.ts';
import type { Status } from '../model/status.ts';
import type { ProviderName } from '../model/vip.ts';
import { bootTimeNow, monotonicNow } from '../platform/clock.ts';
import { compileSparingly } from '../platform/compilers.ts';
import { forbidCoreDumps } from '../platform/core-dumps.ts';
import { keyFingerprint } from '../platform/keyed-hash.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { forgetStartPages, returnFreeMemory } from '../platform/memory.ts';
import { OldGarbage } from '../platform/old-garbage.ts';
import type { Provider } from '../provider/provider.ts';
import { loadEngine } from './groups.ts';
import { LazyHealth } from './health.ts';
import { openControl } from './open-control.ts';
import { createProviders } from './providers.ts';
import { needsRestart, readConfig } from './read-config.ts';
import { Shortages } from './shortages.ts';
import type { HeadStart } from './start-agent.ts';
import { openSupervision, type Supervision } from './supervision.ts';
import { version } from './version.ts';
import { createWitness } from './witness.ts';

/** What the start and the runtime's compilers needed is given back so often. Two milliseconds each time. */
const TIDY_EVERY = 20_000;
/** Until takeovers are practised: others have joined by then. */
const PRACTISE_AFTER = 1_000;

/** Runs until the agent was stopped politely; resolves with the exit code. */
export async function runAgent({ config: file, core }: AgentCommand, ahead: HeadStart): Promise<number> {
  const dumps = core ? undefined : forbidCoreDumps();
  const read = await readConfig(file, ahead.parsing);
  if (!read.ok) {
    ahead.engine?.drop();
    for (const problem of read.problems) process.stderr.write(`${problem}\n`);
    return exitCode('usage');
  }
  let logger: Logger;
  try {
    logger = createLogger(read.config.log);
  } catch (error) {
    ahead.engine?.drop();
    process.stderr.write(`${messageOf(error)}\n`);
    return exitCode('refused');
  }
  dieLoudly(logger);
  if (ahead.refused !== undefined) logger.info({ reason: ahead.refused }, 'running at ordinary priority');
  if (core)
    logger.warn({ reason: 'started with --core' }, 'a core dump of this process contains the cluster key');
  if (dumps !== undefined) logger.warn({ reason: dumps }, 'core dumps could not be forbidden');
  for (const warning of read.warnings) logger.warn({ file }, warning);
  const run = new AgentRun(file, read.config, { logger, engine: ahead.engine });
  try {
    await run.untilStopped();
    return exitCode('ok');
  } catch (error) {
    logger.error({ reason: messageOf(error) }, 'the agent cannot start');
    process.stderr.write(`the agent cannot start: ${messageOf(error)}\n`);
    ahead.engine?.drop();
    await run.close();
    return exitCode('refused');
  } finally {
    await logger.close();
    // Nothing should keep the process after this; if something does, that is no reason to stay.
    setTimeout(() => process.exit(), 1000).unref();
  }
}

interface AgentRunParts {
  readonly logger: Logger;
  readonly engine: HeadStart['engine'];
}

class AgentRun {
  readonly #file: string;
  #config: Config;
  readonly #logger: Logger;
  readonly #engine: HeadStart['engine'];
  readonly #supervision: Supervision;
  readonly #shortages: Shortages;
  #loop: AgentLoop | undefined;
  #control: ControlServer | undefined;
  #hooks: Hooks | undefined;
  #running = false;
  #tidying: NodeJS.Timeout | undefined;
  readonly #garbage = new OldGarbage();
  #startOver: NodeJS.Timeout | undefined;
  #practising: NodeJS.Timeout | undefined;
  #reloading: Promise<CommandResult> | undefined;

  constructor(file: string, config: Config, { logger, engine }: AgentRunParts) {
    this.#file = file;
    this.#config = config;
    this.#logger = logger;
    this.#engine = engine;
    this.#supervision = openSupervision(process.env, logger);
    this.#shortages = new Shortages(logger);
  }

  async untilStopped(): Promise<void> {
    const logger = this.#logger;
    const providers = await createProviders(this.#config);
    const loop = new AgentLoop(
      { config: this.#config, version },
      {
        createGroup: await loadEngine(this.#config.group.engine, { log: logger, prepared: this.#engine }),
        providers,
        clock: { monotonic: monotonicNow, boot: bootTimeNow, wall: () => Date.now() },
        logger,
        health: new LazyHealth(logger),
        hooks: (action) => this.#hooks?.take(action),
        witness: await createWitness(this.#config),
      },
    );
    this.#loop = loop;
    const { socket } = this.#config.control;
    // Before anything is touched: a second agent on this socket means a second agent on these addresses.
    this.#control = await openControl(this.#config.control, {
      status: () => withHooks(this.#shortages.addedTo(loop.status()), this.#hooks),
      reload: () => this.#reload(),
      command: (command) => loop.command(command),
      onChange: (listener) => loop.onChange(listener),
    });
    const stopped = this.#stopOnSignal(loop);
    process.on('SIGHUP', () => void this.#reload());
    logger.info(
      { version, cluster: this.#config.cluster, member: this.#config.member, socket },
      'agent starting',
    );
    this.#supervision.watch(loop);
    this.#shortages.start();
    await this.#openHooks(this.#config);
    await loop.start();
    compileSparingly();
    this.#practising = setTimeout(() => void this.#practise(loop, providers), PRACTISE_AFTER);
    this.#startOver = setTimeout(forgetStartPages, TIDY_EVERY);
    this.#tidying = setInterval(() => this.#tidy(), TIDY_EVERY);
    this.#running = true;
    await stopped;
    this.#running = false;
    await this.close();
    logger.info({}, 'agent ended');
  }

  async close(): Promise<void> {
    // Others hold by now what we held: this keeps nobody waiting but whoever stops us.
    await this.#hooks?.finish();
    this.#hooks = undefined;
    await this.#control?.stop();
    this.#control = undefined;
    this.#supervision.close();
    this.#shortages.stop();
    clearTimeout(this.#practising);
    clearTimeout(this.#startOver);
    clearInterval(this.#tidying);
  }

  /** Never rejects: where it cannot be loaded (descriptors may have run out) the first takeover is slower, and that is all. */
  async #practise(loop: AgentLoop, providers: ReadonlyMap<ProviderName, Provider>): Promise<void> {
    try {
      const { openPractice } = await import('./practice.ts');
      loop.practise(await openPractice(this.#config, { providers, logger: this.#logger }));
    } catch (error) {
      this.#logger.warn({ reason: messageOf(error) }, 'takeovers are not practised');
    }
  }

  #tidy(): void {
    this.#garbage.look();
    returnFreeMemory();
  }

  /** Loaded where there are any. Never rejects. */
  async #openHooks(config: Config): Promise<void> {
    if (config.hooks === undefined || this.#hooks !== undefined) return;
    const { openHooks } = await import('../hooks/open-hooks.ts');
    this.#hooks = await openHooks(config, { logger: this.#logger, wall: () => Date.now() });
  }

  #stopOnSignal(loop: AgentLoop): Promise<void> {
    return new Promise((resolve) => {
      const stop = (signal: string) => {
        this.#supervision.stopping(`received ${signal}`);
        void loop.stop(`received ${signal}`).then(resolve);
      };
      process.once('SIGTERM', () => stop('SIGTERM'));
      process.once('SIGINT', () => stop('SIGINT'));
    });
  }

  /** One at a time; a file that is wrong changes nothing. */
  #reload(): Promise<CommandResult> {
    this.#reloading ??= this.#supervision
      .reloading(() => this.#readAgain())
      .finally(() => {
        this.#reloading = undefined;
      });
    return this.#reloading;
  }

  async #readAgain(): Promise<CommandResult> {
    this.#logger.reopen();
    if (!this.#running)
      return this.#refuse('nothing was changed: the agent is not running yet, or not any more');
    const read = await readConfig(this.#file);
    if (!read.ok) return this.#refuse(`nothing was changed: ${read.problems.join('\n')}`);
    const fixed = needsRestart(this.#config, read.config);
    if (fixed.length > 0) {
      return this.#refuse(
        `nothing was changed: ${fixed.join(', ')} cannot change while the agent runs; restart it`,
      );
    }
    const lost = await this.#rekey(read.config);
    if (lost !== undefined) return this.#refuse(`nothing was changed: with these cluster keys ${lost}`);
    for (const warning of read.warnings) this.#logger.warn({ file: this.#file }, warning);
    this.#config = read.config;
    await this.#openHooks(read.config);
    this.#hooks?.configure(read.config);
    this.#logger.setLevel(read.config.log.level);
    this.#loop?.reconfigure(read.config);
    const message = `${this.#file} is in force: ${read.config.vips.length} VIPs, digest ${read.config.digest}`;
    this.#logger.info({ reason: message }, 'configuration reloaded');
    return { ok: true, message };
  }

  /** Why not, where a member would be lost by it. */
  async #rekey(config: Config): Promise<string | undefined> {
    const prints = (of: Config) => keysOf(of).map(keyFingerprint).join(', ');
    if (prints(config) === prints(this.#config)) return undefined;
    const lost = await this.#loop?.rekey(config.group, keysOf(config));
    if (lost === undefined) {
      this.#logger.info({ before: prints(this.#config), now: prints(config) }, 'cluster keys changed');
    }
    return lost;
  }

  #refuse(message: string): CommandResult {
    this.#logger.error({ reason: message }, 'configuration not reloaded');
    return { ok: false, code: 'bad-config', message };
  }
}

function withHooks(status: Status, hooks: Hooks | undefined): Status {
  if (hooks === undefined) return status;
  return { ...status, hooks: hooks.status(), warnings: [...status.warnings, ...hooks.warnings()] };
}

/** A bug ends the process at once: the guardian removes the addresses, which a half-working agent might not. */
function dieLoudly(logger: Logger): void {
  const die = (error: unknown) => {
    logger.error(
      { reason: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
      'the agent crashed',
    );
    void logger.close().finally(() => process.exit(exitCode('bug')));
    // Should the log hang too.
    setTimeout(() => process.exit(exitCode('bug')), 300).unref();
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

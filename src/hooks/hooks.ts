/**
 * Runs the operator's hooks beside the agent: takes what happened and returns at once, runs the programs on another thread, keeps
 * account of how they ended. Nothing the agent does waits for it, and no hook changes what the agent does.
 */
import type { Config } from '../config/config.ts';
import type { HookEvent, HooksConfig, ProgramConfig } from '../config/hooks-section.ts';
import type { HookResult, HooksStatus } from '../model/status.ts';
import type { ViewId } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { ProgramOutcome } from '../platform/program.ts';
import type { ProgramRunner } from '../platform/program-runner.ts';
import { HookQueue, type Telling } from './hook-queue.ts';
import { type Happening, hookInput, hookVariables, type ToldVip, toldVip } from './hook-telling.ts';
import type { UpRecord } from './up-record.ts';

/** As the agent's core tells it. */
export interface HookOccasion {
  readonly event: HookEvent;
  readonly vips: readonly Vip[];
  readonly reason: string;
  readonly view?: { readonly id: ViewId; readonly epoch: number };
}

export interface HooksParts {
  readonly runner: ProgramRunner;
  /** Absent: what an agent leaves untold when it dies is told by nobody. */
  readonly record: UpRecord | undefined;
  /** Milliseconds since 1970. */
  wall(): number;
  readonly logger: {
    debug(fields: object, text: string): void;
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
  };
}

interface Job extends Telling {
  readonly happening: Happening;
}

/** Results kept for the status. */
const RESULTS_MAX = 20;
/** Characters of a hook's output in one line of the log. */
const OUTPUT_LOGGED = 1000;

export class Hooks {
  #config: Config;
  readonly #with: HooksParts;
  readonly #queue: HookQueue<Job>;
  readonly #results: HookResult[] = [];
  /** Last word of each command that failed the last time it ran. */
  readonly #failing = new Map<string, string>();
  readonly #abort = new AbortController();
  #recordProblem: string | undefined;
  #idle: (() => void) | undefined;

  constructor(config: Config, parts: HooksParts) {
    this.#config = config;
    this.#with = parts;
    this.#queue = new HookQueue(() => this.#settings?.parallel ?? 1, joined);
  }

  /** Takes effect with the next hook that is run. */
  configure(config: Config): void {
    this.#config = config;
    this.#failing.clear();
  }

  take({ event, vips, reason, view }: HookOccasion): void {
    if (this.#settings === undefined || this.#abort.signal.aborted) return;
    const told = vips.map((vip) => toldVip(vip, this.#config));
    this.#add({ event, vips: told, reason, ...(view && { view }), time: this.#now() });
  }

  /** What a former agent told to be here and never to be gone: it is, since this one starts with nothing. */
  tellLeft(vips: readonly ToldVip[]): void {
    const reason = 'the agent that held it ended without a word; this one starts with nothing';
    for (const vip of vips) this.#add({ event: 'on_down', vips: [vip], reason, time: this.#now() });
    if (vips.length > 0) {
      this.#add({ event: 'post_down', vips, reason, time: this.#now() });
      this.#with.logger.info({ vips: vips.map(({ id }) => id), reason }, 'hooks are told of what was left');
    }
  }

  status(): HooksStatus {
    const { running, waiting, coalesced } = this.#queue;
    return { running, waiting, coalesced, results: [...this.#results] };
  }

  /** For the status: commands that failed the last time they ran, and what else is not as it should be. */
  warnings(): readonly string[] {
    return [...this.#failing.values(), ...(this.#recordProblem === undefined ? [] : [this.#recordProblem])];
  }

  /** Waits for what is running and waiting, for no longer than configured; what is left then is ended and named in the log. */
  async finish(): Promise<void> {
    const { running, waiting } = this.#queue;
    if (running + waiting > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      const timer = setTimeout(() => this.#giveUp(), this.#settings?.stop_timeout_ms ?? 0);
      await idle;
      clearTimeout(timer);
    }
    await this.#with.runner.close();
    await this.#with.record?.close().catch(() => {});
  }

  get #settings(): HooksConfig | undefined {
    return this.#config.hooks;
  }

  #now(): string {
    return new Date(this.#with.wall()).toISOString();
  }

  #add(happening: Happening): void {
    this.#queue.add({ event: happening.event, vips: happening.vips.map(({ id }) => id), happening });
    this.#go();
  }

  #go(): void {
    for (const job of this.#queue.next()) {
      void this.#tell(job).finally(() => {
        this.#queue.done(job);
        this.#go();
      });
    }
    if (this.#queue.running + this.#queue.waiting === 0) this.#idle?.();
  }

  #giveUp(): void {
    const { running, waiting } = this.#queue;
    const reason = `not done ${this.#settings?.stop_timeout_ms ?? 0} ms after everything was handed over`;
    this.#with.logger.warn({ running, waiting, reason }, 'hooks are given up');
    this.#abort.abort();
  }

  /** All commands of the event, one after the other, whatever becomes of each. Never rejects. */
  async #tell(job: Job): Promise<void> {
    const { event, vips } = job.happening;
    const [vip] = vips;
    if (event === 'on_up' && vip !== undefined) await this.#recorded((record) => record.up(vip));
    for (const [index, command] of (this.#settings?.commands[event] ?? []).entries()) {
      if (this.#abort.signal.aborted) return;
      const outcome = await this.#run(command, job.happening);
      this.#note({ job, command, index, outcome });
    }
    if (event === 'on_down' && vip !== undefined) await this.#recorded((record) => record.down(vip.id));
  }

  #run({ argv, timeout_ms: timeout, user }: ProgramConfig, happening: Happening): Promise<ProgramOutcome> {
    const speaker = { cluster: this.#config.cluster, member: this.#config.member };
    const request = {
      argv,
      timeout,
      ...(user !== undefined && { user }),
      stdin: hookInput(happening, speaker),
      env: hookVariables(happening, speaker),
    };
    return this.#with.runner.run(request, this.#abort.signal);
  }

  #note({ job, command, index, outcome }: Ran): void {
    const { event, vips } = job.happening;
    const subject = event === 'on_up' || event === 'on_down' ? vips[0]?.id : undefined;
    const [program = ''] = command.argv;
    const ok = outcome.end === 'exited' && outcome.code === 0;
    const result: HookResult = {
      at: this.#now(),
      event,
      ...(subject !== undefined && { vip: subject }),
      command: program,
      ok,
      result: outcome.reason,
      duration_ms: Math.round(outcome.duration),
    };
    this.#results.push(result);
    if (this.#results.length > RESULTS_MAX) this.#results.shift();
    const key = `${event} ${index}`;
    this.#failing.delete(key);
    const of = subject === undefined ? '' : ` for ${subject}`;
    if (!ok) this.#failing.set(key, `hook ${event} ${program}${of}: ${outcome.reason}`);
    const fields = { ...result, ...outputOf(outcome) };
    if (ok) this.#with.logger.info(fields, 'hook ran');
    else this.#with.logger.warn(fields, 'hook failed');
  }

  async #recorded(write: (record: UpRecord) => Promise<void>): Promise<void> {
    const { record } = this.#with;
    if (record === undefined) return;
    try {
      await write(record);
      this.#recordProblem = undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const problem = `what hooks were told cannot be kept: ${why}`;
      if (this.#recordProblem === undefined) this.#with.logger.warn({ reason: why }, problem);
      this.#recordProblem = problem;
    }
  }
}

interface Ran {
  readonly job: Job;
  readonly command: ProgramConfig;
  /** Among those of its event. */
  readonly index: number;
  readonly outcome: ProgramOutcome;
}

/** Two rounds in one: all their VIPs, and the words of the later. */
function joined(earlier: Job, later: Job): Job {
  const vips = new Map<VipId, ToldVip>();
  for (const vip of [...earlier.happening.vips, ...later.happening.vips]) vips.set(vip.id, vip);
  const happening = { ...later.happening, vips: [...vips.values()] };
  return { event: later.event, vips: [...vips.keys()], happening };
}

function outputOf({ stdout, stderr }: ProgramOutcome): { stdout?: string; stderr?: string } {
  return {
    ...(stdout !== '' && { stdout: stdout.slice(0, OUTPUT_LOGGED) }),
    ...(stderr !== '' && { stderr: stderr.slice(0, OUTPUT_LOGGED) }),
  };
}

/**
 * Provider `exec`: a program of the operator's moves the addresses. Asks it one thing at a time for each VIP, bounds its time and its
 * output, and believes it nothing that it does not say in plain words. What it did not say counts as held where it may be.
 */
import type { ExecProviderConfig } from '../../src/config/config.ts';
import type { Instant } from '../../src/model/time.ts';
import type { ProviderName, Vip, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { ProgramOutcome } from '../../src/platform/program.ts';
import { openProgramRunner, type ProgramRunner } from '../../src/platform/program-runner.ts';
import type {
  AcquireRequest,
  Check,
  OutcomeCode,
  Provider,
  ProviderEvent,
  ProviderPlace,
  ProviderTraits,
  VipOutcome,
} from '../../src/provider/provider.ts';
import { type Answer, type ExecVerb, question, readAnswer } from './protocol.ts';
import { Turns } from './turns.ts';

/** Characters of an answer that are read. */
const ANSWER_MAX = 1 << 20;
/** An aborted call settles within 100 ms; the program itself may take longer to end. */
const ABORT_GRACE = 50;

export interface ExecSettings {
  readonly name: ProviderName;
  readonly config: ExecProviderConfig;
  readonly place: ProviderPlace;
}

export function createExecProvider(settings: ExecSettings): Provider {
  return new ExecProvider(settings);
}

interface Run {
  readonly verb: ExecVerb;
  readonly vips: readonly Vip[];
  readonly requests?: readonly AcquireRequest[];
  readonly fence?: number;
  readonly signal?: AbortSignal;
}

/** How a run ended: with an answer, or why without one; `began`: the program may have done something. */
type Told =
  | Answer
  | { readonly kind: 'none'; readonly problem: string; readonly code: OutcomeCode; readonly began: boolean };

class ExecProvider implements Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  readonly #config: ExecProviderConfig;
  readonly #place: ProviderPlace;
  readonly #turns = new Turns();
  /** Held or perhaps held here, and when the program last said so. */
  readonly #held = new Map<VipId, Instant>();
  readonly #unfit = new Set<VipId>();
  readonly #unsupported = new Set<ExecVerb>();
  #runner: ProgramRunner | undefined;
  #listener: (event: ProviderEvent) => void = () => {};
  #trouble: string | undefined;
  #lastFence = 0;

  constructor({ name, config, place }: ExecSettings) {
    this.name = name;
    this.#config = config;
    this.#place = place;
    this.traits = {
      families: config.families,
      scope: config.scope,
      atomicTakeover: config.atomic_takeover,
      ...(config.lease_bound_ms !== undefined && { leaseBound: config.lease_bound_ms }),
    };
  }

  /** What an earlier run left here is released; a program that cannot be asked is trouble, and no reason not to start. */
  async start(vips: readonly Vip[], listener: (event: ProviderEvent) => void, adopt: readonly Vip[] = []) {
    this.#listener = listener;
    const { slots, families } = this.#config;
    if (slots !== undefined) for (const family of families) listener({ kind: 'slots', family, slots });
    this.#held.clear();
    const adopted = new Set(adopt.map(({ id }) => id));
    const { signal } = new AbortController();
    const found = await this.#outcomes({ verb: 'inspect', vips, signal });
    const left = new Set(found.flatMap(({ vip, held }) => (held && !adopted.has(vip) ? [vip] : [])));
    if (left.size > 0)
      await this.#outcomes({ verb: 'release', vips: vips.filter(({ id }) => left.has(id)), signal });
  }

  configure(): void {}

  inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#outcomes({ verb: 'inspect', vips, signal });
  }

  acquire(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    this.#lastFence = fence;
    return this.#outcomes({ verb: 'acquire', vips: requests.map(({ vip }) => vip), requests, fence, signal });
  }

  release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#outcomes({ verb: 'release', vips, signal });
  }

  /** Asks the program for those alone whose turn it is. */
  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const now = monotonicNow();
    const fresh = (vip: Vip): boolean => {
      const at = this.#held.get(vip.id);
      return at !== undefined && now - at < this.#config.renew_interval_ms;
    };
    const known = signal.aborted ? [] : once(vips).filter(fresh);
    const due = once(vips).filter((vip) => !known.includes(vip));
    const asked = await this.#outcomes({ verb: this.#known('renew', 'inspect'), vips: due, signal });
    return [
      ...known.map((vip): VipOutcome => {
        const age = Math.round((now - this.#held.get(vip.id)!) / 1000);
        return { vip: vip.id, held: true, code: 'ok', reason: `was there ${age} s ago` };
      }),
      ...asked.map((one): VipOutcome => (one.held || one.code !== 'ok' ? one : { ...one, code: 'lost' })),
    ];
  }

  announce(vips: readonly Vip[]): void {
    if (vips.length > 0 && !this.#unsupported.has('announce')) void this.#run({ verb: 'announce', vips });
  }

  async test(vips: readonly Vip[], signal: AbortSignal): Promise<readonly Check[]> {
    const what = `program of ${this.name}`;
    const [program] = this.#config.command;
    const told = await this.#run({ verb: 'test', vips, signal });
    if (told.kind === 'checks') {
      const ran: Check = { what, verdict: 'pass', detail: `${program} ran and answered` };
      const { slots } = this.#config;
      const room = slots === undefined ? {} : { slots4: slots, slots6: slots };
      return [{ ...ran, ...room }, ...told.checks];
    }
    if (told.kind === 'unsupported') {
      const mend = 'let it answer the verb `test`, so that a failover can be rehearsed';
      return [{ what, verdict: 'unknown', detail: `${program} runs, and has no test`, mend }];
    }
    const mend = 'mend the program; docs/writing-a-provider.md has what it is asked and what it may answer';
    return [{ what, verdict: 'fail', detail: problemOf(told), mend }];
  }

  async stop(): Promise<void> {
    this.#listener = () => {};
    const runner = this.#runner;
    this.#runner = undefined;
    await runner?.close();
  }

  // --- outcomes ---

  async #outcomes(run: Run & { readonly signal: AbortSignal }): Promise<readonly VipOutcome[]> {
    const vips = once(run.vips);
    if (vips.length === 0) return [];
    if (run.signal.aborted)
      return this.#without(vips, { code: 'aborted', problem: 'given up before it was done' });
    const answer = this.#settle({ ...run, vips });
    return Promise.race([answer, this.#givenUp(vips, run, answer)]);
  }

  async #settle(run: Run): Promise<readonly VipOutcome[]> {
    const { vips, verb } = run;
    const told = await this.#run(run);
    if (told.kind === 'unsupported' && verb === 'renew') return this.#settle({ ...run, verb: 'inspect' });
    if (told.kind !== 'vips') {
      // It may have begun: what is not known to be gone may be there.
      if (verb === 'acquire' && (told.kind !== 'none' || told.began)) this.#note(vips);
      const code = told.kind === 'none' ? told.code : 'failed';
      return this.#without(vips, { code, problem: problemOf(told) });
    }
    if (verb === 'acquire') this.#note(vips.filter(({ id }) => told.missing.includes(id)));
    return vips.map(({ id }): VipOutcome => {
      const said = told.said.get(id);
      if (said === undefined)
        return this.#unsaid(id, { code: 'failed', problem: 'the program did not say what became of it' });
      const { held, code, reason } = said;
      this.#learn(id, said);
      return { vip: id, held, code, reason: reason === '' ? `${verb}: the program gives no reason` : reason };
    });
  }

  /** The caller does not wait for a program to end. */
  async #givenUp(
    vips: readonly Vip[],
    { verb, signal }: Run,
    answer: Promise<unknown>,
  ): Promise<readonly VipOutcome[]> {
    await aborted(signal, answer);
    if (verb === 'acquire') this.#note(vips);
    return this.#without(vips, {
      code: 'aborted',
      problem: 'told to stop, and it did not say how far it was',
    });
  }

  #learn(
    vip: VipId,
    { held, fit, reason }: { readonly held: boolean; readonly fit?: boolean; readonly reason: string },
  ): void {
    if (held) this.#held.set(vip, monotonicNow());
    else this.#held.delete(vip);
    if (fit === undefined || fit === !this.#unfit.has(vip)) return;
    if (fit) this.#unfit.delete(vip);
    else this.#unfit.add(vip);
    this.#listener({ kind: 'fitness', vip, fit, reason });
  }

  /** Perhaps held, and due to be asked for. */
  #note(vips: readonly Vip[]): void {
    for (const { id } of vips) if (!this.#held.has(id)) this.#held.set(id, Number.NEGATIVE_INFINITY);
  }

  #without(
    vips: readonly Vip[],
    why: { readonly code: OutcomeCode; readonly problem: string },
  ): readonly VipOutcome[] {
    return vips.map(({ id }) => this.#unsaid(id, why));
  }

  #unsaid(
    vip: VipId,
    { code, problem }: { readonly code: OutcomeCode; readonly problem: string },
  ): VipOutcome {
    return { vip, held: this.#held.has(vip), code, reason: problem };
  }

  // --- the program ---

  #known(verb: ExecVerb, otherwise: ExecVerb): ExecVerb {
    return this.#unsupported.has(verb) ? otherwise : verb;
  }

  /** Waits for its turn, runs the program, reads what it says. Never rejects. */
  async #run(run: Run): Promise<Told> {
    const over = await this.#turns.take(run.vips);
    try {
      if (run.signal?.aborted === true)
        return { kind: 'none', code: 'aborted', problem: 'given up before its turn', began: false };
      return await this.#ask(run);
    } finally {
      over();
    }
  }

  async #ask(run: Run): Promise<Told> {
    const { command, user, env, timeout_ms: timeout } = this.#config;
    const { verb, vips, signal } = run;
    const guards = new Map(run.requests?.map(({ vip, guard }) => [vip.id, guard]));
    const asked = { verb, provider: this.name, place: this.#place, vips, guards, now: monotonicNow() };
    const stdin = question({ ...asked, fence: run.fence ?? this.#lastFence });
    const patience = {
      argv: command,
      env,
      stdin,
      keptMax: ANSWER_MAX,
      timeout: timeout + longestWait(guards, asked.now),
    };
    this.#runner ??= openProgramRunner();
    // The runner's thread does not keep the process running, and a rehearsal has nothing else that does.
    const awake = setInterval(() => {}, 60_000);
    const outcome = await this.#runner.run({ ...patience, ...(user !== undefined && { user }) }, signal);
    clearInterval(awake);
    return this.#read(run, outcome);
  }

  #read({ verb, vips }: Run, outcome: ProgramOutcome): Told {
    const { end, code, reason, stdout } = outcome;
    if (end === 'aborted') return { kind: 'none', code: 'aborted', problem: reason, began: true };
    if (end !== 'exited' || code !== 0) {
      const problem = `${this.#config.command[0]} ${verb}: ${reason}${lastWords(outcome)}`;
      this.#tellTrouble(problem);
      return {
        kind: 'none',
        code: end === 'timeout' ? 'timeout' : 'failed',
        problem,
        began: end !== 'not-started',
      };
    }
    const answer = readAnswer(verb, vips, stdout);
    if (answer.kind === 'unsupported') this.#unsupported.add(verb);
    const wrong =
      answer.kind === 'garbage' ? `${this.#config.command[0]} ${verb}: ${answer.problem}` : undefined;
    this.#tellTrouble(wrong);
    return wrong === undefined ? answer : { kind: 'garbage', problem: wrong };
  }

  #tellTrouble(reason: string | undefined): void {
    if (this.#trouble === reason) return;
    this.#trouble = reason;
    this.#listener({ kind: 'trouble', reason, confined: true });
  }
}

/** Each VIP named twice is asked for once. */
function once(vips: readonly Vip[]): readonly Vip[] {
  return [...new Map(vips.map((vip) => [vip.id, vip])).values()];
}

function longestWait(guards: ReadonlyMap<VipId, AcquireRequest['guard']>, now: Instant): number {
  const waits = [...guards.values()].map((guard) => (guard.kind === 'when-silent' ? guard.until - now : 0));
  return Math.max(0, ...waits);
}

/** The last line it wrote to standard error, which is where programs complain. */
function lastWords({ stderr }: ProgramOutcome): string {
  const line = stderr.trim().split('\n').at(-1)?.trim().slice(0, 200) ?? '';
  return line === '' ? '' : ` (${line})`;
}

function problemOf(told: Told): string {
  if (told.kind === 'none' || told.kind === 'garbage') return told.problem;
  return told.kind === 'unsupported' ? 'the program does not support it' : 'it answered something else';
}

/** Resolves some time after the abort; never, once the answer is there. */
function aborted(signal: AbortSignal | undefined, answer: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      timer = setTimeout(resolve, ABORT_GRACE);
    };
    signal?.addEventListener('abort', abort, { once: true });
    const forget = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    void answer.then(forget, forget);
  });
}

/**
 * Looks at the health of this host again and again, as configured, and tells when a verdict changes. Runs beside the agent's work:
 * commands are run by a thread without rights, nothing here waits on the way of a takeover. Decides nothing.
 */
import type { HealthCheckConfig } from '../config/config.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { Millis } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { watchRoutes } from '../platform/netlink.ts';
import type { Watch } from '../platform/poll.ts';
import { openProgramRunner, type ProgramRunner } from '../platform/program-runner.ts';
import { Damper, type Result } from './damper.ts';
import { look } from './look.ts';

/** A program is ended at its timeout; what is not over so long after that hangs in the kernel. */
const GIVE_UP_AFTER = 5_000;

export class HealthWatch {
  readonly #listener: (verdict: HealthVerdict) => void;
  readonly #programs: ProgramRunner = openProgramRunner();
  #watched = new Map<string, Watched>();
  #links: Watch | undefined;

  constructor(listener: (verdict: HealthVerdict) => void) {
    this.#listener = listener;
  }

  /** Checks that stay as they are go on; new and changed ones begin anew. */
  configure(checks: readonly HealthCheckConfig[]): void {
    const before = this.#watched;
    this.#watched = new Map();
    for (const check of checks) {
      const known = before.get(check.name);
      const same = known !== undefined && JSON.stringify(known.check) === JSON.stringify(check);
      if (same) before.delete(check.name);
      this.#watched.set(check.name, same ? known : new Watched(check, this.#programs, this.#listener));
    }
    for (const gone of before.values()) gone.stop();
    for (const watched of this.#watched.values()) watched.start();
    this.#watchLinks(checks.some(({ probe }) => probe.kind === 'interface'));
  }

  /** Resolves when every check has been looked at once, and in this time whatever hangs (milliseconds). */
  async lookedAtAll(bound: Millis): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, bound);
    });
    await Promise.race([Promise.all([...this.#watched.values()].map(({ first }) => first)), late]);
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    this.configure([]);
    await this.#programs.close();
  }

  /** A carrier that is lost is looked at when it is lost, not when the interval is over. */
  #watchLinks(wanted: boolean): void {
    if (!wanted) this.#links?.close();
    if (!wanted) this.#links = undefined;
    else {
      this.#links ??= watchRoutes({
        notices: (notices) => {
          for (const notice of notices) if (notice.kind === 'link') this.#lookAt(notice.link.name);
        },
        overrun: () => this.#lookAt(undefined),
      });
    }
  }

  #lookAt(interfaceName: string | undefined): void {
    for (const watched of this.#watched.values()) {
      const { probe } = watched.check;
      if (probe.kind === 'interface' && (interfaceName ?? probe.interface) === probe.interface) watched.now();
    }
  }
}

class Watched {
  readonly check: HealthCheckConfig;
  /** The first look is over, or never will be. */
  readonly first: Promise<void>;
  #firstOver: () => void = () => {};
  readonly #damper = new Damper();
  readonly #programs: ProgramRunner;
  readonly #listener: (verdict: HealthVerdict) => void;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #stopped = false;
  readonly #abort = new AbortController();

  constructor(check: HealthCheckConfig, programs: ProgramRunner, listener: (verdict: HealthVerdict) => void) {
    this.check = check;
    this.first = new Promise((resolve) => {
      this.#firstOver = resolve;
    });
    this.#programs = programs;
    this.#listener = listener;
  }

  start(): void {
    if (this.#timer === undefined && !this.#running) this.now();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** Looks at once; while a look is under way, right after it. */
  now(): void {
    if (this.#running) this.#again = true;
    else void this.#look();
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = true;
    this.#again = false;
    const startedAt = monotonicNow();
    const result = await this.#bounded();
    this.#running = false;
    if (this.#stopped) return this.#firstOver();
    const now = monotonicNow();
    if (this.#damper.take(result, this.check, now))
      this.#listener({ check: this.check.name, failing: this.#damper.failing });
    this.#firstOver();
    const wait = this.#again ? 0 : Math.max(0, this.check.interval_ms - (now - startedAt));
    this.#timer = setTimeout(() => this.now(), wait);
    this.#timer.unref();
  }

  /** There is a result in the time of the check and a little more, whatever hangs. */
  async #bounded(): Promise<Result> {
    const { timeout_ms: timeout } = this.check;
    let timer: NodeJS.Timeout | undefined;
    const hung = new Promise<Result>((resolve) => {
      const late = () => resolve({ ok: false, detail: `no answer within ${timeout} ms` });
      timer = setTimeout(late, timeout + GIVE_UP_AFTER);
    });
    const result = await Promise.race([this.#lookOnce(timeout), hung]);
    clearTimeout(timer);
    return result;
  }

  async #lookOnce(timeout: number): Promise<Result> {
    const { probe } = this.check;
    if (probe.kind !== 'command')
      return look(probe, AbortSignal.any([this.#abort.signal, AbortSignal.timeout(timeout)]));
    const outcome = await this.#programs.run(
      { argv: probe.argv, timeout, ...(probe.user !== undefined && { user: probe.user }) },
      this.#abort.signal,
    );
    if (outcome.end === 'exited' && outcome.code === 0) return { ok: true, detail: outcome.reason };
    if (outcome.end === 'timeout') return { ok: false, detail: `no answer within ${timeout} ms` };
    const said = lastLine(outcome.stderr) || lastLine(outcome.stdout);
    return { ok: false, detail: said === '' ? outcome.reason : `${outcome.reason}: ${said}` };
  }
}

/** What a program says last is what is wrong; on one line, for people. */
function lastLine(text: string): string {
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? '').replaceAll(/\p{C}/gu, ' ').trim().slice(0, 200);
}

/**
 * What the service manager hears of the agent (`man 3 sd_notify`, `man 5 systemd.service`: `Type=notify`, `WatchdogSec=`):
 * when it is ready, how it is, and a pulse that only a healthy agent has. Says nothing where nobody supervises us, and never
 * changes what the agent does.
 */
import type { Status } from '../model/status.ts';
import type { Millis } from '../model/time.ts';
import { monotonicNow } from '../platform/clock.ts';
import { type Notice, type NotifySocket, openNotifySocket } from '../platform/notify-socket.ts';

/** As the environment asks. Takes its variables out, so that nothing we start speaks in our name. Never throws. */
export function openSupervision(env: NodeJS.ProcessEnv, logger: SupervisionParts['logger']): Supervision {
  const { NOTIFY_SOCKET: name } = env;
  const watchdog = watchdogOf(env, process.pid);
  for (const variable of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[variable];
  const settings = { pid: process.pid, ...(watchdog !== undefined && { watchdog }) };
  if (name === undefined || name === '') return new Supervision(settings, { socket: undefined, logger });
  try {
    return new Supervision(settings, { socket: openNotifySocket(name), logger });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn({ reason: `NOTIFY_SOCKET: ${reason}` }, 'the service manager cannot be told');
    return new Supervision(settings, { socket: undefined, logger });
  }
}

/** What is watched: the agent's loop. */
export interface Supervised {
  status(): Status;
  /** Why it is not well; undefined: it is. */
  unwell(): string | undefined;
  /** Returns what ends it. */
  onChange(listener: () => void): () => void;
}

export interface SupervisionSettings {
  /** Process id of the agent. */
  readonly pid: number;
  /** Without a pulse for so long we are killed; absent: nobody counts. */
  readonly watchdog?: Millis;
}

export interface SupervisionParts {
  /** Absent: nobody listens. */
  readonly socket: NotifySocket | undefined;
  readonly logger: {
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

/** How often a change reaches the status line at most, and a pulse at least. */
const BEAT: Millis = 1_000;
/** VIPs named in the status line. */
const NAMED_MAX = 8;

export class Supervision {
  readonly #settings: SupervisionSettings;
  readonly #parts: SupervisionParts;
  #agent: Supervised | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: () => void = () => {};
  #ready = false;
  #stopping = false;
  #changed = true;
  #told = '';
  #unwell: string | undefined;
  #unheard: string | undefined;

  constructor(settings: SupervisionSettings, parts: SupervisionParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** From here on the manager is told; that it is ready, once it serves in its group. */
  watch(agent: Supervised): void {
    if (this.#parts.socket === undefined) return;
    this.#agent = agent;
    this.#unsubscribe = agent.onChange(() => {
      this.#changed = true;
      if (!this.#ready) this.#look();
    });
    const { watchdog } = this.#settings;
    // Three chances in each interval.
    this.#timer = setInterval(() => this.#beat(), Math.min(BEAT, (watchdog ?? BEAT) / 3));
  }

  /** Frames a reload; the manager waits for its end. */
  async reloading<T>(reload: () => Promise<T>): Promise<T> {
    if (this.#ready && !this.#stopping) this.#send({ RELOADING: 1, MONOTONIC_USEC: monotonicMicros() });
    try {
      return await reload();
    } finally {
      if (this.#ready && !this.#stopping) this.#send({ READY: 1 });
    }
  }

  stopping(reason: string): void {
    this.#stopping = true;
    this.#send({ STOPPING: 1, STATUS: `stopping: ${reason}` });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#parts.socket?.close();
    this.#agent = undefined;
  }

  #beat(): void {
    this.#look();
    const { watchdog } = this.#settings;
    const unwell = this.#agent?.unwell();
    if (unwell !== this.#unwell) this.#tellUnwell(unwell);
    if (unwell === undefined && watchdog !== undefined) this.#send({ WATCHDOG: 1 });
  }

  #tellUnwell(unwell: string | undefined): void {
    const { logger } = this.#parts;
    const before = this.#unwell;
    this.#unwell = unwell;
    this.#changed = true;
    if (unwell === undefined) logger.info({}, 'the agent is well again');
    // The words may change with each look; one line is enough.
    else if (before === undefined)
      logger.error({ reason: unwell }, 'the agent is not well: the watchdog is not fed');
  }

  #look(): void {
    if (!this.#changed || this.#stopping || this.#agent === undefined) return;
    const status = this.#agent.status();
    const text = this.#unwell === undefined ? statusText(status) : `not well: ${this.#unwell}`;
    const notice: Record<string, string | number> = {};
    if (!this.#ready && isReady(status)) Object.assign(notice, { READY: 1, MAINPID: this.#settings.pid });
    if (text !== this.#told) notice['STATUS'] = text;
    this.#changed = false;
    if (Object.keys(notice).length === 0) return;
    // What was not heard is said again with the next beat.
    if (!this.#send(notice)) this.#changed = true;
    else {
      this.#told = text;
      this.#ready ||= 'READY' in notice;
    }
  }

  #send(notice: Notice): boolean {
    const problem = this.#parts.socket?.send(notice);
    if (problem !== undefined && problem !== this.#unheard)
      this.#parts.logger.warn({ reason: problem }, 'the service manager cannot be told');
    this.#unheard = problem;
    return problem === undefined;
  }
}

/** In its group, and acting or rightly not acting: what is started after us may count on the VIPs from here on. */
function isReady({ phase }: Status): boolean {
  return phase === 'settled' || phase === 'outranked';
}

/** One line for `systemctl status`. */
export function statusText({ phase, self, members, vips }: Status): string {
  const held = vips.filter(({ holder }) => holder === self).map(({ vip }) => vip);
  const named = held.slice(0, NAMED_MAX).join(', ');
  const more = held.length > NAMED_MAX ? ` and ${held.length - NAMED_MAX} more` : '';
  const list = held.length === 0 ? '' : `: ${named}${more}`;
  const names = members.map(({ name }) => name).join(', ');
  return `${phase}; holds ${held.length} of ${vips.length} VIPs${list}; members: ${names === '' ? 'none yet' : names}`;
}

/** On CLOCK_MONOTONIC, which the manager compares with. */
function monotonicMicros(): number {
  return Math.round(monotonicNow() * 1000);
}

/** How often the manager wants a pulse, at least; undefined where it does not, or means another process. */
function watchdogOf(env: NodeJS.ProcessEnv, pid: number): Millis | undefined {
  const { WATCHDOG_USEC: micros = '', WATCHDOG_PID: meant } = env;
  if (meant !== undefined && meant !== String(pid)) return undefined;
  if (!/^\d{1,15}$/.test(micros) || Number(micros) === 0) return undefined;
  return Number(micros) / 1000;
}

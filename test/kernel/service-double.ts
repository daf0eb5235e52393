/**
 * A service manager's side of an agent's life, as systemd's documents have it (`man 5 systemd.service`, `man 3 sd_notify`): gives
 * it a notification socket, counts its pulse once it is ready, kills all its processes when the pulse stops, runs the clean-up
 * after every end, and starts it again.
 */
import type { AgentProcess, Exit } from '../../src/lab/agent-process.ts';
import type { Finished } from '../../src/lab/host.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { type Heard, listenToNotices, type NotifyListener } from '../unit/platform/notify-listener.ts';

export interface ServiceSettings {
  /** `WatchdogSec=`, ms; absent: nobody counts. */
  readonly watchdog?: number;
  /** `NOTIFY_SOCKET`; in the host's folder unless said. */
  readonly socket?: string;
  /** Put before the agent's command line. */
  readonly prefix?: readonly string[];
  readonly restart?: boolean;
}

/** Passes its own process id on, as a manager does that forks before it runs the command. */
const AS_MAIN_PROCESS = ['sh', '-c', 'WATCHDOG_PID=$$ exec "$@"', 'sh'];

export class ServiceDouble {
  readonly agent: AgentProcess;
  readonly #settings: ServiceSettings;
  readonly #listener: NotifyListener;
  #pulse: NodeJS.Timeout | undefined;
  #closed = false;
  /** Ends of the agent, and what the clean-up after each said. */
  readonly ends: { readonly exit: Exit; readonly cleanup: Finished; readonly watchdog: boolean }[] = [];
  #killedByUs = false;

  constructor(agent: AgentProcess, settings: ServiceSettings = {}) {
    this.agent = agent;
    this.#settings = settings;
    const listen = () => listenToNotices(this.#socket, (notice) => this.#take(notice));
    // An abstract name belongs to a network namespace.
    this.#listener = this.#socket.startsWith('@')
      ? insideNetworkNamespace(agent.host.netns, listen)
      : listen();
  }

  get #socket(): string {
    return this.#settings.socket ?? `${this.agent.host.folder}/notify`;
  }

  get heard(): readonly Heard[] {
    return this.#listener.heard;
  }

  times(name: string): number {
    return this.heard.filter((notice) => name in notice).length;
  }

  /** The latest status line. */
  get status(): string {
    return this.heard.findLast((notice) => 'STATUS' in notice)?.['STATUS'] ?? '';
  }

  start(): void {
    const { watchdog, prefix = [] } = this.#settings;
    this.agent.start([
      ...AS_MAIN_PROCESS,
      'env',
      `NOTIFY_SOCKET=${this.#socket}`,
      ...(watchdog === undefined ? [] : [`WATCHDOG_USEC=${watchdog * 1000}`]),
      ...prefix,
    ]);
    void this.#untilEnd();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pulse);
    this.#listener.close();
  }

  #take(notice: Heard): void {
    if (notice['READY'] === '1' || notice['WATCHDOG'] === '1') this.#count();
    if (notice['STOPPING'] === '1') clearTimeout(this.#pulse);
  }

  /** From `READY` on; each pulse starts anew. */
  #count(): void {
    const { watchdog } = this.#settings;
    if (watchdog === undefined || this.times('READY') === 0) return;
    clearTimeout(this.#pulse);
    this.#pulse = setTimeout(() => {
      this.#killedByUs = true;
      // `KillMode=control-group` and `WatchdogSignal=SIGKILL`: the guardian goes with it.
      this.agent.host.killAll();
    }, watchdog);
  }

  async #untilEnd(): Promise<void> {
    const exit = await this.agent.exited();
    clearTimeout(this.#pulse);
    if (this.#closed) return;
    const cleanup = await this.agent.run(['cleanup', '--force']);
    this.ends.push({ exit, cleanup, watchdog: this.#killedByUs });
    this.#killedByUs = false;
    if (this.#settings.restart === true && !this.#closed) this.start();
  }
}

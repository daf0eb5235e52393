/** Health checks, loaded with the first one that is configured: an agent without them pays nothing. */
import type { HealthChecks } from '../agent/loop-components.ts';
import type { Config } from '../config/config.ts';
import type { HealthWatch } from '../health/watch.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { Logger } from '../platform/logger.ts';

/** A check that has not answered by then is not waited for. */
const FIRST_LOOK_MAX = 5_000;

export class LazyHealth implements HealthChecks {
  readonly #logger: Logger;
  #wanted: Config['checks'] = [];
  #watch: Promise<HealthWatch | undefined> | undefined;
  #stopped = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async configure(checks: Config['checks'], listener: (verdict: HealthVerdict) => void): Promise<void> {
    this.#wanted = checks;
    if (this.#watch === undefined && checks.length === 0) return;
    this.#watch ??= this.#load(listener);
    const watch = await this.#watch;
    if (this.#stopped) return;
    watch?.configure(this.#wanted);
    await watch?.lookedAtAll(FIRST_LOOK_MAX);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await (await this.#watch)?.stop();
  }

  /** Without it every check stays without a result, which the status shows. */
  async #load(listener: (verdict: HealthVerdict) => void): Promise<HealthWatch | undefined> {
    try {
      return new (await import('../health/watch.ts')).HealthWatch(listener);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error({ reason }, 'health checks cannot be run');
      return undefined;
    }
  }
}

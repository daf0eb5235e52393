/** What the loop is given: its settings, and the hands it works with. Types alone. */
import type { Config } from '../config/config.ts';
import type { GroupCommunication } from '../group/group.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { Instant } from '../model/time.ts';
import type { ProviderName } from '../model/vip.ts';
import type { Provider } from '../provider/provider.ts';
import type { AgentEvent, HookAction } from './events.ts';

export interface LoopSettings {
  readonly config: Config;
  readonly version: string;
}

/** What happens to the log: pino's shape, so that tests may pass anything. */
export interface LoopLogger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface LoopComponents {
  /** A fresh connection under a fresh identity each time. */
  createGroup(config: Config): GroupCommunication;
  readonly providers: ReadonlyMap<ProviderName, Provider>;
  readonly clock: {
    monotonic(): Instant;
    /** Also counts the time the machine was suspended. */
    boot(): Instant;
    /** Milliseconds since 1970. */
    wall(): number;
  };
  readonly logger: LoopLogger;
  /** Absent: nothing looks at the health of this host. */
  readonly health?: HealthChecks;
  /** Told of comings and goings, and to return at once; absent: nobody wants to know. */
  readonly hooks?: (action: HookAction) => void;
  /** Absent: no witness is configured. */
  readonly witness?: LoopWitness | undefined;
}

/** Something for ticks at which there is nothing else to do (`src/practice`). */
export interface LoopPractice {
  /** A few milliseconds of it at most. `false`: it is over. Never throws. */
  turn(): boolean;
}

/** A vote outside the group, as the loop drives it (`src/witness/driver.ts`). */
export interface LoopWitness {
  start(listener: {
    vote(vote: Omit<Extract<AgentEvent, { kind: 'witness' }>, 'kind'>): void;
    trouble(reason: string | undefined): void;
  }): void;
  want(wanted: boolean, fence: number): void;
  /** Before anything else is believed: a vote whose time is over is told as lost. */
  judge(): void;
  /** `giveBack`: nothing is held under it any more. */
  stop(giveBack: boolean): void;
}

/** Looks at the health of this host beside the agent's work. */
export interface HealthChecks {
  /**
   * Also to begin with; tells the listener of each change from then on. Resolves, in bounded time, when each check has been looked
   * at once. Never rejects.
   */
  configure(checks: Config['checks'], listener: (verdict: HealthVerdict) => void): Promise<void>;
  stop(): Promise<void>;
}

/** Gives the agent's loop takeovers to practise, on the engine that it has. Loaded when the agent runs. */
import type { LoopPractice } from '../agent/loop-components.ts';
import type { Config } from '../config/config.ts';
import type { ProviderName } from '../model/vip.ts';
import { monotonicNow } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { plainEngine } from '../practice/plain-group.ts';
import { Practice } from '../practice/practice.ts';
import type { Provider } from '../provider/provider.ts';
import { version } from './version.ts';

export interface PracticeCollaborators {
  /** Only their traits are looked at. */
  readonly providers: ReadonlyMap<ProviderName, Provider>;
  readonly logger: Logger;
}

export async function openPractice(
  config: Config,
  { providers, logger }: PracticeCollaborators,
): Promise<LoopPractice> {
  const { cluster, group } = config;
  const engine =
    group.engine === 'spread'
      ? (await import('../practice/spread-group.ts')).spreadEngine(cluster)
      : plainEngine;
  const traits = new Map([...providers].map(([name, provider]) => [name, provider.traits]));
  const broken = (reason: string) =>
    logger.warn({ reason }, 'practice broke off: the first takeover may take some milliseconds more');
  return new Practice({ config, version, traits }, { clock: monotonicNow, engine, broken });
}

/**
 * `config check --host`: lets every configured provider rehearse on this host, and asks the Spread daemon that is to carry the
 * group whether it takes us in. Changes nothing.
 */
import type { Config, SpreadGroupConfig } from '../config/config.ts';
import { connect, SpreadError } from '../group/spread/spread.ts';
import type { Check } from '../provider/provider.ts';
import { createProviders } from './providers.ts';

/** Longest time for all rehearsals together. */
const BOUND = 20_000;

export async function checkHost(config: Config): Promise<readonly Check[]> {
  const providers = await createProviders(config);
  const signal = AbortSignal.timeout(BOUND);
  const checks: Check[] = config.group.engine === 'spread' ? [await askDaemon(config.group)] : [];
  for (const [name, provider] of providers) {
    const vips = config.vips.filter((vip) => vip.providers.find((p) => providers.has(p)) === name);
    checks.push(...(await provider.test(vips, signal)));
    // What is on a thread of its own would keep the process.
    await provider.stop();
  }
  return checks;
}

async function askDaemon({ daemon, connect_timeout_ms: timeout }: SpreadGroupConfig): Promise<Check> {
  try {
    const connection = await connect(daemon, { timeout });
    const version = connection.daemonVersion.join('.');
    await connection.disconnect();
    return {
      what: 'Spread daemon',
      verdict: 'pass',
      detail: `${daemon} runs version ${version} and takes us in`,
    };
  } catch (error) {
    if (!(error instanceof SpreadError)) throw error;
    const [detail, ...mend] = error.message.split('; ');
    return { what: 'Spread daemon', verdict: 'fail', detail: detail!, mend: mend.join('; ') };
  }
}

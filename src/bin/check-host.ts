/**
 * `config check --host`: lets every configured provider rehearse on this host, and asks the Spread daemon that is to carry the
 * group whether it takes us in, or looks for corosync's libraries. Changes nothing.
 */
import type { Config, CorosyncGroupConfig, SpreadGroupConfig } from '../config/config.ts';
import type { ProgramConfig } from '../config/hooks-section.ts';
import { connect, SpreadError } from '../group/spread/spread.ts';
import { programIdentity, programProblem } from '../platform/program-file.ts';
import type { Check } from '../provider/provider.ts';
import { createProviders } from './providers.ts';

/** Longest time for all rehearsals together. */
const BOUND = 20_000;

export async function checkHost(config: Config): Promise<readonly Check[]> {
  const providers = await createProviders(config);
  const signal = AbortSignal.timeout(BOUND);
  const checks: Check[] = await examineEngine(config.group);
  for (const [name, provider] of providers) {
    const vips = config.vips.filter((vip) => vip.providers.find((p) => providers.has(p)) === name);
    checks.push(...(await provider.test(vips, signal)));
    // What is on a thread of its own would keep the process.
    await provider.stop();
  }
  return [...checks, ...(await examineHooks(config))];
}

async function examineEngine(group: Config['group']): Promise<Check[]> {
  if (group.engine === 'spread') return [await askDaemon(group)];
  return group.engine === 'corosync' ? [await askCorosync(group)] : [];
}

/** Whether its libraries are here. The daemon itself is not asked: its library would wait for one that stands still. */
async function askCorosync({ primary_by: primaryBy }: CorosyncGroupConfig): Promise<Check> {
  const { missingLibrary } = await import('../group/corosync/daemon-link.ts');
  const missing = missingLibrary(primaryBy);
  const what = 'corosync';
  if (missing === undefined) return { what, verdict: 'pass', detail: 'its libraries are on this host' };
  const [detail = '', ...mend] = missing.split('; ');
  return { what, verdict: 'fail', detail, mend: mend.join('; ') };
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

/** Each program of a hook once: whether it may be run, and as whom. */
async function examineHooks({ hooks }: Config): Promise<readonly Check[]> {
  const programs = new Map<string, ProgramConfig>();
  for (const program of Object.values(hooks?.commands ?? {}).flat())
    programs.set(`${program.argv[0]} ${program.user ?? ''}`, program);
  return Promise.all([...programs.values()].map(examineProgram));
}

async function examineProgram({ argv, user }: ProgramConfig): Promise<Check> {
  const [file = ''] = argv;
  const identity = await programIdentity(user);
  const problem = typeof identity === 'string' ? identity : await programProblem(file, identity);
  if (problem === undefined) {
    const as = user === undefined ? 'the user of the agent' : `user ${user}`;
    return { what: 'hook', verdict: 'pass', detail: `${file} runs as ${as}` };
  }
  const [detail = '', ...mend] = problem.split('; ');
  return {
    what: 'hook',
    verdict: 'fail',
    detail,
    mend: mend.join('; ') || 'put it there, or change `hooks`',
  };
}

/** `cleanup`: takes away what agents left on this host, unless one is running and would only put it back. */
import { CONFIG_FILE } from '../config/defaults.ts';
import { formatProblem } from '../config/problem.ts';
import type { Millis } from '../model/time.ts';
import type { Collaborators, Leftover } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';
import { findSocket } from './operator-actions.ts';

export interface CleanupOptions {
  /** Only to find out whether an agent is running; it may be missing or wrong, unless `configured`. */
  readonly config: string;
  /** Of what carries our mark only what the cluster of the configuration put up: other agents may run on this host. */
  readonly configured: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
}

/** An agent that does not answer for so long is no reason to leave its addresses where they are. */
const PATIENCE: Millis = 1_000;

export async function cleanUp(options: CleanupOptions, collaborators: Collaborators): Promise<number> {
  const { stdout, stderr } = collaborators;
  if (!options.dryRun && !options.force) {
    const running = await answeringAgents(options, collaborators);
    if (running.length > 0) {
      stderr.write(`nothing was removed: ${refusal(running, options)}\n`);
      return exitCode('refused');
    }
  }
  const only = options.configured ? await ownOf(options.config, collaborators) : undefined;
  if (only !== undefined && !only.ok) {
    for (const problem of only.problems) stderr.write(`${problem}\n`);
    stderr.write(
      'nothing was removed: it does not say of which cluster; without --configured everything that carries our mark would be\n',
    );
    return exitCode('usage');
  }
  for (const problem of only?.problems ?? []) stderr.write(`${problem}\n`);
  let leftovers: readonly Leftover[];
  try {
    leftovers = await collaborators.cleanUp({
      dryRun: options.dryRun,
      ...(only !== undefined && { only: { cluster: only.cluster, addresses: only.addresses } }),
    });
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return exitCode('refused');
  }
  for (const leftover of leftovers) {
    const { problem } = leftover;
    if (problem === undefined)
      stdout.write(`${options.dryRun ? 'would remove' : 'removed'} ${nameOf(leftover)}\n`);
    else stderr.write(`not removed: ${nameOf(leftover)}: ${printable(problem)}\n`);
  }
  return conclude(leftovers, options, collaborators);
}

type Own =
  | {
      readonly ok: true;
      readonly cluster: string;
      readonly addresses: readonly string[];
      readonly problems: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The file's cluster and all addresses of its VIPs; of a file that is wrong the cluster alone, if it says that. */
async function ownOf(file: string, collaborators: Collaborators): Promise<Own> {
  let text: string;
  try {
    text = await collaborators.readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [`cannot read ${file}: ${reason}; name the configuration file`] };
  }
  const { parseConfig } = await import('../config/parse.ts');
  const parsed = parseConfig(text, { fileName: file, hostName: collaborators.hostName });
  if (parsed.ok) {
    const { cluster, vips } = parsed.config;
    const addresses = vips.flatMap((vip) => vip.addresses.map(({ address }) => address));
    return { ok: true, cluster, addresses, problems: [] };
  }
  const problems = parsed.problems.map(formatProblem);
  const { clusterOf } = await import('../config/control-socket.ts');
  const cluster = clusterOf(text);
  if (cluster === undefined) return { ok: false, problems };
  const note = `the file is wrong: only addresses that carry the mark of cluster ${cluster} are removed, and the lease ends the others`;
  return { ok: true, cluster, addresses: [], problems: [...problems, note] };
}

function conclude(
  leftovers: readonly Leftover[],
  { configured, config }: CleanupOptions,
  { stdout, stderr }: Collaborators,
): number {
  const which = configured ? `of the cluster of ${config} is on this host and` : 'on this host';
  if (leftovers.length === 0) stdout.write(`nothing to remove: no address ${which} carries our mark\n`);
  const left = leftovers.filter(({ problem }) => problem !== undefined).length;
  if (left === 0) return exitCode('ok');
  stderr.write(`${left} of ${count(leftovers.length, 'leftover')} could not be removed\n`);
  return exitCode('refused');
}

function nameOf({ address, interfaceName }: Leftover): string {
  return printable(`${address} from ${interfaceName}`);
}

interface RunningAgent {
  readonly config: string;
  readonly socket: string;
}

function refusal(running: readonly RunningAgent[], { config }: CleanupOptions): string {
  const names = running.map(({ socket }) => socket).join(', ');
  const one = running.length === 1;
  const said = one
    ? `an agent is running (${names}), and what it holds is no leftover`
    : `agents are running (${names}), and what they hold is no leftover`;
  // Beside those of other clusters there is a way that leaves them in peace.
  const own = running.some((agent) => agent.config === config);
  const way = own ? '' : `say --configured for what the cluster of ${config} left alone, `;
  return `${said}; ${way}stop ${one ? 'it' : 'them'} first, or say --force`;
}

/**
 * Agents that answer in time and whose addresses would go: that of the file, and where everything is meant those of all files beside it and where
 * the service has its own.
 */
async function answeringAgents(
  { config, configured }: CleanupOptions,
  collaborators: Collaborators,
): Promise<readonly RunningAgent[]> {
  const folders = new Set([dirname(config), dirname(CONFIG_FILE)]);
  const others = configured ? [] : await Promise.all([...folders].map((at) => filesIn(at, collaborators)));
  const files = [...new Set([config, ...others.flat()])];
  const agents = await Promise.all(files.map((file) => answeringAgent(file, collaborators)));
  const found = agents.filter((agent) => agent !== undefined);
  return found.filter(({ socket }, at) => found.findIndex((other) => other.socket === socket) === at);
}

function dirname(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), 0)) || (file.startsWith('/') ? '/' : '.');
}

/** A folder that is not there has none. */
async function filesIn(folder: string, collaborators: Collaborators): Promise<readonly string[]> {
  try {
    return await collaborators.listFiles('*.yaml', folder);
  } catch {
    return [];
  }
}

/** Undefined where the file names no socket, or nobody answers there in time. */
async function answeringAgent(
  config: string,
  collaborators: Collaborators,
): Promise<RunningAgent | undefined> {
  const found = await findSocket({ config }, collaborators);
  if (!found.ok) return undefined;
  try {
    await collaborators.request(found.socket, { kind: 'status' }, { timeout: PATIENCE });
    return { config, socket: found.socket };
  } catch {
    return undefined;
  }
}

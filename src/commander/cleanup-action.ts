/** `cleanup`: takes away what agents left on this host, unless one is running and would only put it back. */
import { formatProblem } from '../config/problem.ts';
import type { Millis } from '../model/time.ts';
import type { Collaborators, Leftover } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';
import { findSocket } from './operator-actions.ts';

export interface CleanupOptions {
  /** Only to find out whether an agent is running; it may be missing or wrong, unless `configured`. */
  readonly config: string;
  /** Of what carries our mark only the addresses that the configuration names: other agents run on this host. */
  readonly configured: boolean;
  readonly dryRun: boolean;
  readonly force: boolean;
}

/** An agent that does not answer for so long is no reason to leave its addresses where they are. */
const PATIENCE: Millis = 1_000;

export async function cleanUp(options: CleanupOptions, collaborators: Collaborators): Promise<number> {
  const { stdout, stderr } = collaborators;
  if (!options.dryRun && !options.force) {
    const socket = await answeringAgent(options.config, collaborators);
    if (socket !== undefined) {
      stderr.write(
        `nothing was removed: an agent is running (${socket}), and what it holds is no leftover; stop it first, or say --force\n`,
      );
      return exitCode('refused');
    }
  }
  const only = options.configured ? await configuredAddresses(options.config, collaborators) : undefined;
  if (only !== undefined && !only.ok) {
    for (const problem of only.problems) stderr.write(`${problem}\n`);
    stderr.write('nothing was removed: without --configured everything that carries our mark would be\n');
    return exitCode('usage');
  }
  let leftovers: readonly Leftover[];
  try {
    leftovers = await collaborators.cleanUp({
      dryRun: options.dryRun,
      ...(only !== undefined && { only: only.addresses }),
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

type Configured =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** All addresses of the file's VIPs. */
async function configuredAddresses(file: string, collaborators: Collaborators): Promise<Configured> {
  let text: string;
  try {
    text = await collaborators.readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [`cannot read ${file}: ${reason}; name the configuration file`] };
  }
  const { parseConfig } = await import('../config/parse.ts');
  const parsed = parseConfig(text, { fileName: file, hostName: collaborators.hostName });
  if (!parsed.ok) return { ok: false, problems: parsed.problems.map(formatProblem) };
  const addresses = parsed.config.vips.flatMap((vip) => vip.addresses.map(({ address }) => address));
  return { ok: true, addresses };
}

function conclude(
  leftovers: readonly Leftover[],
  { configured, config }: CleanupOptions,
  { stdout, stderr }: Collaborators,
): number {
  const which = configured ? `of ${config} is on this host and` : 'on this host';
  if (leftovers.length === 0) stdout.write(`nothing to remove: no address ${which} carries our mark\n`);
  const left = leftovers.filter(({ problem }) => problem !== undefined).length;
  if (left === 0) return exitCode('ok');
  stderr.write(`${left} of ${count(leftovers.length, 'leftover')} could not be removed\n`);
  return exitCode('refused');
}

function nameOf({ address, interfaceName }: Leftover): string {
  return printable(`${address} from ${interfaceName}`);
}

/** The socket of an agent that answers; undefined where the file names none, or nobody answers there in time. */
async function answeringAgent(config: string, collaborators: Collaborators): Promise<string | undefined> {
  const found = await findSocket({ config }, collaborators);
  if (!found.ok) return undefined;
  try {
    await collaborators.request(found.socket, { kind: 'status' }, { timeout: PATIENCE });
    return found.socket;
  } catch {
    return undefined;
  }
}

/** `cleanup`: takes away what agents left on this host, unless one is running and would only put it back. */
import type { Millis } from '../model/time.ts';
import type { Collaborators, Leftover } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';
import { findSocket } from './operator-actions.ts';

export interface CleanupOptions {
  /** Only to find out whether an agent is running; it may be missing or wrong. */
  readonly config: string;
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
  let leftovers: readonly Leftover[];
  try {
    leftovers = await collaborators.cleanUp({ dryRun: options.dryRun });
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
  return conclude(leftovers, collaborators);
}

function conclude(leftovers: readonly Leftover[], { stdout, stderr }: Collaborators): number {
  if (leftovers.length === 0) stdout.write('nothing to remove: no address on this host carries our mark\n');
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

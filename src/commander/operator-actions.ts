/** The commands that ask a running agent. */

import { readOnlySocket } from '../config/defaults.ts';
import { ControlError } from '../control/control-error.ts';
import type { ControlRequest, ControlResponse } from '../control/messages.ts';
import type { OperatorCommand } from '../model/operator.ts';
import type { Status } from '../model/status.ts';
import { ChangeFeed } from './change-feed.ts';
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import type { Actions, Target } from './program.ts';
import { renderStatus, summaryLine } from './render.ts';

type OperatorActions = Pick<Actions, 'status' | 'drain' | 'undrain' | 'move' | 'rebalance' | 'reload'>;

export function operatorActions(collaborators: Collaborators): OperatorActions {
  const drainOrUndrain =
    (kind: 'drain' | 'undrain') =>
    ({ member }: { readonly member?: string }, target: Target) =>
      asking(target, collaborators, async (socket) => {
        const name = member ?? (await askStatus(socket, target, collaborators)).self;
        return command({ kind, member: name }, { socket, target, collaborators });
      });
  return {
    status: ({ json, watch }, target) =>
      asking(target, collaborators, (named) =>
        looking(named, async (socket) => {
          if (watch) return watchStatus(socket, json, collaborators);
          const status = await askStatus(socket, target, collaborators);
          collaborators.stdout.write(
            json ? `${JSON.stringify(status, null, 2)}\n` : draw(status, collaborators),
          );
          return exitCode('ok');
        }),
      ),
    drain: drainOrUndrain('drain'),
    undrain: drainOrUndrain('undrain'),
    move: ({ vip, to }, target) =>
      asking(target, collaborators, (socket) =>
        command({ kind: 'move', vip, to }, { socket, target, collaborators }),
      ),
    rebalance: (target) =>
      asking(target, collaborators, (socket) =>
        command({ kind: 'rebalance' }, { socket, target, collaborators }),
      ),
    reload: (target) =>
      asking(target, collaborators, async (socket) =>
        tell(await ask({ kind: 'reload' }, { socket, target, collaborators }), collaborators),
      ),
  };
}

/** Who may not use the operator's socket may perhaps look at the one beside it; if not, the first refusal is told. */
async function looking(socket: string, action: (socket: string) => Promise<number>): Promise<number> {
  try {
    return await action(socket);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'permission') throw error;
    return action(readOnlySocket(socket)).catch((second: unknown) => {
      const none = second instanceof ControlError && ['permission', 'no-agent'].includes(second.code);
      throw none ? error : second;
    });
  }
}

interface Conversation {
  readonly socket: string;
  readonly target: Target;
  readonly collaborators: Collaborators;
}

/** Finds the socket, asks, and turns what stands in the way into a message and an exit code. */
async function asking(
  target: Target,
  collaborators: Collaborators,
  action: (socket: string) => Promise<number>,
): Promise<number> {
  const found = await findSocket(target, collaborators);
  if (!found.ok) {
    collaborators.stderr.write(`${found.message}\n`);
    return exitCode('usage');
  }
  try {
    return await action(found.socket);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    collaborators.stderr.write(`${error.message}\n`);
    return exitCode(error.code === 'no-agent' ? 'no-agent' : 'unknown');
  }
}

type FoundSocket =
  | { readonly ok: true; readonly socket: string }
  | { readonly ok: false; readonly message: string };

/** The socket of the agent that is meant, or why nothing says which that is. */
export async function findSocket(
  { socket, config }: Pick<Target, 'socket' | 'config'>,
  collaborators: Pick<Collaborators, 'readFile'>,
): Promise<FoundSocket> {
  if (socket !== undefined) return { ok: true, socket };
  let text: string;
  try {
    text = await collaborators.readFile(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${message})`;
    return {
      ok: false,
      message: `${config} ${reason}, so nothing says which agent to ask; name its --socket or --config`,
    };
  }
  const { controlSocketOf } = await import('../config/control-socket.ts');
  const named = controlSocketOf(text, config);
  if (named !== undefined) return { ok: true, socket: named };
  const mend = `run: wackamole config check ${config}; or name the --socket`;
  return { ok: false, message: `${config} names neither a cluster nor a control socket; ${mend}` };
}

function ask(
  question: Exclude<ControlRequest, { kind: 'watch' }>,
  { socket, target, collaborators }: Conversation,
): Promise<ControlResponse> {
  return collaborators.request(socket, question, { timeout: target.timeout });
}

async function askStatus(socket: string, target: Target, collaborators: Collaborators): Promise<Status> {
  const response = await ask({ kind: 'status' }, { socket, target, collaborators });
  if (response.ok && 'status' in response) return response.status;
  throw new ControlError('protocol', `the agent at ${socket} gave no status: ${response.message}`);
}

async function command(what: OperatorCommand, conversation: Conversation): Promise<number> {
  return tell(await ask({ kind: 'command', command: what }, conversation), conversation.collaborators);
}

function tell(response: ControlResponse, { stdout, stderr }: Collaborators): number {
  if (response.ok) {
    stdout.write(`${'message' in response ? response.message : 'done'}\n`);
    return exitCode('ok');
  }
  stderr.write(`refused (${response.code}): ${response.message}\n`);
  return exitCode(response.code === 'bad-config' ? 'usage' : 'refused');
}

function draw(status: Status, collaborators: Collaborators): string {
  const { columns, color } = collaborators.terminal();
  return renderStatus(status, {
    now: collaborators.now(),
    color,
    ...(columns !== undefined && { width: columns }),
  });
}

const CLEAR_SCREEN = '\u001b[H\u001b[2J\u001b[3J';

/** On a terminal the whole picture is drawn again; elsewhere a line for each change. Ends when the agent does. */
async function watchStatus(socket: string, json: boolean, collaborators: Collaborators): Promise<number> {
  const { stdout } = collaborators;
  const feed = new ChangeFeed();
  const watching = collaborators.watch(socket, (status) => {
    const { interactive, rows } = collaborators.terminal();
    if (json) return stdout.write(`${JSON.stringify(status)}\n`);
    if (interactive) return stdout.write(CLEAR_SCREEN + firstRows(draw(status, collaborators), rows));
    if (feed.first) stdout.write(`${summaryLine(status)}\n`);
    for (const line of feed.news(status)) stdout.write(`${line}\n`);
  });
  await watching.ended;
  return exitCode('ok');
}

function firstRows(text: string, rows: number | undefined): string {
  const lines = text.split('\n');
  if (rows === undefined || lines.length <= rows) return text;
  return `${lines.slice(0, rows - 1).join('\n')}\n… ${lines.length - rows + 1} more lines`;
}

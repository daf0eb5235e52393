/**
 * The agent's ear for its operator: a unix socket that only its owner, and the group it is given to, may open. One bad or slow client disturbs
 * neither the others nor the agent.
 */
import { chmod, chown, lstat, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { CommandResult, OperatorCommand } from '../model/operator.ts';
import type { Status } from '../model/status.ts';
import type { Millis } from '../model/time.ts';
import { makeFolders } from '../platform/folders.ts';
import { encodeLine } from './codec.ts';
import { ControlConnection } from './connection.ts';

/** What the agent does when asked. A rejection is answered as `internal` and not passed on. */
export interface ControlHandler {
  status(): Status | Promise<Status>;
  reload(): Promise<CommandResult>;
  command(command: OperatorCommand): Promise<CommandResult>;
  /** Calls back whenever the status may have changed, as often as it likes; returns how to stop that. */
  onChange(listener: () => void): () => void;
}

export interface ControlServerSettings {
  readonly socket: string;
  /** Permissions of the socket, for instance `0o600`. */
  readonly mode: number;
  /** Group number of the socket; the process's own unless given. */
  readonly gid?: number;
  /** Answers `status` and `watch` alone. */
  readonly readOnly?: boolean;
  readonly connectionsMax?: number;
  /** A connection without a request, or a client that does not read, is closed after this. */
  readonly idleTimeout?: Millis;
  /** Shortest time between two statuses to one watcher; changes in between are told together. */
  readonly watchInterval?: Millis;
}

export interface ControlServer {
  /** Closes all connections and removes the socket. */
  stop(): Promise<void>;
}

/**
 * Starts to listen. Rejects with an Error for a person when another agent answers there, or when something that is no
 * socket is in the way. A socket that a crashed agent left is removed.
 */
export async function startControlServer(
  settings: ControlServerSettings,
  handler: ControlHandler,
): Promise<ControlServer> {
  const { socket, connectionsMax = 64 } = settings;
  makeWay(dirname(socket));
  await clearWay(socket);
  const connections = new Set<ControlConnection>();
  const limits = {
    idleTimeout: settings.idleTimeout ?? 30_000,
    watchInterval: settings.watchInterval ?? 100,
  };
  const server = createServer({ allowHalfOpen: true }, (peer) => {
    if (connections.size >= connectionsMax) return turnAway(peer, connectionsMax);
    const connection = new ControlConnection(peer, {
      handler,
      readOnly: settings.readOnly ?? false,
      limits,
      closed: () => connections.delete(connection),
    });
    connections.add(connection);
    connection.start();
  });
  await listen(server, settings);
  return {
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.close();
      await closed;
    },
  };
}

function makeWay(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `the folder ${folder} of the control socket cannot be made (${message}); make it, or set control.socket to a path in one that can be written`,
      { cause: error },
    );
  }
}

/** Removes a socket to which nobody answers; refuses everything else that is there. */
async function clearWay(socket: string): Promise<void> {
  const present = await lstat(socket).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (present === undefined) return;
  if (!present.isSocket()) {
    throw new Error(
      `cannot listen on ${socket}: a file that is no socket is there; remove it or set control.socket`,
    );
  }
  if (await answers(socket)) {
    throw new Error(
      `cannot listen on ${socket}: another agent is running there; stop it first or set control.socket`,
    );
  }
  await unlink(socket);
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(socket);
    const done = (answered: boolean) => {
      probe.destroy();
      resolve(answered);
    };
    probe.on('connect', () => done(true));
    // A full backlog (EAGAIN) or a lack of rights is an answer too: somebody is there.
    probe.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

/** The socket is created inside `listen`, at once: with this umask there is no instant at which a group or others may open it. */
async function listen(server: Server, { socket, mode, gid }: ControlServerSettings): Promise<void> {
  const before = process.umask(0o777 & ~(mode & 0o700));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, socket)));
      server.listen(socket, resolve);
      process.umask(before);
    });
  } finally {
    process.umask(before);
  }
  if (gid !== undefined) await chown(socket, process.geteuid?.() ?? 0, gid);
  // After the group is the right one.
  await chmod(socket, mode);
  server.on('error', () => {});
}

function explain(error: NodeJS.ErrnoException, socket: string): Error {
  const mend: Record<string, string> = {
    EADDRINUSE: 'another agent has just started there; stop it first or set control.socket',
    EACCES: 'no right to create it; run the agent as root or set control.socket',
    EINVAL: 'the path is longer than 107 bytes; set control.socket to a shorter one',
    ENAMETOOLONG: 'the path is longer than 107 bytes; set control.socket to a shorter one',
    EROFS: 'the file system is read-only; set control.socket',
  };
  return new Error(`cannot listen on ${socket}: ${mend[error.code ?? ''] ?? error.message}`, {
    cause: error,
  });
}

function turnAway(peer: Socket, connectionsMax: number): void {
  peer.on('error', () => {});
  const message = `${connectionsMax} connections are open already; close some and try again`;
  peer.end(encodeLine({ ok: false, code: 'internal', message }));
  peer.destroySoon();
}

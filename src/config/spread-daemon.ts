/** Which Spread daemon is meant, and what a Spread group can be called, in Spread's own notation. */

export type SpreadDaemon =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type SpreadDaemonResult =
  | { readonly ok: true; readonly daemon: SpreadDaemon }
  | { readonly ok: false; readonly what: string; readonly mend: string };

export const SPREAD_PORT = 4803;
/** Where daemons put their socket unless they were built otherwise; its name is the port. */
const SOCKET_FOLDER = '/tmp';
/** `sun_path` less its final NUL, in bytes (unix(7)). */
const PATH_BYTES_MAX = 107;
const MEND = 'write 4803, 4803@host or the path of a socket';

/** `4803` (socket /tmp/4803), `4803@host`, a path, or nothing (as `4803`). An IPv6 address may stand in brackets. */
export function parseSpreadDaemon(text: string): SpreadDaemonResult {
  if (text === '') return found({ kind: 'unix', path: `${SOCKET_FOLDER}/${SPREAD_PORT}` });
  if (text.startsWith('/')) return parsePath(text);
  const match = /^(\d{1,9})(?:@(?:\[([^\]\s]{1,253})\]|([^\s[\]@]{1,253})))?$/.exec(text);
  if (match === null) return wrong(`${JSON.stringify(text)} names no Spread daemon`, MEND);
  const port = Number(match[1]);
  if (port < 1 || port > 65535)
    return wrong(`port of ${JSON.stringify(text)} is out of range`, 'write a port from 1 to 65535');
  const host = match[2] ?? match[3];
  return found(
    host === undefined ? { kind: 'unix', path: `${SOCKET_FOLDER}/${port}` } : { kind: 'tcp', host, port },
  );
}

function parsePath(path: string): SpreadDaemonResult {
  if (path.includes('\0')) return wrong('a path with a NUL in it', 'write a plain path');
  if (new TextEncoder().encode(path).length <= PATH_BYTES_MAX) return found({ kind: 'unix', path });
  return wrong('the path is too long for a socket', `write one of at most ${PATH_BYTES_MAX} bytes`);
}

function found(daemon: SpreadDaemon): SpreadDaemonResult {
  return { ok: true, daemon };
}

function wrong(what: string, mend: string): SpreadDaemonResult {
  return { ok: false, what, mend };
}

/** 1 to 31 printable ASCII characters without space, `"` and `#`. */
export function isSpreadGroup(name: string): boolean {
  return /^[\x24-\x7e]{1,31}$/.test(name);
}

/** Which daemon is meant, in Spread's own notation: `4803`, `4803@host`, the path of a socket, or nothing. */
import { SpreadError } from './codes.ts';
import { PORT_DEFAULT } from './wire.ts';

export type Target =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Where daemons put their socket unless they were built otherwise; its name is the port. */
const SOCKET_FOLDER = '/tmp';
/** `sun_path` less its final NUL (unix(7)). */
const PATH_BYTES_MAX = 107;

/** Throws a {@link SpreadError} ILLEGAL_SPREAD. An IPv6 address may stand in brackets. */
export function parseTarget(text: string): Target {
  if (text === '') return { kind: 'unix', path: `${SOCKET_FOLDER}/${PORT_DEFAULT}` };
  if (text.startsWith('/')) {
    if (Buffer.byteLength(text) <= PATH_BYTES_MAX && !text.includes('\0'))
      return { kind: 'unix', path: text };
    throw illegal(text, `write a path of at most ${PATH_BYTES_MAX} bytes`);
  }
  const match = /^(\d{1,9})(?:@(?:\[([^\]\s]+)\]|([^\s[\]]+)))?$/.exec(text);
  if (match === null) throw illegal(text);
  const port = Number(match[1]);
  if (port < 1 || port > 65535) throw illegal(text, 'write a port from 1 to 65535');
  const host = match[2] ?? match[3];
  if (host === undefined) return { kind: 'unix', path: `${SOCKET_FOLDER}/${port}` };
  return { kind: 'tcp', host, port };
}

/** In Spread's notation, for people. */
export function formatTarget(target: Target): string {
  return target.kind === 'unix' ? target.path : `${target.port}@${target.host}`;
}

function illegal(text: string, mend?: string): SpreadError {
  return new SpreadError('ILLEGAL_SPREAD', {
    detail: JSON.stringify(text),
    ...(mend !== undefined && { mend }),
  });
}

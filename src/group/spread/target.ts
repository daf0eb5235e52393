/** Which daemon a client means: Spread's notation, with the error of this client. */
import { parseSpreadDaemon, type SpreadDaemon } from '../../config/spread-daemon.ts';
import { SpreadError } from './codes.ts';

export type Target = SpreadDaemon;

/** `4803`, `4803@host`, the path of a socket, or nothing. Throws a {@link SpreadError} ILLEGAL_SPREAD. */
export function parseTarget(text: string): Target {
  const result = parseSpreadDaemon(text);
  if (result.ok) return result.daemon;
  throw new SpreadError('ILLEGAL_SPREAD', { detail: result.what, mend: result.mend });
}

/** In Spread's notation, for people. */
export function formatTarget(target: Target): string {
  return target.kind === 'unix' ? target.path : `${target.port}@${target.host}`;
}

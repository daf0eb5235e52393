/**
 * Operator protocol on a unix socket: one JSON object a line, UTF-8, a request gets its response(s) on the same
 * connection. `watch` answers with a status at once and then at each change until the client closes.
 */
import type { CommandErrorCode, OperatorCommand } from '../model/operator.ts';
import type { Status } from '../model/status.ts';

export type ControlRequest =
  | { readonly kind: 'status' }
  | { readonly kind: 'watch' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'command'; readonly command: OperatorCommand };

export type ControlResponse =
  | { readonly ok: true; readonly status: Status }
  | { readonly ok: true; readonly message: string }
  | { readonly ok: false; readonly code: CommandErrorCode; readonly message: string };

/** A longer request line closes the connection with an error. */
export const REQUEST_BYTES_MAX = 64 * 1024;

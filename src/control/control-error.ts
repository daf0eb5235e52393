/** Why an agent could not be asked; the message says what, where and how to mend it. */

export type ControlErrorCode =
  /** Nobody listens there. */
  | 'no-agent'
  /** The file system refuses us. */
  | 'permission'
  /** No answer in time. */
  | 'timeout'
  /** The connection broke before the answer was complete. */
  | 'closed'
  /** What answered is no agent of ours. */
  | 'protocol';

export class ControlError extends Error {
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.name = 'ControlError';
    this.code = code;
  }
}

/** From what a connection attempt or a broken connection says. */
export function controlErrorOf(error: unknown, socket: string): ControlError {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
    case 'ENOTDIR':
      return new ControlError(
        'no-agent',
        `no agent is running at ${socket}; start it (systemctl start wackamole), or name another socket with --socket`,
      );
    case 'EACCES':
    case 'EPERM':
      return new ControlError(
        'permission',
        `no right to talk to the agent at ${socket}; run this as root, or as a member of its control.group`,
      );
    case 'EAGAIN':
      return new ControlError(
        'timeout',
        `the agent at ${socket} is too busy to accept a connection; try again`,
      );
    default:
      return new ControlError(
        'closed',
        `the connection to the agent at ${socket} broke (${code ?? String(error)}); try again`,
      );
  }
}

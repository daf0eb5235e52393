/**
 * A client for Spread daemons of versions 4 and 5, usable alone: `import { connect } from 'wackamole/spread'`. See docs/spread.md.
 * Only passes on what other files export.
 */
export { codeOf, type SpreadCode, SpreadError, type SpreadErrorOptions } from './codes.ts';
export { Connection, type ConnectionEvents, type ConnectOptions, connect } from './connection.ts';
export type { Version } from './handshake.ts';
export {
  keepConnected,
  LastingConnection,
  type LastingEvents,
  type LastingOptions,
} from './lasting-connection.ts';
export {
  type DataMessage,
  type GroupId,
  type MembershipMessage,
  type SpreadMessage,
  sameGroupId,
} from './message.ts';
export {
  AUTH_IP,
  AUTH_NULL,
  type AuthMethod,
  type MulticastOptions,
  Session,
  type SessionAction,
} from './session.ts';
export { formatTarget, parseTarget, type Target } from './target.ts';
export type { Cause, Service } from './wire.ts';

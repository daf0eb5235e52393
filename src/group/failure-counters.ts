/** Which ends of a connection are counted, and under which name an operator sees them. */
import type { ConnectionEnd } from './connection.ts';

export const FAILURE_COUNTERS: { readonly [code in ConnectionEnd['code']]?: string } = {
  overflow: 'streams_overflowed',
  malformed: 'refused_garbage',
  'not-tls': 'refused_garbage',
  'wrong-key': 'refused_wrong_key',
  'wrong-group': 'refused_wrong_cluster',
  'handshake-timeout': 'refused_handshake_timeout',
};

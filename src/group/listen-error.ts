/** Why we cannot listen, in words an operator can act on. */
import type { PeerAddress } from '../config/config.ts';

const MENDING: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another process uses this port (another agent?): stop it, or set another port in group.listen; `ss -lntup` shows who',
  EADDRNOTAVAIL: 'this host has no such address: set group.listen to one of its own (`ip address`)',
  EACCES: 'ports below 1024 need the right CAP_NET_BIND_SERVICE: choose a higher port in group.listen',
  EINVAL: 'the address cannot be used like this (a link-local one needs its interface): mend group.listen',
};

export function listenError(listen: PeerAddress, transport: 'TCP' | 'UDP', error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = MENDING[code] ?? (error instanceof Error ? error.message : String(error));
  return new Error(
    `group.listen: cannot listen on ${listen.host} port ${listen.port} (${transport}): ${why}`,
    {
      cause: error,
    },
  );
}

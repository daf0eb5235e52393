/** `address` or `address:port` (`[address]:port` for IPv6): where a member listens. IP literals only. */
import type { PeerAddress } from './config.ts';
import { formatIp, kindOf, parseIp } from './ip.ts';

export type EndpointResult =
  | { readonly ok: true; readonly endpoint: PeerAddress; readonly family: 4 | 6 }
  | { readonly ok: false; readonly what: string; readonly mend: string };

/**
 * Reads one. Names are refused: looking them up needs the network exactly when it is broken, and a changed answer
 * would move a member behind the group's back.
 */
export function parseEndpoint(text: string, defaultPort: number): EndpointResult {
  const { host, port } = split(text, defaultPort);
  const ip = parseIp(host);
  if (ip === undefined) {
    const name = /^[A-Za-z0-9.-]+$/.test(host) && /[A-Za-z]/.test(host);
    const mend =
      'write an IP address, with a port if it is not the usual one: 10.0.0.1, 10.0.0.1:4873, [2001:db8::1]:4873';
    return {
      ok: false,
      what: `${JSON.stringify(text)} is ${name ? 'a name, which is not looked up' : 'not an IP address'}`,
      mend,
    };
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    return {
      ok: false,
      what: `port of ${JSON.stringify(text)} is out of range`,
      mend: 'write a port from 1 to 65535',
    };
  }
  const kind = kindOf(ip);
  if (kind !== 'unicast' && kind !== 'loopback') {
    const reason =
      kind === 'unspecified'
        ? 'means any address, and the others must know which to dial'
        : `is a ${kind} address`;
    return { ok: false, what: `${host} ${reason}`, mend: "write the host's own fixed address" };
  }
  return { ok: true, endpoint: { host: formatIp(ip), port }, family: ip.family };
}

/** `10.0.0.1:4873`, `[2001:db8::1]:4873`. */
export function formatEndpoint({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function split(text: string, defaultPort: number): { host: string; port: number } {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,9}))?$/.exec(text);
  if (bracketed !== null)
    return { host: bracketed[1]!, port: bracketed[2] === undefined ? defaultPort : Number(bracketed[2]) };
  const plain = /^([^:]*):(\d{1,9})$/.exec(text);
  if (plain !== null) return { host: plain[1]!, port: Number(plain[2]) };
  return { host: text, port: defaultPort };
}

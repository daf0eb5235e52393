/** `address` or `address:port` (`[address]:port` for IPv6): where a member listens, or is to be found. */
import type { PeerAddress } from './config.ts';
import { formatIp, kindOf, parseIp } from './ip.ts';

export type EndpointResult =
  | { readonly ok: true; readonly endpoint: PeerAddress }
  | { readonly ok: false; readonly what: string; readonly mend: string };

export interface EndpointOptions {
  readonly defaultPort: number;
  /** Whether a host name will do, which whoever dials looks up; what we listen on must be an address. */
  readonly names: boolean;
}

/** RFC 1123, with a last label that is no number: `10.0.0.300` is a mistyped address, not a name. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*(?!\d+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

const FORMS = '10.0.0.1, 10.0.0.1:4873 or [2001:db8::1]:4873';

export function parseEndpoint(text: string, { defaultPort, names }: EndpointOptions): EndpointResult {
  const { host, port } = split(text, defaultPort);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    const what = `port of ${JSON.stringify(text)} is out of range`;
    return { ok: false, what, mend: 'write a port from 1 to 65535' };
  }
  const ip = parseIp(host);
  if (ip === undefined) {
    if (names && HOST_NAME.test(host)) return { ok: true, endpoint: { host: host.toLowerCase(), port } };
    const what = `${JSON.stringify(text)} is not an IP address${names ? ' or a host name' : ''}`;
    return { ok: false, what, mend: `write for instance ${FORMS}` };
  }
  const kind = kindOf(ip);
  if (kind !== 'unicast' && kind !== 'loopback') {
    const reason =
      kind === 'unspecified'
        ? 'means any address, and the others must know which to dial'
        : `is a ${kind} address`;
    return { ok: false, what: `${host} ${reason}`, mend: "write the host's own fixed address" };
  }
  return { ok: true, endpoint: { host: formatIp(ip), port } };
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

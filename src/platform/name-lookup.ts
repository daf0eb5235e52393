/** Names and addresses as the machine's resolver and interfaces know them. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** 4 or 6 for an IP literal, 0 for anything else. */
export function ipFamily(text: string): 0 | 4 | 6 {
  const family = isIP(text);
  return family === 4 || family === 6 ? family : 0;
}

/** First address of a host name, an IP literal is its own; `undefined` when the resolver knows none now. */
export async function resolveAddress(host: string): Promise<string | undefined> {
  if (ipFamily(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return undefined;
  }
}

/** Whether the address means "every address of this host". */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** IPv4 addresses seen through a dual-stack socket (`::ffff:10.0.0.1`) in their plain form. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** First address of that family on an interface; absent where the interface is missing or has none. */
export function addressOfInterface(name: string, family: 4 | 6): string | undefined {
  return networkInterfaces()[name]?.find((address) => address.family === `IPv${family}`)?.address;
}

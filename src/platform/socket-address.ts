/** Socket addresses as the kernel wants them (`man 7 ip`, `man 7 ipv6`): IP literals to `sockaddr_in` and `sockaddr_in6`. */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { AF_INET, AF_INET6 } from './libc.ts';

const CACHED_MAX = 1024;
const cached = new Map<string, Buffer>();

/**
 * The bytes of one address and port; an IPv6 literal may name its zone (`fe80::1%eth0`).
 * Throws RangeError for anything that is no IP literal. The result is shared: do not write into it.
 */
export function socketAddressBytes(address: string, port: number): Buffer {
  const name = `${address} ${port}`;
  const known = cached.get(name);
  if (known !== undefined) return known;
  const bytes = isIPv4(address) ? ipv4(address, port) : ipv6(address, port);
  if (cached.size >= CACHED_MAX) cached.clear();
  cached.set(name, bytes);
  return bytes;
}

function ipv4(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

function ipv6(address: string, port: number): Buffer {
  const [literal = '', zone] = address.split('%');
  if (!isIPv6(literal)) throw new RangeError(`not an IP address: ${JSON.stringify(address)}`);
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(ipv6Bytes(literal), 8);
  if (zone !== undefined) bytes.writeUInt32LE(zoneIndex(zone), 24);
  return bytes;
}

function ipv6Bytes(literal: string): Uint8Array {
  const [head = '', tail] = expandDotted(literal).split('::');
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const middle = new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0);
  const bytes = Buffer.alloc(16);
  [...first, ...middle, ...last].slice(0, 8).forEach((group, index) => {
    bytes.writeUInt16BE(group, index * 2);
  });
  return bytes;
}

/** `::ffff:10.0.0.1` with its last part in hexadecimal. */
function expandDotted(literal: string): string {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(literal);
  if (dotted === null) return literal;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(2).map(Number);
  return `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function zoneIndex(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  for (const address of networkInterfaces()[zone] ?? []) {
    if (address.family === 'IPv6' && address.scopeid) return address.scopeid;
  }
  return 0;
}

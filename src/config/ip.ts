/** IP addresses as text: reading, the one canonical form, and what kind of address it is. Knows no sockets and no names. */

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: readonly number[];
}

/** What an address is for, as far as it decides whether a host may carry or listen on it. */
export type IpKind =
  | 'unicast'
  | 'unspecified'
  | 'loopback'
  | 'multicast'
  | 'broadcast'
  | 'link-local'
  | 'reserved';

/** Reads dotted decimal (no leading zeros) or any RFC 4291 text form (no zone index). Undefined if it is neither. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) return parseIpv6(text);
  const bytes = parseIpv4(text);
  return bytes === undefined ? undefined : { family: 4, bytes };
}

/** Canonical text: dotted decimal, or RFC 5952 (lower case, longest run of zeros compressed, the first one on a tie). */
export function formatIp(ip: IpAddress): string {
  if (ip.family === 4) return ip.bytes.join('.');
  const groups = groupsOf(ip.bytes);
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

export function kindOf(ip: IpAddress): IpKind {
  return ip.family === 4 ? kindOfIpv4(ip.bytes) : kindOfIpv6(ip.bytes);
}

/** Whether all bits behind the prefix are zero (the subnet's own address). */
export function isSubnetAddress(ip: IpAddress, prefixLength: number): boolean {
  return hostBits(ip, prefixLength).every((bit) => bit === 0);
}

/** Whether all bits behind the prefix are one (the directed broadcast address of an IPv4 subnet). */
export function isSubnetBroadcast(ip: IpAddress, prefixLength: number): boolean {
  return ip.family === 4 && hostBits(ip, prefixLength).every((bit) => bit === 1);
}

function hostBits(ip: IpAddress, prefixLength: number): number[] {
  const bits: number[] = [];
  for (let at = prefixLength; at < ip.bytes.length * 8; at += 1) {
    bits.push((ip.bytes[at >> 3]! >> (7 - (at & 7))) & 1);
  }
  return bits;
}

function parseIpv4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1);
  // A leading zero means octal to some programs and decimal to others: such text is nobody's address.
  if (parts.some((part) => part.length > 1 && part.startsWith('0'))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): IpAddress | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return { family: 6, bytes: [...head, ...new Array<number>(missing).fill(0), ...tail] };
}

/** Bytes of one side of `::`; only the last side may end in dotted decimal. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const embedded = parseIpv4(part);
      if (embedded === undefined) return undefined;
      bytes.push(...embedded);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    }
  }
  return bytes;
}

function groupsOf(bytes: readonly number[]): number[] {
  return Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

function kindOfIpv4(bytes: readonly number[]): IpKind {
  const [a, b] = [bytes[0]!, bytes[1]!];
  if (bytes.every((byte) => byte === 0)) return 'unspecified';
  if (bytes.every((byte) => byte === 255)) return 'broadcast';
  if (a === 127) return 'loopback';
  if (a >= 224 && a <= 239) return 'multicast';
  if (a === 169 && b === 254) return 'link-local';
  return a === 0 || a >= 240 ? 'reserved' : 'unicast';
}

function kindOfIpv6(bytes: readonly number[]): IpKind {
  const leadingZeros = bytes.findIndex((byte) => byte !== 0);
  if (leadingZeros === -1) return 'unspecified';
  if (leadingZeros === 15 && bytes[15] === 1) return 'loopback';
  if (bytes[0] === 0xff) return 'multicast';
  if (bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80) return 'link-local';
  // IPv4-mapped and the deprecated IPv4-compatible forms: no host carries them as they are.
  const mapped = leadingZeros === 10 && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped || leadingZeros >= 12 ? 'reserved' : 'unicast';
}

/** IP literals to bytes in network order and back, in the one canonical text of each address (RFC 5952 for IPv6). Pure. */
import { isIPv6 } from 'node:net';

/** 4 or 16 bytes. Throws RangeError for anything that is no IP literal (a zone, `%eth0`, is not part of an address). */
export function ipBytes(text: string): Buffer {
  const four = fourBytes(text);
  if (four !== undefined) return four;
  if (!isIPv6(text) || text.includes('%')) throw new RangeError(`not an IP address: ${JSON.stringify(text)}`);
  const [head = '', tail] = hexadecimal(text).split('::');
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const bytes = Buffer.alloc(16);
  for (const [at, group] of first.entries()) bytes.writeUInt16BE(group, at * 2);
  for (const [at, group] of last.entries()) bytes.writeUInt16BE(group, (8 - last.length + at) * 2);
  return bytes;
}

/** Canonical text of 4 or 16 bytes; throws RangeError for any other length. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${bytes.slice(12).join('.')}`;
  }
  const gap = longestZeroRun(words);
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  if (gap.length < 2) return hex(words);
  return `${hex(words.slice(0, gap.start))}::${hex(words.slice(gap.start + gap.length))}`;
}

const DOT = 46;
const ZERO = 48;

/** Four decimal numbers without leading zeros. By hand: a takeover of 1,000 VIPs asks some thousand times in a cold process. */
function fourBytes(text: string): Buffer | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  const bytes = Buffer.allocUnsafe(4);
  let [at, value, digits] = [0, 0, 0];
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? DOT : text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0 || value > 255 || at > 3) return undefined;
      bytes[at++] = value;
      [value, digits] = [0, 0];
    } else {
      if (code < ZERO || code > ZERO + 9 || digits === 3 || (digits > 0 && value === 0)) return undefined;
      value = value * 10 + code - ZERO;
      digits++;
    }
  }
  return at === 4 ? bytes : undefined;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

/** `::ffff:10.0.0.1` with its dotted end in hexadecimal. */
function hexadecimal(text: string): string {
  const dotted = /^(.*:)([\d.]+)$/.exec(text);
  if (dotted?.[2] === undefined || !dotted[2].includes('.')) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted[2].split('.').map(Number);
  return `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** The first of the longest runs of zero words. */
function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [at, word] of words.entries()) {
    if (word !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}

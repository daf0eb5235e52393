/** Addresses and blocks. Pure. */
import { isIP } from 'node:net';

interface Block {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly size: bigint;
}

/** False for whatever is no block, or of another family. */
export function contains(cidr: string, address: string): boolean {
  return offsetIn(cidr, address) !== undefined;
}

/** The first four addresses of a subnet and its last belong to Amazon, IPv6 as IPv4 (VPC user guide, "Subnet CIDR blocks"). */
export function reservedByAmazon(cidr: string, address: string): boolean {
  const offset = offsetIn(cidr, address);
  return offset !== undefined && (offset < 4n || offset === blockOf(cidr)!.size - 1n);
}

/** The second address of a subnet, which is Amazon's for ever; undefined: no block. */
export function keptByAmazon(cidr: string): string | undefined {
  const block = blockOf(cidr);
  if (block === undefined) return undefined;
  const number = block.first + 1n;
  if (block.family === 4)
    return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
  // The second address of a /64 is its prefix and a one.
  return `${cidr.split('/')[0]!.replace(/::$/, '')}::1`;
}

function offsetIn(cidr: string, address: string): bigint | undefined {
  const block = blockOf(cidr);
  if (block === undefined || isIP(address) !== block.family) return undefined;
  const offset = knownNumberOf(address) - block.first;
  return offset >= 0n && offset < block.size ? offset : undefined;
}

/** Of the few blocks there are: each VIP is held against them at each look. */
const BLOCKS = new Map<string, Block | undefined>();

function blockOf(cidr: string): Block | undefined {
  if (!BLOCKS.has(cidr)) BLOCKS.set(cidr, readBlock(cidr));
  return BLOCKS.get(cidr);
}

function readBlock(cidr: string): Block | undefined {
  const [network = '', length = ''] = cidr.split('/');
  const family = isIP(network);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined;
  const size = 1n << BigInt(bits - Number(length));
  const number = numberOf(network);
  return { family: family as 4 | 6, first: number - (number % size), size };
}

/** Of the VIPs' addresses, which each look asks about again. */
const NUMBERS = new Map<string, bigint>();
const NUMBERS_MAX = 10_000;

function knownNumberOf(address: string): bigint {
  const known = NUMBERS.get(address);
  if (known !== undefined) return known;
  // Of addresses that come and go nothing is kept for ever.
  if (NUMBERS.size >= NUMBERS_MAX) NUMBERS.clear();
  const number = numberOf(address);
  NUMBERS.set(address, number);
  return number;
}

/** Of an address that `isIP` has accepted. */
function numberOf(address: string): bigint {
  if (isIP(address) === 4) return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string): bigint[] =>
    text === ''
      ? []
      : text.split(':').flatMap((part) => (part.includes('.') ? halvesOf(part) : [BigInt(`0x${part}`)]));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const all =
    tail === undefined
      ? front
      : [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0n), ...back];
  return all.reduce((sum, group) => (sum << 16n) + group, 0n);
}

/** The dotted end of an IPv6 address. */
function halvesOf(dotted: string): bigint[] {
  const number = numberOf(dotted);
  return [number >> 16n, number & 0xffffn];
}

/** Addresses and ranges of IPv4. Pure. */
import { BlockList, isIPv4 } from 'node:net';

/** False where the range is none. */
export function contains(cidr: string, address: string): boolean {
  let block = BLOCKS.get(cidr);
  if (block === undefined) {
    block = blockOf(cidr);
    BLOCKS.set(cidr, block);
  }
  return block.check(address);
}

/** Of the few ranges there are: each VIP is held against them at each look. */
const BLOCKS = new Map<string, BlockList>();

function blockOf(cidr: string): BlockList {
  const [base = '', length = ''] = cidr.split('/');
  const block = new BlockList();
  if (isIPv4(base) && /^\d{1,2}$/.test(length) && Number(length) <= 32) block.addSubnet(base, Number(length));
  return block;
}

/** The first two and the last two of a primary range belong to Google (VPC, "Unusable addresses in IPv4 subnet ranges"). */
export function reservedByGoogle(cidr: string, address: string): boolean {
  const [base = '', length = '32'] = cidr.split('/');
  const at = numberOf(address) - numberOf(base);
  const size = 2 ** (32 - Number(length));
  return at === 0 || at === 1 || at === size - 2 || at === size - 1;
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** As the API writes one address. */
export function rangeOf(address: string): string {
  return `${address}/32`;
}

/** The API may also show an alias without its length. A range of more than one address stays one. */
export function addressIn(range: string): string {
  return range.endsWith('/32') ? range.slice(0, -3) : range;
}

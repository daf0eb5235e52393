/** Addresses and ranges of IPv4. Pure. */
import { BlockList, isIPv4 } from 'node:net';

/** False where the range is none. */
export function contains(cidr: string, address: string): boolean {
  const [base = '', length = ''] = cidr.split('/');
  if (!isIPv4(base) || !/^\d{1,2}$/.test(length) || Number(length) > 32) return false;
  const block = new BlockList();
  block.addSubnet(base, Number(length));
  return block.check(address);
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

/** The API may also show an alias without its length. */
export function isRangeOf(range: string, address: string): boolean {
  return range === address || range === rangeOf(address);
}

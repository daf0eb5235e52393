/** Whether an address lies in a block. Pure. */
import { BlockList, isIP } from 'node:net';

/** False for whatever is no block. */
export function contains(cidr: string, address: string): boolean {
  const [network, length] = cidr.split('/');
  const family = isIP(network ?? '');
  if (family === 0 || family !== isIP(address) || length === undefined || !/^\d{1,3}$/.test(length))
    return false;
  const bits = Number(length);
  if (bits > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  block.addSubnet(network!, bits, family === 4 ? 'ipv4' : 'ipv6');
  return block.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** The first four addresses of a subnet and its last belong to Amazon (VPC user guide, "Subnet CIDR blocks"). IPv4. */
export function reservedByAmazon(cidr: string, address: string): boolean {
  const [network, length] = cidr.split('/');
  if (network === undefined || isIP(network) !== 4 || isIP(address) !== 4) return false;
  const size = 2 ** (32 - Number(length));
  const offset = numberOf(address) - numberOf(network);
  return offset >= 0 && offset < size && (offset < 4 || offset === size - 1);
}

/** The address at that place of a block. IPv4. */
export function addressAt(cidr: string, offset: number): string {
  const number = numberOf(cidr.split('/')[0] ?? '0.0.0.0') + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

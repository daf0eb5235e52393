/** From the configured `notify` to who is told. Pure. */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import type { Audience } from './notifier.ts';

export function audiencesOf({ notify = [] }: Pick<LocalProviderConfig, 'notify'>): readonly Audience[] {
  return notify.map(({ family, address, prefixLength, interface: device, throttle, ping }) => ({
    ...rangeFrom(ipBytes(address), prefixLength),
    family,
    throttle,
    ping,
    ...(device !== undefined && { interface: device }),
  }));
}

/** All addresses under a prefix but, of IPv4, the subnet's own and its broadcast address. */
export function rangeFrom(address: Uint8Array, prefixLength: number): Pick<Audience, 'count' | 'at'> {
  const hostBits = address.length * 8 - prefixLength;
  const size = 2 ** hostBits;
  const ends = address.length === 4 && hostBits >= 2;
  return {
    count: () => size,
    at(index) {
      if (ends && (index === 0 || index === size - 1)) return undefined;
      return withLowBits(address, hostBits, index);
    },
  };
}

function withLowBits(address: Uint8Array, hostBits: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(address);
  const tail = Buffer.from(bytes.buffer, bytes.length - 4, 4);
  const kept =
    hostBits === 0 ? tail.readUInt32BE() : Math.floor(tail.readUInt32BE() / 2 ** hostBits) * 2 ** hostBits;
  tail.writeUInt32BE(kept + value);
  return bytes;
}

/** Whether something is a list of neighbours: from providers and from other members, who may tell anything. Pure, never throws. */
import { parseIp } from '../config/ip.ts';
import { KNOWN_NEIGHBOURS_MAX, type KnownNeighbour } from '../model/neighbour.ts';

/** Longest text of an IP address. */
const ADDRESS_LENGTH_MAX = 45;
/** Of one device: neither all zeros nor to a group (the lowest bit of the first byte). */
const DEVICE = /^(?!00:00:00:00:00:00)[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;

export function isKnownNeighbours(value: unknown): value is readonly KnownNeighbour[] {
  return Array.isArray(value) && value.length <= KNOWN_NEIGHBOURS_MAX && value.every(isKnownNeighbour);
}

function isKnownNeighbour(value: unknown): value is KnownNeighbour {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [address, linkAddress] = value as unknown[];
  if (typeof address !== 'string' || address.length > ADDRESS_LENGTH_MAX) return false;
  return parseIp(address) !== undefined && typeof linkAddress === 'string' && DEVICE.test(linkAddress);
}

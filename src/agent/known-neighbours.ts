/** Whether something is a list of neighbours: from providers and from other members, who may tell anything. Pure, never throws. */
import { KNOWN_NEIGHBOURS_MAX, type KnownNeighbour } from '../model/neighbour.ts';

/** What an IP address is written with, no longer than one can be; whether it is one, whoever uses it finds out. */
const ADDRESS = /^[0-9a-f.:]{2,45}$/;
/** Of one device: neither all zeros nor to a group (the lowest bit of the first byte). */
const DEVICE = /^(?!00:00:00:00:00:00)[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;

export function isKnownNeighbours(value: unknown): value is readonly KnownNeighbour[] {
  return Array.isArray(value) && value.length <= KNOWN_NEIGHBOURS_MAX && value.every(isKnownNeighbour);
}

function isKnownNeighbour(value: unknown): value is KnownNeighbour {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [address, linkAddress] = value as unknown[];
  if (typeof address !== 'string' || typeof linkAddress !== 'string') return false;
  return ADDRESS.test(address) && DEVICE.test(linkAddress);
}

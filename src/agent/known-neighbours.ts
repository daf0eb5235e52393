/** Neighbours that providers and other members tell of, who may tell anything: passed on, never decided by. Pure, never throws. */
import type { MemberId } from '../model/member.ts';
import { KNOWN_NEIGHBOURS_MAX, type KnownNeighbour } from '../model/neighbour.ts';
import type { View } from '../model/view.ts';
import type { AgentAction } from './events.ts';

/** What an IP address is written with, no longer than one can be; whether it is one, whoever uses it finds out. */
const ADDRESS = /^[0-9a-f.:]{2,45}$/;
/** Of one device: neither all zeros nor to a group (the lowest bit of the first byte). */
const DEVICE = /^(?!00:00:00:00:00:00)[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;

interface Told {
  readonly neighbours: readonly KnownNeighbour[];
}

/** A provider here tells of them. With nobody to hear it, it is said again before long. */
export function told({ neighbours }: Told, { view }: { readonly view: View | undefined }): AgentAction[] {
  if (view === undefined || view.members.length < 2) return [];
  return [{ kind: 'multicast', message: { kind: 'neighbours', neighbours } }];
}

/** A member tells of them; of ourselves the provider knows already. */
export function heard(
  { neighbours }: Told,
  sender: MemberId,
  { self }: { readonly self: MemberId | undefined },
): AgentAction[] {
  return sender === self ? [] : [{ kind: 'neighbours', neighbours }];
}

export function isKnownNeighbours(value: unknown): value is readonly KnownNeighbour[] {
  return Array.isArray(value) && value.length <= KNOWN_NEIGHBOURS_MAX && value.every(isKnownNeighbour);
}

function isKnownNeighbour(value: unknown): value is KnownNeighbour {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [address, linkAddress] = value as unknown[];
  if (typeof address !== 'string' || typeof linkAddress !== 'string') return false;
  return ADDRESS.test(address) && DEVICE.test(linkAddress);
}

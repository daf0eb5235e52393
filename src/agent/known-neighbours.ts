/**
 * Neighbours that providers and other members tell of, who may tell anything: passed on, never decided by. Pure, never throws.
 * Only what is news is told to the group, and all of it anew when somebody has come who heard nothing of it.
 */
import type { MemberId } from '../model/member.ts';
import { KNOWN_NEIGHBOURS_MAX, type KnownNeighbour } from '../model/neighbour.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { AgentAction } from './events.ts';

/** What an IP address is written with, no longer than one can be; whether it is one, whoever uses it finds out. */
const ADDRESS = /^[0-9a-f.:]{2,45}$/;
/** Of one device: neither all zeros nor to a group (the lowest bit of the first byte). */
const DEVICE = /^(?!00:00:00:00:00:00)[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;
/** Neighbours remembered as told, of all providers: two families on eight interfaces. */
const TOLD_MAX = 16 * KNOWN_NEIGHBOURS_MAX;

interface Told {
  readonly neighbours: readonly KnownNeighbour[];
  /** For so long hearers need not be told of one again; absent: they are told each time. */
  readonly again?: Millis;
}

export class KnownNeighbours {
  /** When the group was told of each. */
  readonly #told = new Map<string, Instant>();

  /** Whoever joined has heard nothing. */
  install({ joined }: View): void {
    if (joined.length > 0) this.#told.clear();
  }

  /** A provider here tells of them. With nobody to hear it, it is said again before long. */
  told({ neighbours, again = 0 }: Told, view: View | undefined, now: Instant): AgentAction[] {
    if (view === undefined || view.members.length < 2) return [];
    const news = neighbours.filter((neighbour) => {
      const at = this.#told.get(neighbour.join(' '));
      return at === undefined || now - at >= again;
    });
    if (news.length === 0) return [];
    if (again > 0) this.#remember(news, again, now);
    return [{ kind: 'multicast', message: { kind: 'neighbours', neighbours: news } }];
  }

  #remember(news: readonly KnownNeighbour[], again: Millis, now: Instant): void {
    for (const [key, at] of this.#told) if (now - at >= again) this.#told.delete(key);
    // To be told too often is the lesser evil.
    if (this.#told.size + news.length > TOLD_MAX) this.#told.clear();
    for (const neighbour of news) this.#told.set(neighbour.join(' '), now);
  }
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

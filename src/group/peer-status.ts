/** What an operator sees of the peers: the addresses we know, and what the engine thinks of who is there. */
import type { EngineStatus } from '../membership/events.ts';
import { nameOf } from '../model/member.ts';
import type { Place } from './address-book.ts';
import type { PeerStatus } from './group.ts';
import type { KeyRing } from './key-ring.ts';
import type { Mesh } from './mesh.ts';
import type { Session } from './mesh-events.ts';

export interface PeerStatusInput {
  readonly places: Iterable<Place>;
  readonly mesh: Pick<Mesh, 'sessionOfName'>;
  readonly engine: EngineStatus;
  readonly ring: KeyRing;
  /** About this host's own side; told with every peer they concern, that is all of them. */
  readonly warnings: readonly string[];
}

/** One line an address; sorted by name, then address. */
export function peerStatuses(input: PeerStatusInput): PeerStatus[] {
  const lines: PeerStatus[] = [];
  for (const place of input.places) if (!place.self) lines.push(lineOf(place, input));
  return lines.sort((a, b) => order(a.name, b.name) || order(a.address, b.address));
}

function lineOf(place: Place, { mesh, engine, ring, warnings }: PeerStatusInput): PeerStatus {
  const session = place.name === undefined ? undefined : mesh.sessionOfName(place.name);
  const opinion = session && engine.peers.find(({ member }) => member === session.member);
  const member = session?.member ?? place.member;
  const problem = session === undefined || place.configured ? place.problem : undefined;
  const missing = session?.keys.missing(ring) ?? [];
  const keys = missing.length === 0 ? [] : [`has not shown cluster key ${missing.join(', ')}`];
  const said = [...(problem === undefined ? [] : [problem]), ...keys, ...warnings].join('; ');
  return {
    name: place.name ?? (member === undefined ? '?' : nameOf(member)),
    ...(member === undefined ? {} : { member }),
    address: place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`,
    stream: streamOf(place, session),
    host: opinion?.host ?? 'unknown',
    agent: opinion?.agent ?? 'unknown',
    ...(said === '' ? {} : { problem: said }),
  };
}

function streamOf(place: Place, session: Session | undefined): PeerStatus['stream'] {
  if (session !== undefined) return 'open';
  return place.attempt === undefined ? 'closed' : 'dialling';
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

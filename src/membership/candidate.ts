/** From what the core knows, which view could be: without those that are gone, and with those that could join. */
import type { MemberId } from '../model/member.ts';
import { representativeOf } from '../model/view.ts';
import type { Foreign, Linked } from './clique.ts';
import { cliqueOf, joinable, ranksAbove } from './clique.ts';
import type { Core } from './core.ts';
import { MEMBERS_MAX } from './messages.ts';
import type { Peer } from './peer.ts';
import { hasBit } from './places.ts';

export interface Candidate {
  /** Those of the present view we stay together with, in view order, ourselves included. */
  readonly mine: readonly MemberId[];
  /** `mine` and those that could join. */
  readonly grown: readonly MemberId[];
  /** None of the views that meet ranks above ours, so it is our representative that shall propose. */
  readonly leads: boolean;
  /** Somebody with a stream is not in `grown`, yet may be as soon as hear-lists have crossed. */
  readonly unsettled: boolean;
}

export function candidateOf(core: Core): Candidate {
  const linked = linksIn(core);
  const present = core.view.members.filter((member) => isPresent(core, member));
  const mine = cliqueOf(core.self, present, linked);
  const foreign = foreigners(core, new Set(mine));
  const joining = foreign.length === 0 ? [] : joinable(mine, foreign, { linked, sizeMax: MEMBERS_MAX });
  const own = { size: mine.length, epoch: core.view.epoch, representative: representativeOf(core.view) };
  return {
    mine,
    grown: [...mine, ...joining.map((f) => f.member)],
    leads: joining.every((f) => !ranksAbove(f, own)),
    unsettled: isUnsettled(core, mine.length + joining.length),
  };
}

/** Whether this member of our view is still with us, as far as we can tell ourselves. */
export function isPresent(core: Core, member: MemberId): boolean {
  if (member === core.self) return true;
  const peer = core.peers.get(member);
  return peer?.hears === true && !peer.severed && !hasMovedOn(core, peer);
}

/** It has installed another view than ours since, or has not installed ours in time. */
export function hasMovedOn(core: Core, peer: Peer): boolean {
  const { told } = peer;
  if (!told || told.view === core.view.id) return false;
  if (told.epoch >= core.view.epoch) return true;
  return core.now >= graceEnds(core);
}

/** Until when a member of a new view may still tell an older one. Its representative is told by `installed`, others by heartbeats. */
export function graceEnds(core: Core): number {
  const { timers } = core;
  const grace =
    core.representative === core.self
      ? 3 * timers.phase_timeout_ms
      : Math.max(timers.heartbeat_timeout_ms, 3 * timers.phase_timeout_ms);
  return core.installedAt + grace;
}

/** Of a member, what {@link linksIn} asks for again and again. */
interface Standpoint {
  /** Absent: ourselves, or nobody we know. */
  readonly peer: Peer | undefined;
  /** Absent: nobody we know. */
  readonly place: number | undefined;
  readonly isSelf: boolean;
}

/** Who hears whom both ways, as it is told now. */
function linksIn(core: Core): Linked {
  const { places } = core;
  const known = new Map<MemberId, Standpoint>();
  const standpoint = (member: MemberId): Standpoint => {
    let found = known.get(member);
    if (found === undefined) {
      const isSelf = member === core.self;
      const peer = isSelf ? undefined : core.peers.get(member);
      const incarnation = isSelf ? core.incarnation : peer?.incarnation;
      found = { peer, isSelf, place: incarnation === undefined ? undefined : places.get(incarnation) };
      known.set(member, found);
    }
    return found;
  };
  const hears = (a: Standpoint, b: Standpoint): boolean => {
    if (a.isSelf) return b.peer?.hears === true;
    return a.peer !== undefined && b.place !== undefined && hasBit(a.peer.hearsAt(places), b.place);
  };
  return (a, b) => {
    const [one, other] = [standpoint(a), standpoint(b)];
    return hears(one, other) && hears(other, one);
  };
}

function foreigners(core: Core, mine: ReadonlySet<MemberId>): Foreign[] {
  const found: Foreign[] = [];
  for (const peer of core.peers.values()) {
    const { told } = peer;
    if (!peer.hears || !told || mine.has(peer.member)) continue;
    // A member of our view that is unlinked to some of us stays out until a view without it stands.
    if (peer.inView && !hasMovedOn(core, peer)) continue;
    found.push({
      member: peer.member,
      view: told.view,
      size: told.size,
      epoch: told.epoch,
      representative: told.representative,
    });
  }
  return found;
}

function isUnsettled(core: Core, settled: number): boolean {
  let streams = 0;
  for (const peer of core.peers.values()) if (peer.detector.stream && !peer.left) streams++;
  return streams + 1 > settled;
}

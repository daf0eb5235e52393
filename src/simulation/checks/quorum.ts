/** Who may serve VIPs of policy `primary`, as it shows from outside: by counting hosts, and by who has the witness's record. */
import { type MemberId, nameOf } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Host } from '../world/host.ts';
import type { World } from '../world/world.ts';

/** What a part that was primary keeps while the witness has not answered (`agent/tiebreak.ts`). */
const OPEN_FOR: Millis = 2_000;
/** Others of the view hear of the vote by reports; where its owner was cut off from them, when their stream to it is given up. */
const REPORTED: Millis = 1_000;
const STREAMS: Millis = 2_000;

/** `near`: with the witness's vote only. */
export function standingOf({ hosts }: Pick<World, 'hosts'>, members: number): 'primary' | 'near' | 'lost' {
  if (hosts[0]?.config.quorum.witness === undefined) return 2 * members > hosts.length ? 'primary' : 'lost';
  if (2 * members > hosts.length + 1) return 'primary';
  return 2 * (members + 1) > hosts.length + 1 ? 'near' : 'lost';
}

/** Since when this agent's part, which needs the vote, may serve nothing; in the future or infinity: it may. */
export function voteLackedSince({ witness, cluster }: World, { facts, host, group }: AgentProcess): Instant {
  // Its owner may be in another view by now, and this one cannot know yet.
  if (group?.thread.stalled !== false) return Number.POSITIVE_INFINITY;
  const { heartbeat_timeout_ms, probe_timeout_ms, probe_interval_ms } = cluster.timers;
  const silent = Math.max(heartbeat_timeout_ms, probe_timeout_ms + probe_interval_ms);
  const noticed = host.disturbedAt + silent + STREAMS;
  const owner = nameOf(witness.owner as MemberId);
  const lease = host.config.quorum.witness?.lease_ms ?? 0;
  // Should it have died the others learn of that in time; nobody else has the vote before its lease is over.
  const isHere = facts.view?.members.some((member) => nameOf(member) === owner);
  // A machine that stood still with all its clocks cannot know for how long.
  const counted = Math.max(witness.writtenAt, host.untoldAt);
  const answered = Math.max(facts.viewAt + OPEN_FOR, witness.ownerSince, isHere ? counted + lease : 0);
  return Math.max(answered, noticed) + REPORTED;
}

/** From a view that stands, and a store that answers, until the vote is had: an earlier owner's lease runs out first. */
export function voteBound({ config }: Host): Millis {
  const { lease_ms, renew_ms } = config.quorum.witness ?? { lease_ms: 0, renew_ms: 0 };
  return 1.1 * lease_ms + 3 * renew_ms + OPEN_FOR + 5_000;
}

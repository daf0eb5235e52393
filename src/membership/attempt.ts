/** What a member is in the middle of during a view change, and the questions about it that need no state. */
import type { MemberId } from '../model/member.ts';
import { compareMembers } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { Core } from './core.ts';
import { EPOCH_MAX } from './core.ts';
import type { MessageLog } from './message-log.ts';
import type { Attempt, Frame, Origin } from './messages.ts';
import { MEMBERS_MAX } from './messages.ts';
import type { Install, Promised } from './origins.ts';

export type Of<K extends Frame['kind']> = Extract<Frame, { kind: K }>;
/** Frames that may overtake our own installation of the view they belong to. */
export type Early = Of<'data'> | Of<'ordered'> | Of<'ack'>;

interface Stage {
  readonly attempt: Attempt;
  readonly members: readonly MemberId[];
  readonly deadline: Instant;
}

/** Our own attempt; promises are coming in. */
export interface Proposal extends Stage {
  readonly kind: 'proposal';
  readonly promises: Map<MemberId, Promised>;
}

/** Promised to another's; its install is awaited. */
export interface Commitment extends Stage {
  readonly kind: 'commitment';
}

/** The view is decided; messages of the old one are still missing. */
export interface Recovery extends Stage {
  readonly kind: 'recovery';
  readonly origin: Origin;
  readonly view: View;
  readonly early: { readonly from: MemberId; readonly frame: Early }[];
  earlyBytes: number;
}

export type Underway = Proposal | Commitment | Recovery;

/** The higher epoch wins; of two with one epoch, that of the smaller member. */
export function isHigher(a: Attempt, b: Attempt): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && compareMembers(a.proposer, b.proposer) < 0);
}

/** Longest wait for one answer: four round trips of the slowest, and not less than the configured floor. */
export function phaseOf(core: Core, members: readonly MemberId[]): Millis {
  let slowest = 0;
  for (const member of members) slowest = Math.max(slowest, core.peers.get(member)?.detector.roundTrip ?? 0);
  return Math.max(core.timers.phase_timeout_ms, 4 * slowest);
}

/** Why nobody honest sends such a prepare; absent: it is well formed. */
export function prepareFault(
  self: MemberId,
  from: MemberId,
  { members, epoch }: Of<'prepare'>,
): string | undefined {
  if (members[0] !== from) return 'its first member is not its sender';
  if (!members.includes(self)) return 'it is not for us';
  if (epoch > EPOCH_MAX) return `its epoch ${epoch} is beyond any that can have been reached`;
  if (members.length > MEMBERS_MAX)
    return `it has ${members.length} members, at most ${MEMBERS_MAX} are possible`;
  return new Set(members).size === members.length ? undefined : 'it names a member twice';
}

/** Why an install cannot be followed from where we are; absent: it can. */
export function installFault(
  install: Install,
  {
    self,
    origin,
    log,
    underway,
  }: {
    readonly self: MemberId;
    readonly origin: Origin | undefined;
    readonly log: MessageLog;
    readonly underway: Underway | undefined;
  },
): string | undefined {
  if (!origin) return 'it does not know our view';
  if (!underway || underway.members.join() !== install.members.join())
    return 'it has other members than were prepared';
  if (!origin.from.some(({ member }) => member === self))
    return 'it does not count us among those of our view';
  if (origin.from.some(({ member }) => !install.members.includes(member)))
    return 'its origins name strangers';
  if (origin.cut < log.delivered) return 'its cut is below what we delivered';
  if (origin.source === self && origin.cut > log.received) return 'it names us for what we lack';
  return origin.stable > origin.cut ? 'it calls stable what it cuts off' : undefined;
}

/**
 * From the promises of one attempt to its install: for each old view the cut of its messages, who fills in what, and
 * how its absent members went. Pure and independent of the order in which promises arrived.
 */
import type { MemberId } from '../model/member.ts';
import { compareMembers } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Departure, View, ViewCause, ViewId } from '../model/view.ts';
import { viewId } from '../model/view.ts';
import type { Absent, Frame, Origin } from './messages.ts';

export type Promised = Omit<Extract<Frame, { kind: 'promise' }>, 'kind' | 'attempt'>;

/** `promises` holds one entry for each of `members`, the proposer (its first) included. */
export function originsOf(members: readonly MemberId[], promises: ReadonlyMap<MemberId, Promised>): Origin[] {
  const views = new Set<ViewId>();
  for (const promise of promises.values()) views.add(promise.view);
  return [...views].sort(compareIds).map((view) => {
    const from = members.flatMap((member) => {
      const promise = promises.get(member);
      return promise?.view === view ? [{ member, promise }] : [];
    });
    return originOf(view, from);
  });
}

function originOf(
  view: ViewId,
  from: readonly { readonly member: MemberId; readonly promise: Promised }[],
): Origin {
  const cut = Math.max(...from.map(({ promise }) => promise.received));
  // Members come in the order of the new view, so the proposer is the source whenever it can be: one delay less.
  const source = from.find(({ promise }) => promise.received === cut)!.member;
  return {
    view,
    fresh: from.every(({ promise }) => promise.fresh),
    cut,
    stable: Math.min(cut, Math.max(...from.map(({ promise }) => promise.stable))),
    source,
    from: from.map(({ member, promise }) => ({ member, received: promise.received })),
    departed: departedOf(from.map(({ promise }) => promise.absent)),
  };
}

const WEIGHT: Readonly<Record<Departure, number>> = { host: 0, process: 1, leave: 2 };

/** One opinion out of many: a goodbye anybody heard counts, then any sign that the host was up. */
function departedOf(opinions: readonly (readonly Absent[])[]): Absent[] {
  const strongest = new Map<MemberId, Departure>();
  for (const { member, how } of opinions.flat()) {
    const known = strongest.get(member);
    if (known === undefined || WEIGHT[how] > WEIGHT[known]) strongest.set(member, how);
  }
  return [...strongest]
    .map(([member, how]) => ({ member, how }))
    .sort((a, b) => compareMembers(a.member, b.member));
}

export interface Install {
  readonly epoch: number;
  readonly members: readonly MemberId[];
  readonly origins: readonly Origin[];
}

/** The view an install means for a member that comes from `old`. */
export function viewFrom(old: View, origin: Origin, install: Install): View {
  const joined = install.members.filter((member) => !old.members.includes(member));
  return {
    id: viewId(install.epoch, install.members[0]!),
    epoch: install.epoch,
    members: install.members,
    cause: causeOf(origin, joined, install.origins),
    joined,
    departed: origin.departed,
  };
}

function causeOf(origin: Origin, joined: readonly MemberId[], origins: readonly Origin[]): ViewCause {
  const hows = origin.departed.map(({ how }) => how);
  if (hows.includes('host')) return 'network';
  if (hows.includes('process')) return 'disconnect';
  if (hows.length > 0) return 'leave';
  const others = origins.filter((other) => other.from.some(({ member }) => joined.includes(member)));
  return others.length > 0 && (origin.fresh || others.every((other) => other.fresh)) ? 'join' : 'network';
}

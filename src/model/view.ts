import type { MemberId } from './member.ts';

/** Identity of a view: `epoch.representative`. Never used twice, also not after a restart. */
export type ViewId = string & { readonly __viewId: true };

export function viewId(epoch: number, representative: MemberId): ViewId {
  return `${epoch}.${representative}` as ViewId;
}

/**
 * How a member that is absent from the new view went:
 * - `leave`: it said so, after it had released everything;
 * - `process`: its agent is gone, hung or cut off, but its host still answers (so its addresses may still be there);
 * - `host`: its host is silent.
 */
export type Departure = 'leave' | 'process' | 'host';

export interface Departed {
  readonly member: MemberId;
  readonly how: Departure;
}

/** Why the view came about (the causes of Spread's membership messages). */
export type ViewCause = 'join' | 'leave' | 'disconnect' | 'network';

/** An agreed, ordered member list; installed, never edited. */
export interface View {
  readonly id: ViewId;
  /** Rises from view to view on every member; unique together with the representative. */
  readonly epoch: number;
  /** In agreed order: survivors of the present view first, in its order; the first is the representative. */
  readonly members: readonly MemberId[];
  readonly cause: ViewCause;
  /** Members of this view that were not with us in our previous one. */
  readonly joined: readonly MemberId[];
  /** Members of our previous view that are not in this one. */
  readonly departed: readonly Departed[];
}

/** The first member of the view; it alone proposes rebalances. */
export function representativeOf(view: View): MemberId {
  const first = view.members[0];
  if (first === undefined) throw new RangeError('a view is never empty');
  return first;
}

/** What one run of one member was given by its engine, in order: the material of the checkers. */
import type { MemberId } from '../../model/member.ts';
import type { View } from '../../model/view.ts';

export type Delivered =
  | { readonly kind: 'view'; readonly at: number; readonly view: View }
  | { readonly kind: 'transitional'; readonly at: number }
  | { readonly kind: 'message'; readonly at: number; readonly sender: MemberId; readonly number: number }
  | {
      readonly kind: 'outranked';
      readonly at: number;
      readonly by: string | undefined;
      readonly contested?: true | undefined;
    }
  | { readonly kind: 'detached'; readonly at: number; readonly reason: string }
  | { readonly kind: 'left'; readonly at: number };

export interface Trace {
  readonly member: MemberId;
  readonly events: Delivered[];
  /** Multicasts it was asked for, numbered from 1. */
  sent: number;
  /** When it was last asked for one, where that is kept. */
  sentAt?: number;
  /** It runs at the end of the simulation. */
  alive: boolean;
}

/** The part of a run between the installation of one view and of the next. */
export interface Stretch {
  readonly member: MemberId;
  readonly view: View;
  readonly messages: readonly string[];
  /** How many of the messages came before the transitional signal; absent if there was none. */
  readonly before: number | undefined;
  readonly transitionals: number;
  /** The view that follows; absent at the end of the run. */
  readonly next: View | undefined;
}

export function stretches(trace: Trace): Stretch[] {
  const found: Stretch[] = [];
  let open: { view: View; messages: string[]; before: number | undefined; transitionals: number } | undefined;
  for (const event of trace.events) {
    if (event.kind === 'view') {
      if (open) found.push({ member: trace.member, ...open, next: event.view });
      open = { view: event.view, messages: [], before: undefined, transitionals: 0 };
    } else if (event.kind === 'message') {
      open?.messages.push(`${event.sender}:${event.number}`);
    } else if (event.kind === 'transitional' && open) {
      open.before = open.messages.length;
      open.transitionals++;
    }
  }
  if (open) found.push({ member: trace.member, ...open, next: undefined });
  return found;
}

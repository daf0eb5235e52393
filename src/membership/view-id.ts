/** Takes a ViewId apart again: `epoch.representative`. */
import type { MemberId } from '../model/member.ts';
import { isMemberId } from '../model/member.ts';
import type { ViewId } from '../model/view.ts';

/** Throws a RangeError for what is not a ViewId; those that come from the codec always are. */
export function splitViewId(id: ViewId): { readonly epoch: number; readonly representative: MemberId } {
  const dot = id.indexOf('.');
  const epoch = Number(id.slice(0, dot));
  const representative = id.slice(dot + 1);
  if (dot < 1 || !Number.isSafeInteger(epoch) || epoch < 0 || !isMemberId(representative)) {
    throw new RangeError(`not a view id: ${JSON.stringify(id)}`);
  }
  return { epoch, representative };
}

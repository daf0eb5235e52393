/** What a view agreed on about one VIP (`table.ts`, which alone changes it). */
import type { MemberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { Vip } from '../model/vip.ts';

export interface Row {
  readonly vip: Vip;
  /** Who shall hold it; absent: nobody can. */
  target: MemberId | undefined;
  /** Who holds it or may hold it, in view order. */
  holders: readonly MemberId[];
  /** Of the holders, those that said for certain that they have it. */
  proven: readonly MemberId[];
  /** The target, once its provider confirmed it. */
  confirmed: MemberId | undefined;
  reason: string;
  /** The last acquire that failed since it was last held, for people. */
  failure: { readonly member: MemberId; readonly reason: string } | undefined;
  /** Local instant of the last change of target, holders or confirmed. */
  changed: Instant;
}

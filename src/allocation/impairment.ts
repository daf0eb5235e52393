/**
 * Members whose health checks fail stand behind those that are better off: for each VIP only the least impaired of those that
 * could hold it count. Where all are impaired alike, all count: an impaired holder is better than none. Pure.
 */

import { type Impairment, impairmentFor } from '../model/health.ts';
import type { MemberId } from '../model/member.ts';
import type { VipId } from '../model/vip.ts';
import { type Candidate, isEligible } from './allocate.ts';

export interface ImpairmentInput {
  readonly vips: readonly VipId[];
  /** By member; missing or empty: in good health. */
  readonly impaired: ReadonlyMap<MemberId, readonly Impairment[]>;
}

/** The candidates, with each VIP excluded for which somebody better off is eligible. Cost: O(VIPs × members) where anybody is impaired. */
export function passOverImpaired(
  candidates: readonly Candidate[],
  { vips, impaired }: ImpairmentInput,
): readonly Candidate[] {
  if ([...impaired.values()].every((impairments) => impairments.length === 0)) return candidates;
  const excluded = new Map<MemberId, Map<VipId, string>>();
  for (const vip of vips) {
    const standings = candidates.map(({ member }) => impairmentFor(impaired.get(member) ?? [], vip));
    const eligible = standings.filter((_, index) => isEligible(candidates[index]!, vip));
    const least = Math.min(...eligible.map((standing) => standing?.penalty ?? 0));
    for (const [index, standing] of standings.entries()) {
      if (standing === undefined || standing.penalty <= least) continue;
      const { member, excluded: before } = candidates[index]!;
      const own = excluded.get(member) ?? new Map(before);
      // What makes it ineligible in any case is the better reason.
      if (!own.has(vip)) own.set(vip, standing.reason);
      excluded.set(member, own);
    }
  }
  return candidates.map((candidate) => {
    const own = excluded.get(candidate.member);
    return own === undefined ? candidate : { ...candidate, excluded: own };
  });
}

/** What a member says of itself when its health checks fail: how far behind the others it stands, for which VIPs and why. */
import type { VipId } from './vip.ts';

/** One failing health check, as the group hears of it. */
export interface Impairment {
  /** How far its member stands behind the others, ≥ 1: of those that could hold a VIP only the least impaired may. */
  readonly penalty: number;
  /** For people, with the name of the check. */
  readonly reason: string;
  /** VIPs it concerns; absent: all. */
  readonly vips?: readonly VipId[];
}

/**
 * Of a check that makes its member unfit: behind everybody whose checks only lower its rank. Such a member holds a VIP only
 * where all others are no better.
 */
export const LAST_RESORT = 1_000_000;

/** Whether the check says yes; with a text for people where it does not. */
export interface HealthVerdict {
  readonly check: string;
  /** Why it fails; undefined: it passes. */
  readonly failing: string | undefined;
}

/** What a verdict is before the first result: nobody knows, so nobody relies on it. */
export const NO_RESULT = 'no result yet';

/** All that concerns one VIP, taken together; undefined: nothing does. */
export function impairmentFor(
  impairments: readonly Impairment[],
  vip: VipId,
): { readonly penalty: number; readonly reason: string } | undefined {
  const concerning = impairments.filter(({ vips }) => vips === undefined || vips.includes(vip));
  if (concerning.length === 0) return undefined;
  // How many checks say "not here" is no measure of how bad it is: only that one does.
  const last = concerning.some(({ penalty }) => penalty >= LAST_RESORT) ? LAST_RESORT : 0;
  const lesser = concerning.filter(({ penalty }) => penalty < LAST_RESORT);
  const penalty = lesser.reduce((sum, one) => sum + one.penalty, last);
  return { penalty, reason: concerning.map(({ reason }) => reason).join('; ') };
}

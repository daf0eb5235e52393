/** One answer out of two. */
import type { VipId } from '../../src/model/vip.ts';
import type { VipOutcome } from '../../src/provider/provider.ts';
import { isGone } from './renewals.ts';

/**
 * Of an acquire whose outer half is done. A guest that could not take part leaves half a VIP: that counts as held and failed,
 * whatever kept it, so that both halves are taken away before anybody is told otherwise.
 */
export function combined(outer: VipOutcome, guest: VipOutcome | undefined): VipOutcome {
  if (guest?.held === true && guest.code === 'ok')
    return { ...outer, reason: `${outer.reason}; in the guest: ${guest.reason}` };
  const why = guest === undefined ? 'it did not say what became of it' : guest.reason;
  const code = guest === undefined || guest.code === 'ok' || guest.code === 'aborted' ? 'failed' : guest.code;
  return { vip: outer.vip, held: true, code, reason: `brought here, but not up in the guest: ${why}` };
}

/** Of two looks. */
export function joined(outer: readonly VipOutcome[], guest: readonly VipOutcome[]): VipOutcome[] {
  const inside = new Map<VipId, VipOutcome>(guest.map((outcome) => [outcome.vip, outcome]));
  return outer.map((outcome) => {
    const other = inside.get(outcome.vip);
    if (other === undefined || outcome.code !== 'ok') return outcome;
    if (other.code !== 'ok') return { ...other, reason: `in the guest: ${other.reason}` };
    if (outcome.held === other.held)
      return { ...outcome, reason: `${outcome.reason}; in the guest: ${other.reason}` };
    const where = outcome.held
      ? 'brought here, and not up in the guest'
      : 'up in the guest, and not brought here';
    return { vip: outcome.vip, held: false, code: 'failed', reason: `half of it is in place: ${where}` };
  });
}

/** Of a renewal: what either has lost is lost. `outer` undefined: it has not said yet. */
export function lostBoth(outer: VipOutcome | undefined, guest: VipOutcome): VipOutcome {
  if (outer !== undefined && isGone(outer)) return outer;
  if (!guest.held) return { ...guest, reason: `in the guest: ${guest.reason}` };
  // A cloud that does not answer has taken nothing away.
  return guest;
}

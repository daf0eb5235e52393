/** The answers of one call, each VIP exactly once whatever happened on the way. Pure. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { OutcomeCode, VipOutcome } from '../../src/provider/provider.ts';

export class Outcomes {
  readonly #byVip = new Map<VipId, VipOutcome>();

  /** The last answer about a VIP counts. */
  set(vip: VipId, outcome: { held: boolean; code: OutcomeCode; reason: string }): void {
    this.#byVip.set(vip, { vip, ...outcome });
  }

  /** In the order of the question; a VIP asked for twice is answered once. */
  for(vips: readonly Vip[]): VipOutcome[] {
    return [...new Set(vips.map(({ id }) => id))].map(
      (vip) =>
        this.#byVip.get(vip) ?? {
          vip,
          held: false,
          code: 'failed',
          reason: 'no answer was found; this is a fault of ours',
        },
    );
  }
}

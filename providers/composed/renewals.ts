/** The outer half of renewals: one at a time, waited for only a moment, so that a slow cloud costs no lease in the guest. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { Provider, ProviderEvent, VipOutcome } from '../../src/provider/provider.ts';

/** What answers within this is part of the same answer. */
const PATIENCE: Millis = 100;

export interface Lost {
  readonly vip: VipId;
  readonly event: Extract<ProviderEvent, { kind: 'lost' }>;
}

/** Whether a renewal found it gone; who was interrupted does not know. */
export function isGone({ held, code }: VipOutcome): boolean {
  return !held && code !== 'aborted' && code !== 'timeout';
}

export class Renewals {
  readonly #outer: Provider;
  readonly #lost: (lost: readonly Lost[]) => void;
  #underWay = false;

  /** `lost` hears of what a late answer says is gone. */
  constructor(outer: Provider, lost: (lost: readonly Lost[]) => void) {
    this.#outer = outer;
    this.#lost = lost;
  }

  /**
   * What the outer one says within the patience; empty: nothing yet. Never rejects. `current`: whether what is said of a VIP is still
   * about the hold that was asked for.
   */
  async begin(
    vips: readonly Vip[],
    { signal, current }: { readonly signal: AbortSignal; readonly current: (vip: VipId) => boolean },
  ): Promise<readonly VipOutcome[]> {
    if (this.#underWay) return [];
    this.#underWay = true;
    let late = false;
    const answer = this.#outer
      .renew(vips, signal)
      .catch((): readonly VipOutcome[] => [])
      .then((outcomes) => {
        this.#underWay = false;
        if (late) this.#tell(outcomes.filter(({ vip }) => current(vip)));
        return outcomes;
      });
    const waited = new AbortController();
    const patience = delay(PATIENCE, undefined, { signal: waited.signal }).catch(() => undefined);
    const outcomes = await Promise.race([answer, patience]);
    waited.abort();
    late = outcomes === undefined;
    return outcomes ?? [];
  }

  #tell(outcomes: readonly VipOutcome[]): void {
    const lost = outcomes.filter(isGone);
    if (lost.length > 0)
      this.#lost(lost.map(({ vip, reason }) => ({ vip, event: { kind: 'lost', vip, reason } })));
  }
}

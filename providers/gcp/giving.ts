/**
 * Gives VIPs up, by changes that name our own tenure alone: whoever has taken it meanwhile is not touched. What cannot be given up (the
 * API does not answer, we are not allowed) is left to the next holder, who takes it; a later look tries again.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { VipOutcome } from '../../src/provider/provider.ts';
import { Backoff, runChains } from './chain.ts';
import type { Compute } from './compute.ts';
import { GcpFailure, isPassing, outcomeCodeOf } from './failures.ts';
import { oursOf } from './judgement.ts';
import type { Ledger } from './ledger.ts';
import type { Mode } from './sight.ts';

export interface GivingParts {
  readonly compute: Compute;
  readonly mode: Mode;
  readonly ledger: Ledger;
  readonly now: () => Instant;
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

export interface Given {
  readonly outcome: Omit<VipOutcome, 'vip'>;
  /** It may still lead here. */
  readonly left: boolean;
}

export interface GivingRequest {
  readonly vips: readonly Vip[];
  readonly patience: Millis;
  /** False: somebody wants it again, so that it stays. */
  readonly unwanted: (vip: VipId) => boolean;
}

export class Giving {
  readonly #request: GivingRequest;
  readonly #parts: GivingParts;
  readonly #given = new Map<VipId, Given>();
  readonly #open: Map<VipId, Vip>;
  readonly #asked = new Set<VipId>();
  readonly #trouble: Backoff;
  #failure: GcpFailure | undefined;

  constructor(request: GivingRequest, parts: GivingParts) {
    this.#request = request;
    this.#parts = parts;
    this.#open = new Map(request.vips.map((vip) => [vip.id, vip]));
    this.#trouble = new Backoff({ first: 200, last: 2_000 }, parts.random);
  }

  async run(signal: AbortSignal): Promise<ReadonlyMap<VipId, Given>> {
    const { now, sleep } = this.#parts;
    const until = now() + this.#request.patience;
    while (this.#open.size > 0 && !signal.aborted) {
      const wait = await this.#round(signal);
      if (this.#open.size === 0 || signal.aborted || now() + wait >= until) break;
      await sleep(wait, signal);
    }
    for (const id of this.#open.keys()) this.#given.set(id, signal.aborted ? ABORTED : this.#leave());
    return this.#given;
  }

  async #round(signal: AbortSignal): Promise<Millis> {
    const { mode, compute, ledger } = this.#parts;
    try {
      const sight = await mode.glance([...this.#open.values()], { signal });
      const pieces = [...this.#open.keys()].flatMap((id) => oursOf(sight, id));
      const ours = new Set(pieces.map(({ vip }) => vip));
      for (const id of [...this.#open.keys()]) if (!ours.has(id)) this.#done(id);
      for (const id of ours) this.#asked.add(id);
      const steps = mode.give(pieces);
      const wanted = ({ vip }: { readonly vip: VipId }) => this.#request.unwanted(vip);
      const done = await runChains(
        steps.map((step) => [step]),
        { compute, ledger, wanted, signal },
      );
      for (const { piece, failure } of done) if (failure === undefined) this.#done(piece.vip);
      const failure = done.find((each) => each.failure !== undefined)?.failure;
      return failure === undefined ? 0 : this.#failed(failure);
    } catch (error) {
      if (!(error instanceof GcpFailure)) throw error;
      return this.#failed(error);
    }
  }

  #failed(failure: GcpFailure): Millis {
    if (failure.kind === 'aborted') {
      // Somebody wants one of them again: the others go all the same.
      for (const id of [...this.#open.keys()])
        if (!this.#request.unwanted(id) && this.#open.delete(id)) this.#given.set(id, ABORTED);
      return 0;
    }
    this.#failure = failure;
    // The interface changed, or what we wanted to delete was not ours any more: the next look tells.
    if (isPassing(failure) || failure.kind === 'stale' || failure.kind === 'absent')
      return this.#trouble.next();
    if (failure.kind === 'refused') return this.#trouble.next();
    for (const id of [...this.#open.keys()]) {
      this.#given.set(id, this.#leave());
      this.#open.delete(id);
    }
    return 0;
  }

  #done(id: VipId): void {
    if (!this.#open.delete(id)) return;
    const reason = this.#asked.has(id) ? 'given up' : 'was not here';
    this.#given.set(id, { outcome: { held: false, code: 'ok', reason }, left: false });
  }

  #leave(): Given {
    const why = this.#failure?.message ?? 'Compute Engine did not answer in time';
    const code = this.#failure === undefined ? 'timeout' : outcomeCodeOf(this.#failure);
    return {
      outcome: { held: false, code, reason: `left to the next holder, who takes it: ${why}` },
      left: true,
    };
  }
}

const ABORTED: Given = {
  outcome: { held: true, code: 'aborted', reason: 'given up before it was done' },
  left: true,
};

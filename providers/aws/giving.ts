/**
 * Gives VIPs up, by calls that name our own tenure alone: whoever has taken it meanwhile is not touched. What cannot be given up (EC2
 * does not answer, we are not allowed) is left to the next holder, who takes it; a later look tries again.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { VipOutcome } from '../../src/provider/provider.ts';
import { type Attempted, attempt, Backoff } from './attempt.ts';
import type { Ec2 } from './ec2.ts';
import { Ec2Failure, isPassing, outcomeCodeOf } from './failures.ts';
import { oursOf } from './judgement.ts';
import type { Mode, Piece } from './sight.ts';

export interface GivingParts {
  readonly ec2: Ec2;
  readonly mode: Mode;
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
  /** What leads here as last seen; VIPs without an entry are looked for. */
  readonly known: ReadonlyMap<VipId, readonly Piece[]>;
  readonly patience: Millis;
}

export class Giving {
  readonly #request: GivingRequest;
  readonly #parts: GivingParts;
  readonly #given = new Map<VipId, Given>();
  readonly #open: Map<VipId, Vip>;
  readonly #trouble: Backoff;
  #known: ReadonlyMap<VipId, readonly Piece[]>;
  #failure: Ec2Failure | undefined;

  constructor(request: GivingRequest, parts: GivingParts) {
    this.#request = request;
    this.#parts = parts;
    this.#known = request.known;
    this.#open = new Map(request.vips.map((vip) => [vip.id, vip]));
    this.#trouble = new Backoff({ first: 200, last: 2_000 }, parts.random);
  }

  async run(signal: AbortSignal): Promise<ReadonlyMap<VipId, Given>> {
    const { now, sleep } = this.#parts;
    const until = now() + this.#request.patience;
    while (this.#open.size > 0 && !signal.aborted) {
      const wait = await this.#round(signal);
      if (this.#open.size === 0 || signal.aborted || now() + wait >= until) break;
      if (wait > 0) await sleep(wait, signal);
    }
    return this.results(signal.aborted);
  }

  results(aborted: boolean): ReadonlyMap<VipId, Given> {
    const results = new Map(this.#given);
    for (const id of this.#open.keys()) results.set(id, aborted ? ABORTED : this.#leave());
    return results;
  }

  async #round(signal: AbortSignal): Promise<Millis> {
    try {
      await this.#find(signal);
    } catch (error) {
      if (!(error instanceof Ec2Failure)) throw error;
      return this.#failed(error);
    }
    if (signal.aborted) return 0;
    const pieces = [...this.#open.keys()].flatMap((id) => this.#known.get(id) ?? []);
    const calls = this.#parts.mode.giveCalls(pieces);
    const called = new Set(calls.flatMap((planned) => planned.pieces.map(({ vip }) => vip)));
    for (const id of [...this.#open.keys()])
      if (!called.has(id)) this.#done(id, pieces.length > 0 ? 'given up' : 'was not here');
    return this.#learn(await attempt(this.#parts.ec2, calls, new AbortController().signal));
  }

  async #find(signal: AbortSignal): Promise<void> {
    const unknown = [...this.#open.values()].filter(({ id }) => !this.#known.has(id));
    if (unknown.length === 0) return;
    const sight = await this.#parts.mode.look(unknown, { signal });
    this.#known = new Map([...this.#known, ...unknown.map(({ id }) => [id, oursOf(sight, id)] as const)]);
  }

  #learn(attempted: readonly Attempted[]): Millis {
    const troubled = new Set<VipId>();
    let wait: Millis = 0;
    for (const { planned, failure } of attempted) {
      const ids = planned.pieces.map(({ vip }) => vip);
      if (failure === undefined || (isGone(failure) && planned.pieces.length === 1)) continue;
      for (const id of ids) troubled.add(id);
      // Of several addresses one is not here any more, which failed the call for all: see which.
      if (isGone(failure)) this.#forget(ids);
      else wait = Math.max(wait, this.#failed(failure));
    }
    for (const { planned } of attempted)
      for (const { vip } of planned.pieces) if (!troubled.has(vip)) this.#done(vip, 'given up');
    return wait;
  }

  #forget(ids: readonly VipId[]): void {
    this.#known = new Map([...this.#known].filter(([id]) => !ids.includes(id)));
  }

  #failed(failure: Ec2Failure): Millis {
    if (failure.kind === 'aborted') return 0;
    this.#failure = failure;
    if (isPassing(failure)) return this.#trouble.next();
    for (const id of [...this.#open.keys()]) {
      this.#given.set(id, this.#leave());
      this.#open.delete(id);
    }
    return 0;
  }

  #done(id: VipId, reason: string): void {
    if (!this.#open.delete(id)) return;
    this.#given.set(id, { outcome: { held: false, code: 'ok', reason }, left: false });
  }

  #leave(): Given {
    const why = this.#failure?.message ?? 'EC2 did not answer in time';
    const code = this.#failure === undefined ? 'timeout' : outcomeCodeOf(this.#failure);
    const reason = `left to the next holder, who takes it: ${why}`;
    return { outcome: { held: false, code, reason }, left: true };
  }
}

const ABORTED: Given = {
  outcome: { held: true, code: 'aborted', reason: 'given up before it was done' },
  left: true,
};

/** What we wanted to give up was not ours any more, or its interface is gone. */
function isGone({ kind }: Ec2Failure): boolean {
  return kind === 'not-here' || kind === 'absent';
}

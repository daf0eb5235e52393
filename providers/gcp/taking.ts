/**
 * Makes VIPs ours: look, plan, act, look again until it is seen or the patience is over. Level-triggered: whatever an answer said,
 * or whether it came at all, the next look decides.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { VipOutcome } from '../../src/provider/provider.ts';
import { Backoff, type Done, runChains } from './chain.ts';
import type { Compute } from './compute.ts';
import { GcpFailure, isPassing, outcomeCodeOf } from './failures.ts';
import type { Claim, Shown } from './fence.ts';
import { isOurs, judge, whoHas } from './judgement.ts';
import type { Ledger } from './ledger.ts';
import type { Mode, Piece, Refusal, Sight } from './sight.ts';

export interface TakingParts {
  readonly compute: Compute;
  readonly mode: Mode;
  readonly ledger: Ledger;
  readonly now: () => Instant;
  /** Resolves after that time or when the signal is raised; never rejects. */
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly claimOf: (vip: VipId) => Claim;
  /** What is written on what is taken. */
  readonly shown: Shown;
  /** False as soon as a younger wish for the VIP exists. */
  readonly wanted: (vip: VipId) => boolean;
  /** The first changes of a batch go out now: time to show the fence beside them. */
  readonly acting: () => void;
}

export interface TakingSettings {
  /** How long what was done may stay unseen. */
  readonly settle: Millis;
  /** How long passing trouble is waited for. */
  readonly patience: Millis;
}

export interface Taken {
  readonly outcome: Omit<VipOutcome, 'vip'>;
  /** Something was asked for on its behalf, so that something may be left of it. */
  readonly touched: boolean;
}

/** Times that a look and the answer to a change may contradict each other before we believe the answer. */
const CONFLICTS_MAX = 3;

export class Taking {
  readonly #settings: TakingSettings;
  readonly #parts: TakingParts;
  readonly #open: Map<VipId, Vip>;
  readonly #taken = new Map<VipId, Taken>();
  /** Pieces that were made ours, with when. */
  readonly #granted = new Map<string, Instant>();
  readonly #alone = new Set<string>();
  readonly #touched = new Set<VipId>();
  readonly #stories = new Map<VipId, string>();
  readonly #conflicts = new Map<string, number>();
  readonly #unseen: Backoff;
  readonly #trouble: Backoff;
  #failure: GcpFailure | undefined;
  #sight: Sight = { pieces: new Map(), refused: new Map() };

  constructor(vips: readonly Vip[], settings: TakingSettings, parts: TakingParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#open = new Map(vips.map((vip) => [vip.id, vip]));
    this.#unseen = new Backoff({ first: 40, last: 2_000 }, parts.random);
    this.#trouble = new Backoff({ first: 200, last: 5_000 }, parts.random);
  }

  /** Ends when every VIP is settled; `signal` ends it early, after the changes under way. */
  async run(signal: AbortSignal): Promise<ReadonlyMap<VipId, Taken>> {
    const { now, sleep } = this.#parts;
    const until = now() + this.#settings.patience;
    while (this.#open.size > 0 && !signal.aborted) {
      const wait = await this.#round(signal);
      if (this.#open.size === 0 || signal.aborted || now() + wait >= until) break;
      if (wait > 0) await sleep(wait, signal);
    }
    return this.results(signal.aborted);
  }

  /** What is so now; what is still open is given up. */
  results(aborted: boolean): ReadonlyMap<VipId, Taken> {
    const results = new Map(this.#taken);
    for (const id of this.#open.keys()) {
      const outcome = aborted ? this.#abortedOutcome(id) : this.#lateOutcome(id);
      results.set(id, { outcome, touched: this.#touched.has(id) });
    }
    return results;
  }

  /** Resolves with how long to wait before the next one. */
  async #round(signal: AbortSignal): Promise<Millis> {
    try {
      this.#sight = await this.#parts.mode.look([...this.#open.values()], { signal });
    } catch (error) {
      if (!(error instanceof GcpFailure)) throw error;
      return this.#lookFailed(error);
    }
    if (signal.aborted) return 0;
    const pieces = this.#plan();
    if (pieces.length === 0) return this.#open.size === 0 ? 0 : this.#unseen.next();
    return this.#act(pieces, signal);
  }

  #lookFailed(failure: GcpFailure): Millis {
    if (failure.kind === 'aborted') return 0;
    this.#failure = failure;
    if (isPassing(failure)) return this.#trouble.next();
    for (const id of [...this.#open.keys()]) this.#refuse(id, refusalOf(failure));
    return 0;
  }

  /** Settles what is settled, and says which pieces are to be made ours. */
  #plan(): readonly Piece[] {
    const { mode, wanted, claimOf } = this.#parts;
    const pieces: Piece[] = [];
    let room = mode.room();
    for (const [id, vip] of [...this.#open]) {
      const verdict = wanted(id) ? judge(vip, this.#sight, claimOf(id)) : undefined;
      if (verdict === undefined)
        this.#settle(id, { outcome: this.#abortedOutcome(id), touched: this.#touched.has(id) });
      else if (verdict.kind === 'ours') this.#have(id);
      else if (verdict.kind === 'refuse') this.#refuse(id, verdict.refusal);
      else if (verdict.pieces.length > room) this.#refuse(id, NO_ROOM);
      else {
        room -= verdict.pieces.length;
        pieces.push(...verdict.pieces.filter(({ key }) => !this.#isSettling(key)));
      }
    }
    return pieces.filter(({ vip }) => this.#open.has(vip));
  }

  async #act(pieces: readonly Piece[], signal: AbortSignal): Promise<Millis> {
    const { mode, compute, ledger, wanted, acting, shown } = this.#parts;
    const chains = mode.take(pieces, { fence: shown, alone: this.#alone });
    const running = runChains(chains, { compute, ledger, signal, wanted: ({ vip }) => wanted(vip) });
    acting();
    const done = await running;
    for (const each of done) this.#learn(each);
    if (done.some(({ failure }) => failure !== undefined)) {
      const stale = done.every(({ failure }) => failure === undefined || failure.kind === 'stale');
      return stale ? this.#unseen.next() : this.#trouble.next();
    }
    this.#unseen.reset();
    return 0;
  }

  #learn({ piece, failure, touched }: Done): void {
    if (touched) this.#touched.add(piece.vip);
    if (failure !== undefined) return this.#learnFailure(piece, failure);
    this.#granted.set(piece.key, this.#parts.now());
    this.#tell(piece);
  }

  #learnFailure({ key, vip }: Piece, failure: GcpFailure): void {
    this.#failure = failure;
    switch (failure.kind) {
      case 'unknown':
      case 'aborted':
      case 'throttled':
      case 'busy':
      case 'stale':
        return;
      case 'held':
      case 'exists':
      case 'absent':
        return this.#contradicted({ key, vip }, failure);
      case 'denied':
      case 'credentials':
        return this.#refuse(vip, refusalOf(failure));
      default:
        // One bad address fails the change for all: each goes by itself from now on.
        if (this.#alone.has(key) || this.#open.size === 1) this.#refuse(vip, refusalOf(failure));
        else this.#alone.add(key);
    }
  }

  /** The world is not as the look said: look again. */
  #contradicted({ key, vip }: Pick<Piece, 'key' | 'vip'>, failure: GcpFailure): void {
    const times = (this.#conflicts.get(key) ?? 0) + 1;
    this.#conflicts.set(key, times);
    if (times > CONFLICTS_MAX) this.#refuse(vip, refusalOf(failure));
    else this.#alone.add(key);
  }

  #isSettling(key: string): boolean {
    const at = this.#granted.get(key);
    return at !== undefined && this.#parts.now() - at <= this.#settings.settle;
  }

  #tell({ vip, address, seen }: Piece): void {
    const from = seen.state === 'theirs' ? ` from ${seen.holder.words}` : '';
    const before = this.#stories.get(vip);
    if (before?.includes(`${address} taken`) === true) return;
    const story = `${address} taken${from}`;
    this.#stories.set(vip, before === undefined ? story : `${before}, ${story}`);
  }

  #have(id: VipId): void {
    const reason = this.#stories.get(id) ?? 'led here already';
    this.#settle(id, { outcome: { held: true, code: 'ok', reason }, touched: false });
  }

  #refuse(id: VipId, { code, reason }: Refusal): void {
    this.#settle(id, { outcome: { held: false, code, reason }, touched: this.#touched.has(id) });
  }

  #settle(id: VipId, taken: Taken): void {
    if (this.#open.delete(id)) this.#taken.set(id, taken);
  }

  #abortedOutcome(id: VipId): Omit<VipOutcome, 'vip'> {
    const held = this.#touched.has(id) || isOurs(this.#sight, id);
    const reason = held ? 'given up half-way: what was asked for may be ours' : 'given up before it was done';
    return { held, code: 'aborted', reason };
  }

  #lateOutcome(id: VipId): Omit<VipOutcome, 'vip'> {
    const pieces = this.#sight.pieces.get(id) ?? [];
    if (
      pieces.length > 0 &&
      pieces.every(({ key, seen }) => seen.state === 'ours' || this.#granted.has(key))
    ) {
      const reason = `Google says that it is done and does not show it (${whoHas(this.#sight, id)}): look at the Google Cloud status page`;
      return { held: true, code: 'timeout', reason };
    }
    const code = this.#failure === undefined ? 'timeout' : outcomeCodeOf(this.#failure);
    return { held: false, code, reason: this.#failure?.message ?? 'Compute Engine did not do it in time' };
  }
}

const NO_ROOM: Refusal = {
  code: 'limit',
  reason: 'this interface carries as many addresses as it may: use a further host, or fewer VIPs',
};

function refusalOf(failure: GcpFailure): Refusal {
  return { code: outcomeCodeOf(failure), reason: failure.message };
}

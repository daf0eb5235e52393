/**
 * Makes VIPs ours: look, plan, act, look again until it is seen or the patience is over. Level-triggered: whatever an answer said,
 * or whether it came at all, the next look decides. Calls under way are never cut off, since nobody would know what they did.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { VipOutcome } from '../../src/provider/provider.ts';
import { type Attempted, attempt, Backoff } from './attempt.ts';
import type { Ec2 } from './ec2.ts';
import { Ec2Failure, isPassing, outcomeCodeOf } from './failures.ts';
import type { Claim } from './fence.ts';
import { isOurs, oursOf, planTake, whoHas } from './judgement.ts';
import { Parting } from './parting.ts';
import type { Mode, Piece, Planned, Refusal, Sight } from './sight.ts';
import { Tenures } from './tenures.ts';

export interface TakingParts {
  readonly ec2: Ec2;
  readonly mode: Mode;
  readonly now: () => Instant;
  /** Resolves after that time or when the signal is raised; never rejects. */
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly claimOf: (vip: VipId) => Claim;
  /** False as soon as a younger wish for the VIP exists. */
  readonly wanted: (vip: VipId) => boolean;
  /** The first calls of a batch go out now: time to show the fence beside them. */
  readonly acting: (calls: readonly Planned[]) => void;
}

export interface TakingSettings {
  /** How long what was granted may stay unseen. */
  readonly settle: Millis;
  /** How long passing trouble is waited for. */
  readonly patience: Millis;
  /** The fence is not shown with the change itself: nothing is taken from who came after our first look. */
  readonly byTenure: boolean;
}

export interface Taken {
  readonly outcome: Omit<VipOutcome, 'vip'>;
  /** What leads here, with what names it; empty unless it is held. */
  readonly pieces: readonly Piece[];
  /** Something was asked for on its behalf, so that something may be left of it. */
  readonly touched: boolean;
}

/** An answer that took longer is no look any more: the world went on meanwhile, or we stood still. */
const LOOK_FRESH: Millis = 2_000;
/** Times that a look and the answer to a call may contradict each other before we believe the call. */
const CONFLICTS_MAX = 6;
const CONFLICTS_MAX_WAITED_FOR = 2;

export class Taking {
  readonly #settings: TakingSettings;
  readonly #parts: TakingParts;
  readonly #open: Map<VipId, Vip>;
  readonly #taken = new Map<VipId, Taken>();
  readonly #granted = new Map<string, Instant>();
  readonly #freed = new Map<string, Instant>();
  readonly #parting = new Parting();
  readonly #touched = new Set<VipId>();
  readonly #stories = new Map<VipId, string>();
  readonly #conflicts = new Map<string, number>();
  readonly #unseen: Backoff;
  readonly #trouble: Backoff;
  readonly #tenures = new Tenures();
  /** The last look was answered too late to act on it. */
  #late = false;
  #failure: Ec2Failure | undefined;
  #sight: Sight = { pieces: new Map(), refused: new Map() };

  constructor(vips: readonly Vip[], settings: TakingSettings, parts: TakingParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#open = new Map(vips.map((vip) => [vip.id, vip]));
    this.#unseen = new Backoff({ first: 40, last: 2_000 }, parts.random);
    this.#trouble = new Backoff({ first: 200, last: 5_000 }, parts.random);
  }

  /** Ends when every VIP is settled; `signal` ends it early, after the calls under way. */
  async run(signal: AbortSignal): Promise<ReadonlyMap<VipId, Taken>> {
    const { now, sleep } = this.#parts;
    const until = now() + this.#settings.patience;
    while (this.#open.size > 0 && !signal.aborted) {
      const wait = await this.#round(signal);
      if (this.#open.size === 0 || signal.aborted) break;
      if (now() + wait >= until) break;
      if (wait > 0) await sleep(wait, signal);
    }
    return this.results(signal.aborted);
  }

  /** What is so now; what is still open is given up. */
  results(aborted: boolean): ReadonlyMap<VipId, Taken> {
    const results = new Map(this.#taken);
    for (const id of this.#open.keys()) {
      const touched = this.#touched.has(id);
      results.set(id, {
        outcome: aborted ? this.#abortedOutcome(id) : this.#lateOutcome(id),
        pieces: [],
        touched,
      });
    }
    return results;
  }

  /** Resolves with how long to wait before the next one. */
  async #round(signal: AbortSignal): Promise<Millis> {
    const { mode, now } = this.#parts;
    let sight: Sight;
    const askedAt = now();
    try {
      sight = await mode.look([...this.#open.values()], { signal });
    } catch (error) {
      if (!(error instanceof Ec2Failure)) throw error;
      return this.#lookFailed(error);
    }
    if (this.#settings.byTenure) sight = this.#tenures.judged(sight);
    this.#sight = sight;
    if (signal.aborted) return 0;
    // Two in a row: the API is slow, and there is nothing better.
    this.#late = !this.#late && now() - askedAt > LOOK_FRESH;
    if (this.#late) return 0;
    return this.#act(this.#withFreed(sight), signal);
  }

  #lookFailed(failure: Ec2Failure): Millis {
    if (failure.kind === 'aborted') return 0;
    this.#failure = failure;
    if (isPassing(failure)) return this.#trouble.next();
    for (const id of [...this.#open.keys()]) this.#refuse(id, refusalOf(failure));
    return 0;
  }

  async #act(sight: Sight, signal: AbortSignal): Promise<Millis> {
    const { mode, ec2, wanted, claimOf, acting } = this.#parts;
    for (const id of [...this.#open.keys()]) if (!wanted(id)) this.#supersede(id);
    const { calls, ours, refused, giveBack } = planTake(mode, {
      vips: [...this.#open.values()],
      sight,
      claimOf,
      granted: ({ key }) => this.#granted.has(key),
      apart: this.#parting.groups,
    });
    for (const id of ours) this.#have(id, sight);
    for (const [id, refusal] of refused) this.#refuse(id, refusal);
    this.#giveUpUnseen();
    const never = new AbortController().signal;
    const attempts = [attempt(ec2, calls, never), attempt(ec2, mode.giveCalls(giveBack), never)] as const;
    if (calls.length > 0) acting(calls);
    const [attempted] = await Promise.all(attempts);
    const freed = this.#learn(attempted);
    if (freed && !signal.aborted) return this.#act(this.#withFreed(sight), signal);
    return this.#waitAfter(attempted);
  }

  #waitAfter(attempted: readonly Attempted[]): Millis {
    if (attempted.some(({ failure }) => failure !== undefined && isPassing(failure)))
      return this.#trouble.next();
    // Another division of what was refused is another question: at once.
    if (attempted.some(({ failure, planned }) => failure === undefined || planned.pieces.length > 1)) {
      this.#unseen.reset();
      return 0;
    }
    return this.#unseen.next();
  }

  /** True if a call made room for another one. */
  #learn(attempted: readonly Attempted[]): boolean {
    let freed = false;
    const now = this.#parts.now();
    for (const { planned, failure } of attempted) {
      if (failure !== undefined) {
        this.#learnFailure(planned, failure);
        continue;
      }
      for (const piece of planned.pieces) {
        this.#touched.add(piece.vip);
        if (planned.frees === true) {
          this.#freed.set(piece.key, now);
          freed = true;
        } else this.#granted.set(piece.key, now);
        this.#tell(piece);
      }
    }
    return freed;
  }

  #learnFailure(planned: Planned, failure: Ec2Failure): void {
    const { pieces, frees } = planned;
    this.#failure = failure;
    switch (failure.kind) {
      case 'unknown':
      case 'aborted':
        for (const { vip } of pieces) this.#touched.add(vip);
        return;
      case 'throttled':
      case 'busy':
        return;
      case 'held':
      case 'exists':
      case 'no-route':
      case 'not-here':
        return this.#contradicted(pieces, failure);
      case 'denied':
      case 'credentials':
      case 'clock':
        return this.#refuseAll(pieces, failure);
      case 'absent':
        // No division helps where the interface is gone.
        if (frees !== true) return this.#refuseAll(pieces, failure);
        return this.#contradicted(pieces, failure);
      default:
        if (pieces.length > 1) this.#parting.part(pieces, failure.said);
        else if (frees === true) this.#contradicted(pieces, failure);
        else this.#refuseAll(pieces, failure);
    }
  }

  /** The world is not as the look said: look again. */
  #contradicted(pieces: readonly Piece[], failure: Ec2Failure): void {
    if (pieces.length > 1) return this.#parting.part(pieces, failure.said);
    for (const { key } of pieces) {
      const times = (this.#conflicts.get(key) ?? 0) + 1;
      this.#conflicts.set(key, times);
      if (times > this.#conflictsMax()) this.#refuseAll(pieces, failure);
    }
  }

  /** The answer comes when all are settled: what is had already is not kept waiting by one that cannot be. */
  #conflictsMax(): number {
    const waiting = [...this.#taken.values()].some(({ outcome }) => outcome.held);
    return waiting ? CONFLICTS_MAX_WAITED_FOR : CONFLICTS_MAX;
  }

  #refuseAll(pieces: readonly Piece[], failure: Ec2Failure): void {
    const { code, reason } = refusalOf(failure);
    for (const { vip, address } of pieces)
      this.#refuse(vip, { code, reason: pieces.length === 1 ? `${address}: ${reason}` : reason });
  }

  #tell({ vip, address, eni, seen }: Piece): void {
    const from = seen.state === 'theirs' ? ` from ${seen.holder.words}` : '';
    const story = `${address} taken${from} by ${eni}`;
    const before = this.#stories.get(vip);
    if (before?.includes(`${address} taken`) === true) return;
    this.#stories.set(vip, before === undefined ? story : `${before}, ${story}`);
  }

  #have(id: VipId, sight: Sight): void {
    const pieces = oursOf(sight, id);
    const reason = this.#stories.get(id) ?? `was with ${pieces[0]?.eni ?? 'us'} already`;
    this.#settle(id, { outcome: { held: true, code: 'ok', reason }, pieces, touched: false });
  }

  #refuse(id: VipId, { code, reason }: Refusal): void {
    this.#settle(id, { outcome: { held: false, code, reason }, pieces: [], touched: this.#touched.has(id) });
  }

  #supersede(id: VipId): void {
    this.#settle(id, { outcome: this.#abortedOutcome(id), pieces: [], touched: this.#touched.has(id) });
  }

  #settle(id: VipId, taken: Taken): void {
    if (!this.#open.delete(id)) return;
    this.#taken.set(id, taken);
  }

  #giveUpUnseen(): void {
    const { now } = this.#parts;
    for (const id of [...this.#open.keys()]) {
      const pieces = this.#sight.pieces.get(id) ?? [];
      const late = pieces.some(
        ({ key, seen }) =>
          seen.state !== 'ours' && now() - (this.#granted.get(key) ?? Infinity) > this.#settings.settle,
      );
      if (late) this.#settle(id, { outcome: this.#lateOutcome(id), pieces: [], touched: true });
    }
  }

  #withFreed(sight: Sight): Sight {
    if (this.#freed.size === 0) return sight;
    const { now } = this.#parts;
    const fresh = (key: string) => now() - (this.#freed.get(key) ?? -Infinity) < this.#settings.settle;
    const pieces = [...sight.pieces].map(
      ([id, some]) =>
        [
          id,
          some.map(
            (piece): Piece =>
              piece.seen.state === 'theirs' && fresh(piece.key)
                ? { ...piece, seen: { state: 'free' } }
                : piece,
          ),
        ] as const,
    );
    return { ...sight, pieces: new Map(pieces) };
  }

  #abortedOutcome(id: VipId): Omit<VipOutcome, 'vip'> {
    const held = this.#touched.has(id) || isOurs(this.#sight, id);
    const reason = held ? 'given up half-way: what was asked for may be ours' : 'given up before it was done';
    return { held, code: 'aborted', reason };
  }

  #lateOutcome(id: VipId): Omit<VipOutcome, 'vip'> {
    const granted = (this.#sight.pieces.get(id) ?? []).some(({ key }) => this.#granted.has(key));
    if (granted) {
      const seconds = Math.round(this.#settings.settle / 1000);
      const reason = `EC2 granted it and does not show it after ${seconds} s (${whoHas(this.#sight, id)}): look into the AWS Health Dashboard`;
      return { held: true, code: 'timeout', reason };
    }
    const code = this.#failure === undefined ? 'timeout' : outcomeCodeOf(this.#failure);
    return { held: false, code, reason: this.#failure?.message ?? 'EC2 did not do it in time' };
  }
}

function refusalOf(failure: Ec2Failure): Refusal {
  return { code: outcomeCodeOf(failure), reason: failure.message };
}

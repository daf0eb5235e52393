/**
 * Shows the fence on our interfaces: by one call an interface, only when the number rises. In mode `secondary-ip` beside the call
 * that takes the addresses; in the others, where each address costs a call of its own, with the look that follows the change: no failover
 * has a call more for it, and of many views in a row only the last is shown. Until then `tenures.ts` guards.
 */
import type { AwsMode } from '../../src/config/config.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import { failureOf } from './attempt.ts';
import { fenceTag, isMember, readFence } from './fence.ts';
import type { Settled } from './residence.ts';

export interface FencePostSettings {
  readonly cluster: string;
  readonly mode: AwsMode;
}

export interface FencePostParts {
  readonly now: () => Instant;
  readonly wall: () => number;
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
  /** Raised when the provider stops. */
  readonly stopped: AbortSignal;
}

export class FencePost {
  readonly #settings: FencePostSettings;
  readonly #parts: FencePostParts;
  #showing: Promise<void> | undefined;
  #shown = 0;
  #due = 0;
  #raisedAt: Instant = Number.NEGATIVE_INFINITY;
  #marked = false;
  /** Why it cannot be shown; undefined: it can. */
  trouble: string | undefined;

  constructor(settings: FencePostSettings, parts: FencePostParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Marks our interfaces as the cluster's, where nobody has. */
  async mark(settled: Settled): Promise<void> {
    if (this.#marked) return;
    const { cluster } = this.#settings;
    const enis = settled.place.interfaces.map(({ eni }) => eni);
    // An earlier run may have shown a number: it stands.
    this.#shown = Math.max(this.#shown, ...enis.map(({ tags }) => readFence(cluster, tags)?.fence ?? 0));
    const unmarked = enis.filter(({ tags }) => !isMember(cluster, tags)).map(({ id }) => id);
    this.#marked = unmarked.length === 0 || (await this.#write(unmarked, this.#shown, settled));
  }

  /** Something is taken under this fence. */
  raise(fence: number, settled: Settled): void {
    this.#due = Math.max(this.#due, fence);
    this.#raisedAt = this.#parts.now();
    if (this.#settings.mode === 'secondary-ip') void this.show(settled);
  }

  /** Shows what is due, unless something was taken a moment ago. Never rejects. */
  async rest(settled: Settled): Promise<void> {
    if (this.#settings.mode !== 'secondary-ip' && this.#parts.now() - this.#raisedAt < AT_REST_AFTER) return;
    await this.show(settled);
  }

  /** Shows what is due, if it is not shown yet; tries a few times, since a fence nobody sees fences nobody. Never rejects. */
  show(settled: Settled): Promise<void> {
    this.#showing ??= this.#untilShown(settled).finally(() => {
      this.#showing = undefined;
    });
    return this.#showing;
  }

  async #untilShown(settled: Settled): Promise<void> {
    const { sleep, stopped } = this.#parts;
    const enis = settled.place.interfaces.map(({ eni }) => eni.id);
    for (let tries = 0; this.#due > this.#shown && tries < TRIES_MAX && !stopped.aborted; tries += 1) {
      if (tries > 0) await sleep(AGAIN * 2 ** (tries - 1), stopped);
      const number = this.#due;
      if (await this.#write(enis, number, settled)) this.#shown = number;
    }
  }

  async #write(enis: readonly string[], ...[fence, { ec2 }]: [number, Settled]): Promise<boolean> {
    const tag = fenceTag(this.#settings.cluster, { fence, since: this.#parts.wall() });
    const signal = new AbortController().signal;
    const failures = await Promise.all(
      enis.map((resource) => failureOf(() => ec2.change({ kind: 'tag', resource, tag }, { signal }))),
    );
    const failure = failures.find((each) => each !== undefined);
    this.trouble =
      failure === undefined
        ? undefined
        : `the fence cannot be shown, so a member of an older view might take from us: ${failure.message}`;
    return failure === undefined;
  }
}

/**
 * Nothing was taken for so long. Less than the second in which whoever lost it looks a second time before it says so (`lookout.ts`): its
 * half of a split group sees the fence by then, and takes nothing back.
 */
const AT_REST_AFTER: Millis = 500;
const TRIES_MAX = 5;
/** Before the second try, doubling. */
const AGAIN: Millis = 200;

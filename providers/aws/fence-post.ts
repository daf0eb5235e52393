/**
 * Shows the fence on our interfaces: by one call an interface, only when the number rises. In mode `secondary-ip` beside the call
 * that takes the addresses; in the others, where each address costs a call of its own, with the look that follows.
 */
import type { AwsMode } from '../../src/config/config.ts';
import { failureOf } from './attempt.ts';
import { fenceTag, isMember, readFence } from './fence.ts';
import type { Settled } from './residence.ts';

export interface FencePostSettings {
  readonly cluster: string;
  readonly mode: AwsMode;
}

export class FencePost {
  readonly #settings: FencePostSettings;
  readonly #parts: { readonly wall: () => number };
  #shown = 0;
  #due = 0;
  #marked = false;
  /** Why it cannot be shown; undefined: it can. */
  trouble: string | undefined;

  constructor(settings: FencePostSettings, parts: { readonly wall: () => number }) {
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
    this.#marked = unmarked.length === 0 || (await this.#write(unmarked, settled));
  }

  /** Something is taken under this fence. */
  raise(fence: number, settled: Settled): void {
    this.#due = Math.max(this.#due, fence);
    if (this.#settings.mode === 'secondary-ip') void this.show(settled);
  }

  /** Shows what is due, if it is not shown yet. */
  async show(settled: Settled): Promise<void> {
    if (this.#due <= this.#shown) return;
    const before = this.#shown;
    this.#shown = this.#due;
    const done = await this.#write(
      settled.place.interfaces.map(({ eni }) => eni.id),
      settled,
    );
    if (!done) this.#shown = Math.min(this.#shown, before);
  }

  async #write(enis: readonly string[], { ec2 }: Settled): Promise<boolean> {
    const tag = fenceTag(this.#settings.cluster, { fence: this.#shown, since: this.#parts.wall() });
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

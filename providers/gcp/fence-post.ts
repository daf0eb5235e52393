/**
 * Shows the fence in mode `alias-ip`: a guest attribute of our instance, written through the metadata server. That is no change of the
 * API, costs no operation, and is there for others within milliseconds. The other modes write it on what they take.
 */
import { fenceText, readFence, type Shown } from './fence.ts';
import type { Metadata } from './metadata.ts';

export interface FencePostParts {
  readonly metadata: Metadata;
  readonly wall: () => number;
  readonly cluster: string;
  /** Undefined: this mode needs none. */
  readonly key: string | undefined;
}

export class FencePost {
  readonly #parts: FencePostParts;
  readonly #closed = new AbortController();
  #shown = -1;
  #due = 0;
  /** Why it cannot be shown; undefined: it can. */
  trouble: string | undefined;

  constructor(parts: FencePostParts) {
    this.#parts = parts;
  }

  /** Something is taken under this fence. */
  raise(fence: number): void {
    this.#due = Math.max(this.#due, fence);
    void this.show();
  }

  /** This run goes on where one that broke left off: nothing lower is shown. */
  adopt(text: string | undefined): void {
    const { fence } = (text === undefined ? undefined : readFence(this.#parts.cluster, text)) ?? { fence: 0 };
    this.#due = Math.max(this.#due, fence);
  }

  /** Shows what is due, if it is not shown yet. An earlier life's number is taken down by the first. */
  async show(): Promise<void> {
    const { key, cluster, metadata, wall } = this.#parts;
    if (key === undefined || this.#due <= this.#shown) return;
    const shown: Shown = { fence: this.#due, since: wall() };
    const before = this.#shown;
    this.#shown = shown.fence;
    try {
      await metadata.show(key, fenceText(cluster, shown), this.#closed.signal);
      this.trouble = undefined;
    } catch (error) {
      this.#shown = Math.min(this.#shown, before);
      const why = error instanceof Error ? error.message : String(error);
      this.trouble = `the fence cannot be shown, so a member of an older view might take from us: ${why}`;
    }
  }

  close(): void {
    this.#closed.abort();
  }
}

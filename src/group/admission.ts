/** How many strangers may be at our door at once, and how fast they may come. A function of what it is told; no clock. */
import type { Instant } from '../model/time.ts';

export const ADMISSION = {
  /** Connections at once whose other end has not yet shown who it is. */
  total_max: 64,
  per_source_max: 8,
  /** Accepted per source: so many in a burst, then so many a second. */
  burst: 40,
  per_second: 20,
  /** Sources remembered. */
  sources_max: 1024,
} as const;

export type AdmissionVerdict = 'admitted' | 'too-many' | 'too-many-from-source' | 'too-fast';

interface Source {
  waiting: number;
  tokens: number;
  refilledAt: Instant;
}

export class Admission {
  readonly #sources = new Map<string, Source>();
  #waiting = 0;

  /**
   * `expected`: the source is the address of a configured peer; it is not turned away because strangers fill the house.
   * After `admitted`, `release` must be called once.
   */
  admit(address: string, now: Instant, expected: boolean): AdmissionVerdict {
    const source = this.#source(address, now);
    if (source.waiting >= ADMISSION.per_source_max) return 'too-many-from-source';
    if (this.#waiting >= ADMISSION.total_max && !expected) return 'too-many';
    if (source.tokens < 1) return 'too-fast';
    source.tokens -= 1;
    source.waiting += 1;
    this.#waiting += 1;
    return 'admitted';
  }

  release(address: string): void {
    const source = this.#sources.get(address);
    if (source === undefined || source.waiting === 0) return;
    source.waiting -= 1;
    this.#waiting -= 1;
  }

  #source(address: string, now: Instant): Source {
    const known = this.#sources.get(address);
    if (known !== undefined) {
      const refill = ((now - known.refilledAt) * ADMISSION.per_second) / 1000;
      known.tokens = Math.min(ADMISSION.burst, known.tokens + refill);
      known.refilledAt = now;
      return known;
    }
    if (this.#sources.size >= ADMISSION.sources_max) this.#forgetIdle();
    const fresh: Source = { waiting: 0, tokens: ADMISSION.burst, refilledAt: now };
    this.#sources.set(address, fresh);
    return fresh;
  }

  /** Sources with a connection waiting are at most `total_max` plus the expected ones, so this always frees room. */
  #forgetIdle(): void {
    for (const [address, source] of this.#sources) if (source.waiting === 0) this.#sources.delete(address);
  }
}

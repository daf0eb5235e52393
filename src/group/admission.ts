/** How many strangers may be at our door at once, and how fast they may come. A function of what it is told; no clock. */
import type { Instant } from '../model/time.ts';

export const ADMISSION = {
  /** Connections at once whose other end has not yet shown who it is. */
  total_max: 64,
  per_source_max: 8,
  /** Accepted per source: so many in a burst, then so many a second. */
  burst: 40,
  per_second: 20,
  /** The same of all strangers together: sources can be had by the billion where addresses are long. */
  strangers_burst: 200,
  strangers_per_second: 100,
  /** Sources remembered. */
  sources_max: 1024,
} as const;

export type AdmissionVerdict =
  | 'admitted'
  | 'too-many'
  | 'too-many-from-source'
  | 'too-fast'
  | 'too-fast-in-total';

/** So many in a burst, then so many a second. */
class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at: Instant = Number.NEGATIVE_INFINITY;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  exhausted(now: Instant): boolean {
    const refill = ((now - this.#at) * this.#perSecond) / 1000;
    this.#left = Math.min(this.#burst, this.#left + refill);
    this.#at = now;
    return this.#left < 1;
  }

  spend(): void {
    this.#left -= 1;
  }
}

interface Source {
  waiting: number;
  readonly allowance: Allowance;
}

export class Admission {
  readonly #sources = new Map<string, Source>();
  readonly #strangers = new Allowance(ADMISSION.strangers_burst, ADMISSION.strangers_per_second);
  #waiting = 0;

  /**
   * `expected`: the source is the address of a configured peer; it is not turned away because strangers fill the house or come
   * too fast.
   * After `admitted`, `release` must be called once.
   */
  admit(address: string, now: Instant, expected: boolean): AdmissionVerdict {
    const source = this.#source(address);
    if (source.waiting >= ADMISSION.per_source_max) return 'too-many-from-source';
    if (this.#waiting >= ADMISSION.total_max && !expected) return 'too-many';
    if (source.allowance.exhausted(now)) return 'too-fast';
    if (!expected && this.#strangers.exhausted(now)) return 'too-fast-in-total';
    source.allowance.spend();
    if (!expected) this.#strangers.spend();
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

  #source(address: string): Source {
    const known = this.#sources.get(address);
    if (known !== undefined) return known;
    if (this.#sources.size >= ADMISSION.sources_max) this.#forgetIdle();
    const fresh = { waiting: 0, allowance: new Allowance(ADMISSION.burst, ADMISSION.per_second) };
    this.#sources.set(address, fresh);
    return fresh;
  }

  /** Sources with a connection waiting are at most `total_max` plus the expected ones, so this always frees room. */
  #forgetIdle(): void {
    for (const [address, source] of this.#sources) if (source.waiting === 0) this.#sources.delete(address);
  }
}

/**
 * Trouble on purpose for a fake cloud: delay, throttling, denial, hangs, lost answers, garbage, outages of single clients. Knows nothing
 * of any cloud: it decides, for each request, what becomes of it. Shared by all fakes.
 */

export interface Asked {
  readonly action: string;
  /** Address of who asks. */
  readonly client: string;
  readonly mutating: boolean;
}

/** What becomes of a request. `answered`: as it should be. */
export type Fate =
  | { readonly kind: 'answered' }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'denied' }
  /** The connection stays open and nothing comes. */
  | { readonly kind: 'hung' }
  /** It is done, and the connection is cut before the answer. */
  | { readonly kind: 'lost-answer' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'server-error' }
  | { readonly kind: 'garbage'; readonly body: string };

export type Trouble = Exclude<Fate['kind'], 'answered' | 'garbage'>;

interface Rule {
  readonly matches: (asked: Asked) => boolean;
  readonly fate: Fate;
  /** How many requests it still meets. */
  left: number;
}

/** Tokens that come back with time; each request takes one. */
interface Bucket {
  readonly capacity: number;
  readonly perSecond: number;
  tokens: number;
  at: number;
}

export interface Meets {
  /** Only these actions; absent: all. */
  readonly actions?: readonly string[];
  /** Only this client; absent: all. */
  readonly client?: string;
  /** Only those that would change something. */
  readonly mutating?: boolean;
  /** So many requests; absent: until `calm`. */
  readonly times?: number;
}

export class Faults {
  readonly #rules: Rule[] = [];
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;
  readonly #random: () => number;
  /** Before each answer, ms. */
  delay = 0;
  /** Chances of troubles by kind, 0 to 1; drawn for each request that no rule meets. */
  readonly chances = new Map<Trouble, number>();

  constructor({
    now = () => performance.now(),
    random = Math.random,
  }: { now?: () => number; random?: () => number } = {}) {
    this.#now = now;
    this.#random = random;
  }

  /** From now on requests that match meet this fate. Returns what ends it. */
  meet(fate: Trouble | { readonly garbage: string }, meets: Meets = {}): () => void {
    const rule: Rule = {
      matches: ({ action, client, mutating }) =>
        (meets.actions?.includes(action) ?? true) &&
        (meets.client === undefined || meets.client === client) &&
        (meets.mutating === undefined || meets.mutating === mutating),
      fate: typeof fate === 'string' ? { kind: fate } : { kind: 'garbage', body: fate.garbage },
      left: meets.times ?? Number.POSITIVE_INFINITY,
    };
    this.#rules.push(rule);
    return () => {
      rule.left = 0;
    };
  }

  /** A bucket of the account for one action, as EC2 has them. */
  bucket(
    action: string,
    { capacity, perSecond }: { readonly capacity: number; readonly perSecond: number },
  ): void {
    this.#buckets.set(action, { capacity, perSecond, tokens: capacity, at: this.#now() });
  }

  /** All trouble is over. */
  calm(): void {
    this.#rules.length = 0;
    this.#buckets.clear();
    this.chances.clear();
    this.delay = 0;
  }

  fateOf(asked: Asked): Fate {
    const rule = this.#rules.find((each) => each.left > 0 && each.matches(asked));
    if (rule !== undefined) {
      rule.left -= 1;
      return rule.fate;
    }
    if (!this.#hasToken(asked.action)) return { kind: 'throttled' };
    for (const [kind, chance] of this.chances) if (this.#random() < chance) return { kind };
    return { kind: 'answered' };
  }

  #hasToken(action: string): boolean {
    const bucket = this.#buckets.get(action);
    if (bucket === undefined) return true;
    const now = this.#now();
    bucket.tokens = Math.min(bucket.capacity, bucket.tokens + ((now - bucket.at) / 1000) * bucket.perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

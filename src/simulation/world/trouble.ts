/** What a provider may do wrong for a while. */
import type { Instant } from '../../model/time.ts';
import type { Random } from './random.ts';

export type TroubleKind =
  /** The call fails, nothing is done. */
  | 'error'
  /** It is done, but the answer comes only when the caller gives up. */
  | 'lost-answer'
  /** Nothing is done, and the answer comes only when the caller gives up. */
  | 'hang'
  | 'slow'
  /** The provider breaks its contract and throws. */
  | 'throw'
  /** What is read is old: an address that is gone is still seen. */
  | 'stale';

export interface ProviderTrouble {
  readonly kind: TroubleKind;
  readonly until: Instant;
  /** Of the calls. */
  readonly share: number;
  /** Releases too, not only acquires. */
  readonly releases: boolean;
}

export function strikes(
  trouble: ProviderTrouble | undefined,
  { now, random }: { now: Instant; random: Random },
): trouble is ProviderTrouble {
  return trouble !== undefined && now < trouble.until && random.chance(trouble.share);
}

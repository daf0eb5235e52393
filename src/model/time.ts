/**
 * Time in the pure rooms is a number that somebody else read from a monotonic clock.
 *
 * An `Instant` counts milliseconds (fractions allowed) since an arbitrary start and never steps; it is
 * comparable only within one process. Wall-clock time appears in logs and status alone.
 */
export type Instant = number & { readonly __brand?: 'Instant' };

/** A length of time in milliseconds; never negative. */
export type Millis = number & { readonly __brand?: 'Millis' };

/** The earlier of two instants of which either may be missing. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}

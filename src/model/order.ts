/**
 * The one order of identifiers: by UTF-16 code unit, the same on every host whatever its locale.
 * For the identifiers we allow (ASCII) this equals the order by bytes.
 */
export function compareIds(a: string, b: string): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A sorted copy, by {@link compareIds}. */
export function sortedIds<T extends string>(ids: Iterable<T>): T[] {
  return [...ids].sort(compareIds);
}

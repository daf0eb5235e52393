/**
 * Members as small numbers, and whom one of them says it hears as bits. In a view of fifty a judgement asks for five thousand
 * pairs, and each member judges anew with whatever one of them tells.
 */
import type { Incarnation } from './messages.ts';

/** A place for each member that is known. */
export type Places = ReadonlyMap<Incarnation, number>;

export type PlaceBits = Uint32Array;

export function placesOf(incarnations: Iterable<Incarnation>): Places {
  const places = new Map<Incarnation, number>();
  for (const incarnation of incarnations) if (!places.has(incarnation)) places.set(incarnation, places.size);
  return places;
}

/** Strangers have no place and leave no bit. */
export function bitsOf(incarnations: Iterable<Incarnation>, places: Places): PlaceBits {
  const bits = new Uint32Array((places.size + 31) >> 5);
  for (const incarnation of incarnations) {
    const place = places.get(incarnation);
    if (place !== undefined) bits[place >> 5]! |= 1 << (place & 31);
  }
  return bits;
}

export function hasBit(bits: PlaceBits, place: number): boolean {
  return ((bits[place >> 5] ?? 0) & (1 << (place & 31))) !== 0;
}

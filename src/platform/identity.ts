/** Where this run's identity and other unpredictable numbers come from. Keeps nothing. */
import { randomBytes } from 'node:crypto';

const RANDOM_BITS = 20n;
const INCARNATION_BITS = 64;

/**
 * 16 hexadecimal digits that no other start of this agent has had or will have: 44 bits of wall-clock milliseconds,
 * then 20 random bits. Later starts sort after earlier ones unless the wall clock was set back; nothing relies on that.
 */
export function freshIncarnation(): string {
  const random = BigInt(randomBytes(4).readUInt32BE()) & ((1n << RANDOM_BITS) - 1n);
  const number = BigInt.asUintN(INCARNATION_BITS, (BigInt(Date.now()) << RANDOM_BITS) | random);
  return number.toString(16).padStart(16, '0');
}

/** `length` bytes nobody can foresee. */
export function freshToken(length: number): Buffer {
  return randomBytes(length);
}

/** Wall-clock time in whole seconds since 1970: for judging the age of what another host sent, never for a deadline. */
export function wallClockSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

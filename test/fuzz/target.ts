/** What a fuzz target is: where its inputs come from, and what must hold for each. Inputs are plain data, so that they can be kept. */
import type fc from 'fast-check';

export interface Target<Input> {
  readonly name: string;
  /** What is fuzzed, for people. */
  readonly about: string;
  /** Its part of all inputs, compared with the other targets': cheap ones get more. */
  readonly share: number;
  /** Called once a run: a corpus may take a moment to make. */
  readonly inputs: () => fc.Arbitrary<Input>;
  /** Throws with a sentence when something does not hold. */
  readonly check: (input: Input) => void;
  /** How many inputs this one counts as: the messages of a whole story. 1 unless given. */
  readonly countOf?: (input: Input) => number;
  /** Inputs that count as thousands: played one by one from the beginning. */
  readonly long?: boolean;
  /** Longest time an input may take, ms of an idle machine; 100 unless given. */
  readonly patience?: number;
}

/** Targets of different inputs in one list: who runs them passes each target's own inputs back to it. */
// biome-ignore lint/suspicious/noExplicitAny: a list of targets forgets what each one's input is.
export type AnyTarget = Target<any>;

/** Something that must hold does not. */
export function demand(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Error(otherwise());
}

/** Rough size of decoded values in bytes: what is reachable, each part with a small constant. A view on a buffer counts itself. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Uint8Array) return 16 + value.length;
  let size = 16;
  if (Array.isArray(value)) for (const item of value) size += sizeOf(item);
  else if (value instanceof Map) for (const [key, item] of value) size += sizeOf(key) + sizeOf(item);
  else for (const [key, item] of Object.entries(value)) size += key.length + sizeOf(item);
  return size;
}

/** What was decoded takes no more than a small multiple of what it was decoded from. */
export function demandSmall(value: unknown, bytes: number, { factor = 40 }: { factor?: number } = {}): void {
  const size = sizeOf(value);
  demand(size <= 1024 + factor * bytes, () => `${bytes} bytes were decoded into ${size} bytes`);
}

/** Equal as data, whatever the order of keys; buffers by their bytes. */
export function sameData(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, plain) === JSON.stringify(b, plain);
}

function plain(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has become an object by its own `toJSON` before it comes here.
  const original = (this as Record<string, unknown>)[key];
  if (typeof original === 'bigint') return `${original}n`;
  if (original instanceof Uint8Array) return Buffer.from(original).toString('hex');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // Also a key that is called `__proto__` counts.
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 64)).toString('hex') + (bytes.length > 64 ? '…' : '');
}

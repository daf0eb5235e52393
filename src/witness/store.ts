/**
 * The port to where a witness's record lies: one small object outside the group that is changed only if it is still what one
 * knows it to be (compare and set). It decides nothing.
 */

export interface WitnessRecord {
  /** Member id of who has it; empty: nobody. */
  readonly owner: string;
  /** Highest fence that any owner acted under. */
  readonly fence: number;
  /** Fresh with each write, so that one whose answer was lost is known again. */
  readonly nonce: string;
}

export type Reading =
  | { readonly kind: 'absent' }
  /** `version` changes with each write and is good for nothing but to be compared. */
  | { readonly kind: 'record'; readonly version: string; readonly record: WitnessRecord };

export type Writing =
  | { readonly kind: 'written'; readonly version: string }
  /** It is not what it was thought to be; nothing was written. */
  | { readonly kind: 'conflict' };

/** Calls reject with an Error for a person; what was asked may have been done all the same. */
export interface WitnessStore {
  read(signal: AbortSignal): Promise<Reading>;
  /** Writes only where the version is still this one; undefined: only where there is none yet. */
  write(record: WitnessRecord, version: string | undefined, signal: AbortSignal): Promise<Writing>;
  close(): void;
}

const OWNER_LENGTH_MAX = 200;

/** From the text of a record; throws an Error for a person where somebody else's text lies there. */
export function recordOf(text: string): WitnessRecord {
  const wrong = new Error(
    'what lies there is no record of a witness; name a key of its own, or remove it if nobody else uses it',
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong;
  }
  if (typeof value !== 'object' || value === null) throw wrong;
  const { owner, fence, nonce } = value as Record<string, unknown>;
  if (typeof owner !== 'string' || owner.length > OWNER_LENGTH_MAX) throw wrong;
  if (typeof fence !== 'number' || !Number.isSafeInteger(fence) || fence < 0) throw wrong;
  if (typeof nonce !== 'string' || nonce.length > OWNER_LENGTH_MAX) throw wrong;
  return { owner, fence, nonce };
}

export function textOf({ owner, fence, nonce }: WitnessRecord): string {
  return JSON.stringify({ owner, fence, nonce });
}

/** Keys and authentication codes: HKDF (RFC 5869) and HMAC (RFC 2104), both over SHA-256. Keeps no secret itself. */
import {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';

/** A key ready for use; its bytes cannot be printed by accident. */
export type SealingKey = KeyObject;

export interface DerivationPurpose {
  /** Not secret; separates groups that were given one key. */
  readonly salt: string;
  /** Not secret; separates the uses of one key. */
  readonly use: string;
}

/** 32 bytes that follow from `secret` and the purpose, and from which neither `secret` nor another purpose's key follows. */
export function deriveKey(secret: Uint8Array, purpose: DerivationPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, purpose.salt, purpose.use, 32));
}

export function sealingKey(bytes: Uint8Array): SealingKey {
  return createSecretKey(bytes);
}

/** The code of the parts one after the other, cut to its first `length` bytes (≤ 32). */
export function authenticationCode(key: SealingKey, parts: readonly Uint8Array[], length: number): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest().subarray(0, length);
}

/** Whether two codes are equal, in a time that tells nothing about where they differ. */
export function codesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** First `length` bytes (≤ 32) of the SHA-256 of a text in UTF-8: a short name for it that is no secret. */
export function shortHash(text: string, length: number): Buffer {
  return createHash('sha256').update(text, 'utf8').digest().subarray(0, length);
}

/** Names a secret of 32 random bytes without telling anything of it: 16 hexadecimal digits, the same on every host. */
export function keyFingerprint(secret: Uint8Array): string {
  return deriveKey(secret, { salt: '', use: 'wackamole fingerprint 1' }).toString('hex', 0, 8);
}

/**
 * What a C library points at, copied out. Not by `koffi.decode`: with a length it keeps a type, or at least the name of one, at each call and for ever, and a
 * daemon that tells something a dozen times a second would fill the memory with them.
 */
import koffi from 'koffi';

const copy = koffi.load(null).func('void memcpy(void *to, const void *from, size_t length)');

/** So many bytes; they are their receiver's own. @param pointer as koffi hands it to a callback; not read where `length` is 0 */
export function bytesAt(pointer: unknown, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (length > 0) copy(bytes, pointer, length);
  return bytes;
}

/** So many words of 32 bits, in this machine's order. */
export function wordsAt(pointer: unknown, count: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bytesAt(pointer, count * Uint32Array.BYTES_PER_ELEMENT).buffer);
}

/** Bytes that are nearly right: entries of a corpus with a few edits, and now and then no sense at all. */
import fc from 'fast-check';

/** Values at which lengths, counts and signs turn over. */
const EDGES = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100, 101, 127, 128, 254, 255];
const WIDE_EDGES = [
  0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
/** Longest input by insertion and doubling, bytes. */
const LENGTH_MAX = 1 << 16;

/** What is done, where (a part of the length in 1/65536), and with what. */
type Edit = readonly [kind: number, at: number, value: number];

/** Never empty corpus. The result is a buffer of its own. */
export function nearly(corpus: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const edits = fc.array(fc.tuple(fc.nat(EDITS.length - 1), fc.nat(0xffff), fc.nat(0xffff)), {
    maxLength: 5,
    size: 'max',
  });
  const edited = fc
    .tuple(fc.nat(corpus.length - 1), fc.nat(corpus.length - 1), edits)
    .map(([entry, other, list]) => applied(corpus[entry]!, corpus[other]!, list));
  const noise = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ arbitrary: edited, weight: 9 }, { arbitrary: noise, weight: 1 });
}

/** Texts that are nearly right, in the same way; not always well-formed Unicode before they are read as UTF-8. */
export function nearlyText(corpus: readonly string[]): fc.Arbitrary<string> {
  return nearly(corpus.map((text) => Buffer.from(text))).map((bytes) => bytes.toString());
}

function applied(entry: Uint8Array, other: Uint8Array, edits: readonly Edit[]): Buffer {
  let bytes: Buffer = Buffer.from(entry);
  for (const [kind, where, value] of edits) {
    const at = Math.floor((where / 0x1_0000) * (bytes.length + 1));
    bytes = EDITS[kind]!(bytes, { at, value, other });
    if (bytes.length > LENGTH_MAX) bytes = bytes.subarray(0, LENGTH_MAX);
  }
  return bytes;
}

interface Spot {
  readonly at: number;
  readonly value: number;
  readonly other: Uint8Array;
}

const EDITS: readonly ((bytes: Buffer, spot: Spot) => Buffer)[] = [
  (bytes, { at, value }) => put(bytes, at, [value & 0xff]),
  (bytes, { at, value }) => put(bytes, at, [(bytes[at] ?? 0) ^ (1 << (value & 7))]),
  (bytes, { at, value }) => put(bytes, at, [EDGES[value % EDGES.length]!]),
  (bytes, { at, value }) => put(bytes, at, wide(value, 2)),
  (bytes, { at, value }) => put(bytes, at, wide(value, 4)),
  (bytes, { at, value }) => put(bytes, at, wide(value, 4).reverse()),
  (bytes, { at, value }) => put(bytes, at, [((bytes[at] ?? 0) + (value & 1 ? 1 : 255)) & 0xff]),
  (bytes, { at }) => bytes.subarray(0, at),
  (bytes, { at, value }) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (value & 15))]),
  (bytes, { at, value }) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + (value & 15), value >> 8), bytes.subarray(at)]),
  (bytes, { at, value }) => {
    const part = bytes.subarray(at, at + 1 + (value & 63));
    return Buffer.concat([bytes.subarray(0, at), part, part, bytes.subarray(at + part.length)]);
  },
  (bytes, { at, other }) =>
    Buffer.concat([bytes.subarray(0, at), other.subarray(Math.min(at, other.length))]),
];

function wide(value: number, bytes: 2 | 4): number[] {
  const edge = WIDE_EDGES[value % WIDE_EDGES.length]!;
  const all = [edge >>> 24, (edge >>> 16) & 0xff, (edge >>> 8) & 0xff, edge & 0xff];
  return all.slice(4 - bytes);
}

function put(bytes: Buffer, at: number, values: readonly number[]): Buffer {
  for (const [index, value] of values.entries()) if (at + index < bytes.length) bytes[at + index] = value;
  return bytes;
}

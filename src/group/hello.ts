/** The first frame of a stream: who speaks, for which group, in which wire versions. Decodes what strangers send. */
import type { PeerAddress } from '../config/config.ts';
import { isMemberId, type MemberId } from '../model/member.ts';

export interface Hello {
  /** Wire versions the sender understands, inclusive. */
  readonly wireOldest: number;
  readonly wireNewest: number;
  readonly cluster: string;
  readonly member: MemberId;
  /** Where the sender listens; its host may be a wildcard. */
  readonly listen: PeerAddress;
  /** 32 hexadecimal digits, fresh for each stream: what is sent beside the stream is bound to both ends' tokens. */
  readonly token: string;
  /** How long the sender has been running, in milliseconds: of two members with one name the younger one yields. */
  readonly age: number;
}

export type HelloResult =
  | { readonly ok: true; readonly value: Hello }
  | { readonly ok: false; readonly error: string };

const MAGIC = 'wackamole';
const TOKEN = /^[0-9a-f]{32}$/;
const TEXT_LENGTH_MAX = 255;

export function encodeHello(hello: Hello): Buffer {
  const { wireOldest, wireNewest, cluster, member, listen, token, age } = hello;
  return Buffer.from(
    JSON.stringify({ magic: MAGIC, wire: [wireOldest, wireNewest], cluster, member, listen, token, age }),
  );
}

/** Unknown fields are ignored, so that later versions may add some. */
export function decodeHello(bytes: Uint8Array): HelloResult {
  const value = parsed(bytes);
  if (!isRecord(value) || value['magic'] !== MAGIC) return bad('it is no hello of Wackamole');
  const { wire, cluster, member, listen, token, age } = value;
  if (!Array.isArray(wire) || !isCount(wire[0], 255) || !isCount(wire[1], 255))
    return bad('bad wire versions');
  if (!isText(cluster)) return bad('bad cluster name');
  if (typeof member !== 'string' || !isMemberId(member)) return bad('bad member id');
  if (!isRecord(listen) || !isText(listen['host']) || !isCount(listen['port'], 65_535)) {
    return bad('bad listen address');
  }
  if (typeof token !== 'string' || !TOKEN.test(token)) return bad('bad token');
  if (!isCount(age, Number.MAX_SAFE_INTEGER)) return bad('bad age');
  return {
    ok: true,
    value: {
      wireOldest: wire[0],
      wireNewest: wire[1],
      cluster,
      member,
      listen: { host: listen['host'], port: listen['port'] },
      token,
      age,
    },
  };
}

export interface WireRange {
  readonly oldest: number;
  readonly newest: number;
}

/** The newest version both ends understand; absent when there is none. */
export function commonWireVersion(ours: WireRange, theirs: Hello): number | undefined {
  const version = Math.min(ours.newest, theirs.wireNewest);
  return version >= Math.max(ours.oldest, theirs.wireOldest) ? version : undefined;
}

/** Why a stream is refused; the first byte of a `refuse` frame. */
export const REFUSAL = {
  malformed: 1,
  'wrong-cluster': 2,
  'wrong-version': 3,
  'name-in-use': 4,
  /** Our pair has a stream that works. */
  duplicate: 5,
  /** You dialled yourself. */
  self: 6,
  busy: 7,
} as const;

export type RefusalCode = keyof typeof REFUSAL;

export interface Refusal {
  readonly code: RefusalCode;
  /** For people at the other end. */
  readonly text: string;
}

const REASON_LENGTH_MAX = 300;

export function encodeRefusal(refusal: Refusal): Buffer {
  return Buffer.concat([Buffer.of(REFUSAL[refusal.code]), encodeReason(refusal.text)]);
}

/** Absent when the code is none we know. */
export function decodeRefusal(bytes: Uint8Array): Refusal | undefined {
  const entry = Object.entries(REFUSAL).find(([, number]) => number === bytes[0]);
  if (entry === undefined) return undefined;
  return { code: entry[0] as RefusalCode, text: decodeReason(bytes.subarray(1)) };
}

export function encodeReason(text: string): Buffer {
  return Buffer.from(text.slice(0, REASON_LENGTH_MAX));
}

/** Text from outside, made fit for a log line and a terminal. */
export function decodeReason(bytes: Uint8Array): string {
  const text = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.length, REASON_LENGTH_MAX * 3),
  ).toString();
  return text.replaceAll(/[^\P{C} ]/gu, '?').slice(0, REASON_LENGTH_MAX);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

function bad(error: string): HelloResult {
  return { ok: false, error };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX;
}

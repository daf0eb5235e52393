/**
 * Datagrams between members: who sends, a number against replays, and a code that only a holder of the cluster key can make.
 *
 * Layout (big endian): magic 'Wm', format 1, kind | cluster hash 4 | pair 4 | number 8 | wall clock 4 | listen port 2 |
 * length of the sender's id 1, the id | body | code 16. The code covers everything before it, and for heartbeats also the
 * pair's tokens, so that a recording of an earlier stream's time is refused.
 */
import { isMemberId, type MemberId } from '../model/member.ts';
import { authenticationCode, codesEqual, type SealingKey, shortHash } from '../platform/keyed-hash.ts';
import type { Preference } from '../platform/split-datagrams.ts';

/** Longest datagram we send or look at: fits every sane path. */
export const DATAGRAM_BYTES_MAX = 1200;

const MAGIC = 0x576d;
const FORMAT = 1;
const KIND = { seek: 1, heartbeat: 2, beacon: 3 } as const;
const CODE_BYTES = 16;
const AT = { kind: 3, cluster: 4, pair: 8, number: 12, clock: 20, port: 24, idLength: 26, id: 27 } as const;

export type DatagramKind = keyof typeof KIND;

export interface DatagramSecret {
  /** Seals, and opens. */
  readonly key: SealingKey;
  /** Open only: the other keys of a rotation. */
  readonly others?: readonly SealingKey[];
  /** Four bytes that name the cluster, in clear. */
  readonly clusterHash: Buffer;
}

/** Of a pair's stream: what both ends contributed, the smaller member's first. */
export type PairToken = Buffer;

export interface Datagram {
  readonly kind: DatagramKind;
  readonly sender: MemberId;
  /** Rises with every datagram of the sender's run, whatever the destination. From 1. */
  readonly number: bigint;
  /** Seconds since 1970, by the sender's wall clock. */
  readonly clock: number;
  /** Where the sender listens, TCP and UDP. */
  readonly listenPort: number;
  /** A heartbeat's bytes; empty where there is none. */
  readonly body: Uint8Array;
}

const NO_TOKEN = Buffer.alloc(0);
const NO_TOKENS: readonly PairToken[] = [NO_TOKEN];

/** Absent when it would exceed {@link DATAGRAM_BYTES_MAX}. */
export function sealDatagram(
  datagram: Datagram,
  secret: DatagramSecret,
  token: PairToken = NO_TOKEN,
): Buffer | undefined {
  const id = Buffer.from(datagram.sender, 'latin1');
  const length = AT.id + id.length + datagram.body.length + CODE_BYTES;
  if (length > DATAGRAM_BYTES_MAX) return undefined;
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt16BE(MAGIC, 0);
  bytes.writeUInt8(FORMAT, 2);
  bytes.writeUInt8(KIND[datagram.kind], AT.kind);
  bytes.set(secret.clusterHash, AT.cluster);
  bytes.writeUInt32BE(pairMark(token), AT.pair);
  bytes.writeBigUInt64BE(datagram.number, AT.number);
  bytes.writeUInt32BE(datagram.clock >>> 0, AT.clock);
  bytes.writeUInt16BE(datagram.listenPort, AT.port);
  bytes.writeUInt8(id.length, AT.idLength);
  bytes.set(id, AT.id);
  bytes.set(datagram.body, AT.id + id.length);
  const covered = bytes.subarray(0, length - CODE_BYTES);
  bytes.set(authenticationCode(secret.key, [covered, token], CODE_BYTES), length - CODE_BYTES);
  return bytes;
}

export type DatagramError = 'malformed' | 'wrong-cluster' | 'stale-pair' | 'wrong-key';

export type OpenResult =
  | { readonly ok: true; readonly value: Datagram }
  | { readonly ok: false; readonly error: DatagramError };

/** `tokensOf`: of the streams we have or are about to have with a member, for its heartbeats. Bounded work, never throws. */
export function openDatagram(
  bytes: Buffer,
  secret: DatagramSecret,
  tokensOf: (sender: MemberId) => readonly PairToken[],
): OpenResult {
  const head = readHead(bytes);
  if (head === undefined) return refuse('malformed');
  if (!bytes.subarray(AT.cluster, AT.pair).equals(secret.clusterHash)) return refuse('wrong-cluster');
  const { kind, sender } = head;
  const mark = bytes.readUInt32BE(AT.pair);
  const tokens = kind === 'heartbeat' ? tokensOf(sender) : NO_TOKENS;
  const token = tokens.find((candidate) => pairMark(candidate) === mark);
  if (token === undefined) return refuse('stale-pair');
  const covered = bytes.subarray(0, bytes.length - CODE_BYTES);
  const code = bytes.subarray(bytes.length - CODE_BYTES);
  const made = (key: SealingKey): boolean =>
    codesEqual(authenticationCode(key, [covered, token], CODE_BYTES), code);
  if (!made(secret.key) && !(secret.others ?? []).some(made)) return refuse('wrong-key');
  return {
    ok: true,
    value: {
      kind,
      sender,
      number: bytes.readBigUInt64BE(AT.number),
      clock: bytes.readUInt32BE(AT.clock),
      listenPort: bytes.readUInt16BE(AT.port),
      body: covered.subarray(AT.id + head.idLength),
    },
  };
}

/** By which bytes heartbeats of these pairs are told from all else before anybody looks at their code. */
export function heartbeatPreference(clusterName: Buffer, tokens: readonly PairToken[]): Preference {
  return {
    fixed: [
      { at: 0, bytes: 2, is: MAGIC },
      { at: 2, bytes: 1, is: FORMAT },
      { at: AT.kind, bytes: 1, is: KIND.heartbeat },
      { at: AT.cluster, bytes: 4, is: clusterName.readUInt32BE(0) },
    ],
    mark: { at: AT.pair, values: tokens.map(pairMark) },
  };
}

/** Whether it says so; nothing else of it is looked at. */
export function isHeartbeat(bytes: Uint8Array): boolean {
  return bytes[AT.kind] === KIND.heartbeat;
}

/** The cluster's name as four bytes. */
export function clusterHash(cluster: string): Buffer {
  return shortHash(cluster, AT.pair - AT.cluster);
}

interface Head {
  readonly kind: DatagramKind;
  readonly sender: MemberId;
  readonly idLength: number;
}

function readHead(bytes: Buffer): Head | undefined {
  if (bytes.length < AT.id + CODE_BYTES || bytes.length > DATAGRAM_BYTES_MAX) return undefined;
  if (bytes.readUInt16BE(0) !== MAGIC || bytes[2] !== FORMAT) return undefined;
  const kind = kindOf(bytes.readUInt8(AT.kind));
  const idLength = bytes.readUInt8(AT.idLength);
  if (kind === undefined || bytes.length < AT.id + idLength + CODE_BYTES) return undefined;
  const sender = bytes.toString('latin1', AT.id, AT.id + idLength);
  return isMemberId(sender) ? { kind, sender, idLength } : undefined;
}

function kindOf(code: number): DatagramKind | undefined {
  if (code === KIND.heartbeat) return 'heartbeat';
  if (code === KIND.seek) return 'seek';
  return code === KIND.beacon ? 'beacon' : undefined;
}

/** Four bytes of the token in clear: they tell an old stream's heartbeat from a forged one, and nothing of the rest. */
function pairMark(token: PairToken): number {
  return token.length < 4 ? 0 : token.readUInt32BE(0);
}

function refuse(error: DatagramError): OpenResult {
  return { ok: false, error };
}

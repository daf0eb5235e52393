/**
 * What our members say to each other through a Spread group, as bytes: a magic number, a version, one kind of word, and a check
 * that covers the cluster's name. Whatever does not fit is somebody else's message. Pure; decoding never throws.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, MalformedBytes } from '../../membership/byte-reader.ts';
import { ByteWriter } from '../../membership/byte-writer.ts';
import type { MemberId } from '../../model/member.ts';
import type { ViewId } from '../../model/view.ts';
import type { GroupId } from './message.ts';
import { NAME_LENGTH_MAX } from './wire.ts';

/** One exchange of announcements: a membership of the Spread group, and how many were passed over in it so far. */
export interface Round {
  readonly id: GroupId;
  readonly passedOver: number;
}

export type Envelope =
  /** Who is behind a private group, and where it comes from. */
  | {
      readonly kind: 'announce';
      readonly round: Round;
      readonly member: MemberId;
      /** This and the next number are the sender's for this round: no view has had an epoch of its from them, nor will one in another. */
      readonly number: number;
      /** The view it has, absent before its first; and who came along with it since, in that view's order. */
      readonly installed?: { readonly view: ViewId; readonly companions: readonly MemberId[] };
      /** Private groups that are still in the Spread group and do not count. */
      readonly barred: readonly string[];
    }
  /** A piece of an agent's message, sent in this view. */
  | { readonly kind: 'part'; readonly view: ViewId; readonly last: boolean; readonly bytes: Uint8Array }
  /** I am well. */
  | { readonly kind: 'pulse' }
  /** This one does not count any more: it did not announce itself in this round, or it was not heard for long. */
  | {
      readonly kind: 'pass-over';
      readonly round: Round;
      readonly privateGroup: string;
      readonly why: 'mute' | 'hung';
    };

const MAGIC = 0x574b_5350;
const VERSION = 1;
const CHECK_BYTES = 4;
const KINDS = ['announce', 'part', 'pulse', 'pass-over'] as const;
const MEMBERS_MAX = 1000;
/** Leaves room to count on for ever. */
const NUMBER_MAX = 2 ** 52;
/** Of one part, so that a frame with one group is below what any daemon bears. */
export const PART_BYTES_MAX = 100_000;

export function encodeEnvelope(envelope: Envelope, cluster: string): Uint8Array {
  const writer = new ByteWriter(256 + (envelope.kind === 'part' ? envelope.bytes.length : 0));
  writer.u32(MAGIC);
  writer.u8(VERSION);
  writer.u8(KINDS.indexOf(envelope.kind));
  writeBody(writer, envelope);
  writer.u32(crc32(writer.finish(), crc32(cluster)));
  return writer.finish();
}

function writeBody(writer: ByteWriter, envelope: Envelope): void {
  switch (envelope.kind) {
    case 'announce':
      writeRound(writer, envelope.round);
      writer.member(envelope.member);
      writer.u64(envelope.number);
      writer.u8(envelope.installed === undefined ? 0 : 1);
      if (envelope.installed !== undefined) {
        writer.view(envelope.installed.view);
        writer.u16(envelope.installed.companions.length);
        for (const member of envelope.installed.companions) writer.member(member);
      }
      writer.u16(envelope.barred.length);
      for (const name of envelope.barred) writeText(writer, name);
      return;
    case 'part':
      writer.view(envelope.view);
      writer.u8(envelope.last ? 1 : 0);
      return writer.block(envelope.bytes);
    case 'pulse':
      return;
    case 'pass-over':
      writeRound(writer, envelope.round);
      writeText(writer, envelope.privateGroup);
      return writer.u8(envelope.why === 'hung' ? 1 : 0);
  }
}

function writeRound(writer: ByteWriter, { id, passedOver }: Round): void {
  for (const number of [id.daemon, id.time, id.index]) writer.u32(number >>> 0);
  writer.u16(passedOver);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.block(Buffer.from(text, 'latin1'));
}

/** Undefined for whatever is not a word of a member of this cluster in a version we know. */
export function decodeEnvelope(bytes: Uint8Array, cluster: string): Envelope | undefined {
  if (bytes.length < CHECK_BYTES) return undefined;
  const body = bytes.subarray(0, bytes.length - CHECK_BYTES);
  try {
    const reader = new ByteReader(body);
    if (reader.u32() !== MAGIC || reader.u8() !== VERSION) return undefined;
    const kind = KINDS[reader.u8()];
    if (kind === undefined) return undefined;
    const check = new ByteReader(bytes.subarray(body.length)).u32();
    if (check !== crc32(body, crc32(cluster))) return undefined;
    const envelope = readBody(reader, kind);
    reader.end();
    return envelope;
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

function readBody(reader: ByteReader, kind: Envelope['kind']): Envelope {
  switch (kind) {
    case 'announce': {
      const [round, member, number] = [readRound(reader), reader.member(), reader.u64()];
      if (number > NUMBER_MAX) throw new MalformedBytes(`a number of ${number}`);
      const installed = reader.flag()
        ? { view: reader.view(), companions: reader.list(MEMBERS_MAX, () => reader.member()) }
        : undefined;
      const barred = reader.list(MEMBERS_MAX, () => readText(reader));
      return { kind, round, member, number, ...(installed && { installed }), barred };
    }
    case 'part':
      return { kind, view: reader.view(), last: reader.flag(), bytes: reader.block(PART_BYTES_MAX) };
    case 'pulse':
      return { kind };
    case 'pass-over': {
      const [round, privateGroup] = [readRound(reader), readText(reader)];
      return { kind, round, privateGroup, why: reader.flag() ? 'hung' : 'mute' };
    }
  }
}

function readRound(reader: ByteReader): Round {
  const number = () => reader.u32() | 0;
  return { id: { daemon: number(), time: number(), index: number() }, passedOver: reader.u16() };
}

function readText(reader: ByteReader): string {
  return Buffer.from(reader.block(NAME_LENGTH_MAX)).toString('latin1');
}

/**
 * Frames and heartbeats as bytes. Encoding trusts its input (a wrong value is our bug and throws); decoding trusts
 * nothing: it returns an error value, allocates no more than a small multiple of what it was given, and never loops
 * beyond its input. Byte strings in a decoded frame are views on the input, so the caller must not reuse that buffer.
 */
import type { MemberId } from '../model/member.ts';
import type { Departure } from '../model/view.ts';
import { ByteReader, MalformedBytes } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type {
  Absent,
  Attempt,
  Decoded,
  Frame,
  FrameKind,
  Heartbeat,
  Origin,
  RefusalReason,
} from './messages.ts';
import {
  FRAME_BYTES_MAX,
  HEARTBEAT_BYTES_MAX,
  MEMBERS_MAX,
  PAYLOAD_BYTES_MAX,
  WIRE_VERSION,
  WIRE_VERSION_OLDEST,
} from './messages.ts';

/** The numbers on the wire; never reuse one. */
const KIND_CODES: Readonly<Record<FrameKind, number>> = {
  prepare: 1,
  promise: 2,
  refuse: 3,
  install: 4,
  installed: 5,
  cancel: 6,
  data: 7,
  ordered: 8,
  fill: 9,
  ack: 10,
  hear: 11,
  goodbye: 12,
  farewell: 13,
};
const HEARTBEAT_CODE = 32;
const DEPARTURES: readonly Departure[] = ['leave', 'process', 'host'];
const REFUSALS: readonly RefusalReason[] = ['stale', 'busy', 'unheard', 'smaller', 'leaving'];
const KINDS: ReadonlyMap<number, FrameKind> = new Map(
  Object.entries(KIND_CODES).map(([kind, code]) => [code, kind as FrameKind]),
);

export function encodeFrame(frame: Frame): Uint8Array {
  const writer = new ByteWriter(64 + ('bytes' in frame ? frame.bytes.length + 192 : 0));
  writer.u8(WIRE_VERSION);
  writer.u8(KIND_CODES[frame.kind]);
  writeBody(writer, frame);
  const bytes = writer.finish();
  if (bytes.length > FRAME_BYTES_MAX)
    throw new RangeError(`a ${frame.kind} frame of ${bytes.length} bytes is too long`);
  return bytes;
}

export function decodeFrame(bytes: Uint8Array): Decoded<Frame> {
  if (bytes.length > FRAME_BYTES_MAX)
    return { ok: false, error: `a frame of ${bytes.length} bytes is too long` };
  return guarded(() => {
    const reader = new ByteReader(bytes);
    readVersion(reader);
    const code = reader.u8();
    const kind = KINDS.get(code);
    if (kind === undefined) throw new MalformedBytes(`unknown frame kind ${code}`);
    const frame = BODIES[kind](reader);
    reader.end();
    return frame;
  });
}

export function encodeHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const writer = new ByteWriter(256 + heartbeat.hears.length * 8);
  writer.u8(WIRE_VERSION);
  writer.u8(HEARTBEAT_CODE);
  writeHeartbeat(writer, heartbeat);
  const bytes = writer.finish();
  if (bytes.length > HEARTBEAT_BYTES_MAX)
    throw new RangeError(`a heartbeat of ${bytes.length} bytes is too long`);
  return bytes;
}

export function decodeHeartbeat(bytes: Uint8Array): Decoded<Heartbeat> {
  if (bytes.length > HEARTBEAT_BYTES_MAX)
    return { ok: false, error: `a heartbeat of ${bytes.length} bytes is too long` };
  return guarded(() => {
    const reader = new ByteReader(bytes);
    readVersion(reader);
    const code = reader.u8();
    if (code !== HEARTBEAT_CODE) throw new MalformedBytes(`kind ${code} is not a heartbeat`);
    const heartbeat = readHeartbeat(reader);
    reader.end();
    return heartbeat;
  });
}

function guarded<T>(decode: () => T): Decoded<T> {
  try {
    return { ok: true, value: decode() };
  } catch (error) {
    if (error instanceof MalformedBytes) return { ok: false, error: error.message };
    throw error;
  }
}

function readVersion(reader: ByteReader): void {
  const version = reader.u8();
  if (version < WIRE_VERSION_OLDEST || version > WIRE_VERSION) {
    throw new MalformedBytes(
      `wire version ${version}; this release speaks ${WIRE_VERSION_OLDEST} to ${WIRE_VERSION}: upgrade the older side`,
    );
  }
}

function writeBody(w: ByteWriter, frame: Frame): void {
  switch (frame.kind) {
    case 'prepare':
      w.u64(frame.epoch);
      writeMembers(w, frame.members);
      break;
    case 'promise':
      writeAttempt(w, frame.attempt);
      w.view(frame.view);
      w.u64(frame.received);
      w.u64(frame.stable);
      w.u8(frame.fresh ? 1 : 0);
      writeAbsent(w, frame.absent);
      break;
    case 'refuse':
      writeAttempt(w, frame.attempt);
      w.u8(REFUSALS.indexOf(frame.reason));
      w.u64(frame.highest);
      w.u16(frame.size);
      writeMembers(w, frame.unheard);
      break;
    case 'install':
      w.u64(frame.epoch);
      writeMembers(w, frame.members);
      w.u16(frame.origins.length);
      for (const origin of frame.origins) writeOrigin(w, origin);
      break;
    case 'installed':
      w.view(frame.view);
      break;
    case 'cancel':
      w.u64(frame.epoch);
      break;
    case 'ack':
      w.view(frame.view);
      w.u64(frame.received);
      break;
    case 'hear':
      writeHeartbeat(w, frame.heartbeat);
      break;
    case 'data':
    case 'ordered':
    case 'fill':
      writeMessage(w, frame);
      break;
    case 'goodbye':
    case 'farewell':
      break;
  }
}

function writeMessage(w: ByteWriter, frame: Extract<Frame, { bytes: Uint8Array }>): void {
  w.view(frame.view);
  if (frame.kind !== 'data') {
    w.u64(frame.seq);
    if (frame.kind === 'ordered') w.u64(frame.stable);
    w.member(frame.sender);
  }
  w.u64(frame.number);
  w.block(frame.bytes);
}

function writeAttempt(w: ByteWriter, attempt: Attempt): void {
  w.u64(attempt.epoch);
  w.member(attempt.proposer);
}

function writeMembers(w: ByteWriter, members: readonly MemberId[]): void {
  w.u16(members.length);
  for (const member of members) w.member(member);
}

function writeAbsent(w: ByteWriter, absent: readonly Absent[]): void {
  w.u16(absent.length);
  for (const { member, how } of absent) {
    w.member(member);
    w.u8(DEPARTURES.indexOf(how));
  }
}

function writeOrigin(w: ByteWriter, origin: Origin): void {
  w.view(origin.view);
  w.u8(origin.fresh ? 1 : 0);
  w.u64(origin.cut);
  w.u64(origin.stable);
  w.member(origin.source);
  w.u16(origin.from.length);
  for (const { member, received } of origin.from) {
    w.member(member);
    w.u64(received);
  }
  writeAbsent(w, origin.departed);
}

function writeHeartbeat(w: ByteWriter, heartbeat: Heartbeat): void {
  w.member(heartbeat.sender);
  w.u64(heartbeat.number);
  w.u8(heartbeat.well ? 1 : 0);
  w.view(heartbeat.view);
  w.u16(heartbeat.size);
  w.u64(heartbeat.highest);
  w.u64(heartbeat.received);
  w.u64(heartbeat.stable);
  w.u16(heartbeat.hears.length);
  for (const incarnation of heartbeat.hears) w.incarnation(incarnation);
}

const BODIES: Readonly<Record<FrameKind, (r: ByteReader) => Frame>> = {
  prepare: (r) => ({ kind: 'prepare', epoch: r.u64(), members: readMembers(r) }),
  promise: (r) => ({
    kind: 'promise',
    attempt: readAttempt(r),
    view: r.view(),
    received: r.u64(),
    stable: r.u64(),
    fresh: r.flag(),
    absent: readAbsent(r),
  }),
  refuse: (r) => ({
    kind: 'refuse',
    attempt: readAttempt(r),
    reason: oneOf(REFUSALS, r.u8()),
    highest: r.u64(),
    size: r.u16(),
    unheard: readMembers(r),
  }),
  install: (r) => ({
    kind: 'install',
    epoch: r.u64(),
    members: readMembers(r),
    origins: r.list(MEMBERS_MAX, () => readOrigin(r)),
  }),
  installed: (r) => ({ kind: 'installed', view: r.view() }),
  cancel: (r) => ({ kind: 'cancel', epoch: r.u64() }),
  data: (r) => ({ kind: 'data', view: r.view(), number: r.u64(), bytes: r.block(PAYLOAD_BYTES_MAX) }),
  ordered: (r) => ({
    kind: 'ordered',
    view: r.view(),
    seq: r.u64(),
    stable: r.u64(),
    sender: r.member(),
    number: r.u64(),
    bytes: r.block(PAYLOAD_BYTES_MAX),
  }),
  fill: (r) => ({
    kind: 'fill',
    view: r.view(),
    seq: r.u64(),
    sender: r.member(),
    number: r.u64(),
    bytes: r.block(PAYLOAD_BYTES_MAX),
  }),
  ack: (r) => ({ kind: 'ack', view: r.view(), received: r.u64() }),
  hear: (r) => ({ kind: 'hear', heartbeat: readHeartbeat(r) }),
  goodbye: () => ({ kind: 'goodbye' }),
  farewell: () => ({ kind: 'farewell' }),
};

function readAttempt(r: ByteReader): Attempt {
  return { epoch: r.u64(), proposer: r.member() };
}

function readMembers(r: ByteReader): MemberId[] {
  return r.list(MEMBERS_MAX, () => r.member());
}

function readAbsent(r: ByteReader): Absent[] {
  return r.list(MEMBERS_MAX, () => ({ member: r.member(), how: oneOf(DEPARTURES, r.u8()) }));
}

function readOrigin(r: ByteReader): Origin {
  return {
    view: r.view(),
    fresh: r.flag(),
    cut: r.u64(),
    stable: r.u64(),
    source: r.member(),
    from: r.list(MEMBERS_MAX, () => ({ member: r.member(), received: r.u64() })),
    departed: readAbsent(r),
  };
}

function readHeartbeat(r: ByteReader): Heartbeat {
  const head = { sender: r.member(), number: r.u64(), well: r.flag(), view: r.view(), size: r.u16() };
  const counts = { highest: r.u64(), received: r.u64(), stable: r.u64() };
  return { ...head, ...counts, hears: r.list(MEMBERS_MAX, () => r.incarnation()) };
}

function oneOf<T>(choices: readonly T[], index: number): T {
  const choice = choices[index];
  if (choice === undefined) throw new MalformedBytes(`choice ${index} does not exist`);
  return choice;
}

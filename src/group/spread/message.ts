/** What a frame from a daemon means: a message of a client, or news of a group's membership. Never throws. */
import { type Frame, readName } from './frame.ts';
import {
  CAUSE_BITS,
  CAUSE_MASK,
  type Cause,
  MEMBERSHIP_MASK,
  NAME_BYTES,
  REGULAR_MEMBERSHIP,
  REJECT,
  SELF_DISCARD,
  SERVICE_BITS,
  SERVICE_MASK,
  type Service,
  TRANSITIONAL,
} from './wire.ts';

/**
 * Identity of a group's membership, for comparison only: the daemons' membership (a daemon and Unix seconds) and a number
 * that rises with each change in the group. A group that became empty and began anew may repeat one.
 */
export interface GroupId {
  readonly daemon: number;
  readonly time: number;
  readonly index: number;
}

export interface DataMessage {
  readonly kind: 'message';
  readonly service: Service;
  /** The sender does not get it back. */
  readonly selfDiscard: boolean;
  /** The sender's private group. */
  readonly sender: string;
  /** All groups it was sent to, in the sender's order. */
  readonly groups: readonly string[];
  /** The user's own type, a signed 16-bit number. */
  readonly type: number;
  /** Whether the sender's machine has another byte order than ours. */
  readonly foreignOrder: boolean;
  /** A view on what was read: copy what is kept for long. */
  readonly data: Uint8Array;
}

/** The group has these members now. */
export interface MembershipMessage {
  readonly kind: 'membership';
  readonly group: string;
  readonly cause: Cause;
  /** Private groups, in the same order at every member. */
  readonly members: readonly string[];
  readonly id: GroupId;
  /** Who joined, left or was disconnected; absent if the network changed. */
  readonly changed?: string;
  /** After a change of the network: who came through it together. Otherwise one set, of the one that changed. */
  readonly sets: readonly (readonly string[])[];
  /** Which of the sets is ours. */
  readonly ownSet: number;
}

export type SpreadMessage =
  | DataMessage
  | MembershipMessage
  /** From here to the next membership of the group, messages may be missing at members that are cut off. */
  | { readonly kind: 'transitional'; readonly group: string; readonly id: GroupId }
  /** We have left the group. */
  | { readonly kind: 'left'; readonly group: string }
  /** A request of ours that the daemon's access control refused; the last group is our private one. */
  | {
      readonly kind: 'rejected';
      readonly type: number;
      readonly groups: readonly string[];
      readonly data: Uint8Array;
    };

/** The message, or what is wrong with the frame. */
export type MessageResult =
  | { readonly ok: true; readonly message: SpreadMessage }
  | { readonly ok: false; readonly what: string };

/** Whether this machine writes integers little-endian. */
const LITTLE_HERE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export function readMessage(frame: Frame): MessageResult {
  const { type } = frame;
  if ((type & REJECT) !== 0) return fine(rejected(frame));
  // Daemons let membership bits in clients' messages pass: without a service bit alone they mean something.
  if ((type & SERVICE_MASK) === 0) {
    if ((type & REGULAR_MEMBERSHIP) !== 0) return readMembership(frame);
    if ((type & TRANSITIONAL) !== 0) return readTransitional(frame);
    if ((type & MEMBERSHIP_MASK) === CAUSE_BITS.leave) return fine({ kind: 'left', group: frame.name });
  }
  const service = SERVICES.get(type & SERVICE_MASK);
  if (service === undefined) return wrong(`a message of type 0x${type.toString(16)}`);
  return fine({
    kind: 'message',
    service,
    selfDiscard: (type & SELF_DISCARD) !== 0,
    sender: frame.name,
    groups: frame.groups,
    type: (frame.hint << 8) >> 16,
    foreignOrder: frame.hintLittle !== LITTLE_HERE,
    data: frame.data,
  });
}

const SERVICES: ReadonlyMap<number, Service> = new Map(
  (Object.keys(SERVICE_BITS) as Service[]).map((service) => [SERVICE_BITS[service], service]),
);
const CAUSES: ReadonlyMap<number, Cause> = new Map(
  (Object.keys(CAUSE_BITS) as Cause[]).map((cause) => [CAUSE_BITS[cause], cause]),
);

function rejected({ originalType = 0, groups, data }: Frame): SpreadMessage {
  return { kind: 'rejected', type: originalType, groups, data };
}

const GROUP_ID_BYTES = 12;
const BODY_HEAD_BYTES = 20;

function readTransitional(frame: Frame): MessageResult {
  const body = bufferOf(frame.data);
  if (body.length < GROUP_ID_BYTES) return wrong(`a transitional signal of ${body.length} bytes`);
  return fine({ kind: 'transitional', group: frame.name, id: readGroupId(body, frame.little) });
}

function readMembership(frame: Frame): MessageResult {
  const body = bufferOf(frame.data);
  const { little } = frame;
  if (body.length < BODY_HEAD_BYTES) return wrong(`a membership of ${body.length} bytes`);
  const cause = CAUSES.get(frame.type & CAUSE_MASK);
  if (cause === undefined)
    return wrong(`a membership with causes 0x${(frame.type & CAUSE_MASK).toString(16)}`);
  const read = readSets(body, little);
  if (typeof read === 'string') return wrong(read);
  const changed = read.sets[0]?.[0];
  if (cause !== 'network' && (read.sets.length !== 1 || changed === undefined)) {
    return wrong(`a membership by ${cause} that does not say whose`);
  }
  return fine({
    kind: 'membership',
    group: frame.name,
    cause,
    members: frame.groups,
    id: readGroupId(body, little),
    ...(cause !== 'network' && changed !== undefined && { changed }),
    ...read,
  });
}

/** Sets of names behind the head. Each step moves on by what it checked, so that it ends with the bytes. */
function readSets(body: Buffer, little: boolean): { sets: string[][]; ownSet: number } | string {
  const count = readU32(body, 12, little);
  const ownOffset = readU32(body, 16, little);
  const sets: string[][] = [];
  let ownSet = -1;
  let at = BODY_HEAD_BYTES;
  while (at < body.length) {
    if (at - BODY_HEAD_BYTES === ownOffset) ownSet = sets.length;
    if (body.length - at < 4) return 'a set that ends within its length';
    const size = readU32(body, at, little);
    at += 4;
    if (size > (body.length - at) / NAME_BYTES) return `a set of ${size} that are not there`;
    const names: string[] = [];
    for (let index = 0; index < size; index += 1) names.push(readName(body, at + index * NAME_BYTES));
    sets.push(names);
    at += size * NAME_BYTES;
  }
  if (sets.length !== count) return `${sets.length} sets where ${count} are announced`;
  if (ownSet === -1) return 'a membership that does not say which set is ours';
  return { sets, ownSet };
}

function readGroupId(body: Buffer, little: boolean): GroupId {
  const number = (at: number) => (little ? body.readInt32LE(at) : body.readInt32BE(at));
  return { daemon: number(0), time: number(4), index: number(8) };
}

function readU32(body: Buffer, at: number, little: boolean): number {
  return little ? body.readUInt32LE(at) : body.readUInt32BE(at);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fine(message: SpreadMessage): MessageResult {
  return { ok: true, message };
}

function wrong(what: string): MessageResult {
  return { ok: false, what };
}

export function sameGroupId(a: GroupId, b: GroupId): boolean {
  return a.daemon === b.daemon && a.time === b.time && a.index === b.index;
}

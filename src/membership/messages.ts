/**
 * What members say to each other: frames over streams, heartbeats as datagrams (docs/protocol.md). Shapes only; the
 * bytes are the codec's business, the meaning is the engine's.
 */
import type { MemberId } from '../model/member.ts';
import type { Departure, ViewId } from '../model/view.ts';

/** The wire version this code speaks; the first byte of every frame and heartbeat. */
export const WIRE_VERSION = 1;
/** The oldest wire version it still understands (two adjacent versions run together during a rolling upgrade). */
export const WIRE_VERSION_OLDEST = 1;

/** Most members a view can have; a heartbeat that lists them all stays below {@link HEARTBEAT_BYTES_MAX}. */
export const MEMBERS_MAX = 100;
/** Longest encoded heartbeat, in bytes: what fits a datagram on every sane path. */
export const HEARTBEAT_BYTES_MAX = 1_200;
/** Longest application message, in bytes; equals `MULTICAST_BYTES_MAX` of the group contract. */
export const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** Longest encoded frame, in bytes: one payload and its envelope, or the largest install. */
export const FRAME_BYTES_MAX = PAYLOAD_BYTES_MAX + 64 * 1024;

/** The sixteen hexadecimal digits of a MemberId: enough to name a member, and eight bytes on the wire. */
export type Incarnation = string;

/** What a member tells about itself, periodically as a datagram and at each change of `hears` as a `hear` frame. */
export interface Heartbeat {
  readonly sender: MemberId;
  /** Rises with each heartbeat and `hear` frame of the sender, so that an older one never overwrites a newer. */
  readonly number: number;
  /** The agent's main thread ticked lately. */
  readonly well: boolean;
  /** The view the sender has installed. */
  readonly view: ViewId;
  /** Members of that view the sender is still together with (1 … {@link MEMBERS_MAX}), itself included. */
  readonly size: number;
  /** Whom the sender hears (itself not included). */
  readonly hears: readonly Incarnation[];
  /** Highest epoch the sender has seen anywhere. */
  readonly highest: number;
  /** Messages of `view` the sender has received without a gap. */
  readonly received: number;
  /** Messages of `view` that, as far as the sender knows, every member has received. */
  readonly stable: number;
}

/** One try to install a view: `(epoch, proposer)` is used once. */
export interface Attempt {
  readonly epoch: number;
  readonly proposer: MemberId;
}

/** A member of the promiser's view that is not in the proposed one, and how the promiser thinks it went. */
export interface Absent {
  readonly member: MemberId;
  readonly how: Departure;
}

export type RefusalReason =
  /** The epoch is not above what the refuser has seen or promised. */
  | 'stale'
  /** Promised to a higher attempt. */
  | 'busy'
  /** Does not hear some of the proposed members. */
  | 'unheard'
  /** The proposed view is not larger than the one it has. */
  | 'smaller'
  | 'leaving';

/** One of the old views that meet in an install, and how its messages are finished. */
export interface Origin {
  readonly view: ViewId;
  /** None of its members was ever in a view with somebody else. */
  readonly fresh: boolean;
  /** Every member of it delivers the messages up to here, and no more. */
  readonly cut: number;
  /** Up to here every member of the old view has the messages: they are delivered before the transitional signal. */
  readonly stable: number;
  /** Has all messages up to the cut and sends what the others lack. */
  readonly source: MemberId;
  /** Who comes from this view, and how many of its messages it has. */
  readonly from: readonly { readonly member: MemberId; readonly received: number }[];
  readonly departed: readonly Absent[];
}

export type Frame =
  /** First phase: will you come into this view? The sender is its first member. */
  | { readonly kind: 'prepare'; readonly epoch: number; readonly members: readonly MemberId[] }
  | {
      readonly kind: 'promise';
      readonly attempt: Attempt;
      /** The promiser's present view, what it received and knows stable in it. */
      readonly view: ViewId;
      readonly received: number;
      readonly stable: number;
      readonly fresh: boolean;
      readonly absent: readonly Absent[];
    }
  | {
      readonly kind: 'refuse';
      readonly attempt: Attempt;
      readonly reason: RefusalReason;
      readonly highest: number;
      /** Size of the view the refuser has, see {@link Heartbeat.size}. */
      readonly size: number;
      readonly unheard: readonly MemberId[];
    }
  /** Second phase; `epoch` and the sender name the attempt and the view. */
  | {
      readonly kind: 'install';
      readonly epoch: number;
      readonly members: readonly MemberId[];
      readonly origins: readonly Origin[];
    }
  | { readonly kind: 'installed'; readonly view: ViewId }
  /** From a proposer: this attempt of mine is void. */
  | { readonly kind: 'cancel'; readonly epoch: number }
  /** To the representative: put this into the sequence. `number` counts the sender's messages over its whole run. */
  | { readonly kind: 'data'; readonly view: ViewId; readonly number: number; readonly bytes: Uint8Array }
  /** From the representative: message `seq` (from 1) of the view. */
  | {
      readonly kind: 'ordered';
      readonly view: ViewId;
      readonly seq: number;
      readonly stable: number;
      readonly sender: MemberId;
      readonly number: number;
      readonly bytes: Uint8Array;
    }
  /** From the source of an origin: a message of the old view that the receiver lacks. */
  | {
      readonly kind: 'fill';
      readonly view: ViewId;
      readonly seq: number;
      readonly sender: MemberId;
      readonly number: number;
      readonly bytes: Uint8Array;
    }
  /** To the representative, between heartbeats when much was received. */
  | { readonly kind: 'ack'; readonly view: ViewId; readonly received: number }
  /** A heartbeat's content over the stream: reliable, and at once. It proves nothing about datagrams. */
  | { readonly kind: 'hear'; readonly heartbeat: Heartbeat }
  /** I leave; everything I sent came before this. */
  | { readonly kind: 'goodbye' }
  /** Your goodbye was heard. */
  | { readonly kind: 'farewell' };

export type FrameKind = Frame['kind'];

/** What decoding untrusted bytes yields. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

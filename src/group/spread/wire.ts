/**
 * The numbers of the protocol between a Spread daemon (4.x and 5.x) and its clients. No code: `frame.ts` and `message.ts`
 * give them meaning.
 */

/** How a multicast is ordered and how sure its delivery is; exactly one bit of a message's type. */
export const SERVICE_BITS = {
  unreliable: 0x01,
  reliable: 0x02,
  fifo: 0x04,
  causal: 0x08,
  agreed: 0x10,
  safe: 0x20,
} as const;

export type Service = keyof typeof SERVICE_BITS;

export const SERVICE_MASK = 0x3f;
export const SELF_DISCARD = 0x40;

export const CAUSE_BITS = { join: 0x100, leave: 0x200, disconnect: 0x400, network: 0x800 } as const;

/** Why a group's membership changed. */
export type Cause = keyof typeof CAUSE_BITS;

export const CAUSE_MASK = 0xf00;
export const REGULAR_MEMBERSHIP = 0x1000;
export const TRANSITIONAL = 0x2000;
/** A message with one of these and no service bit is about membership. */
export const MEMBERSHIP_MASK = 0x3f00;

export const JOIN = 0x0001_0000;
export const LEAVE = 0x0002_0000;
export const KILL = 0x0004_0000;
export const REJECT = 0x0040_0000;

/** Bits of `type` and of `hint` that say in which byte order the field was written: set = little-endian. */
export const ORDER_MARKS = 0x8000_0080;

/** A name field: text, a zero byte, filler. */
export const NAME_BYTES = 32;
export const NAME_LENGTH_MAX = NAME_BYTES - 1;
export const HEADER_BYTES = 48;

export const PRIVATE_NAME_MAX = 10;
export const GROUPS_PER_MESSAGE_MAX = 100;
/** Sum of data and 32 bytes for each group: one byte more and the daemon's buffers overflow. */
export const BODY_BYTES_MAX = 143_152;
/** What a daemon may send us: no more than this in groups, and in data. */
export const RECEIVED_BYTES_MAX = 144_000;

/** Names that are sent are printable ASCII without space, `"` and `#`: each byte 0x24 to 0x7e. */
export const NAME_PATTERN = /^[\x24-\x7e]+$/;

export const AUTH_NAME_BYTES = 30;
export const AUTH_CHOICES_MAX = 3;
export const AUTH_LIST_BYTES_MAX = 90;

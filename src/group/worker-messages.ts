/** What the agent's main thread and the engine's thread say to each other. Both ends are this code: no checks. */
import type { EmbeddedGroupConfig } from '../config/config.ts';
import type { MemberId } from '../model/member.ts';
import type { Millis } from '../model/time.ts';
import type { Descriptor } from '../platform/libc.ts';
import type { GroupEvent, GroupStatus } from './group.ts';
import type { LogLine } from './journal.ts';
import type { PingDoors } from './ping-doors.ts';

export interface EngineThreadData {
  readonly cluster: string;
  readonly self: MemberId;
  readonly config: EmbeddedGroupConfig;
  /** Stay the starter's, who closes them when the thread is gone. */
  readonly doors: PingDoors;
  /** Where heartbeats wait, if the kernel gave us one more socket; stays the starter's too. */
  readonly queue: Descriptor | undefined;
  /** 32-bit words, see {@link WORD}. */
  readonly words: SharedArrayBuffer;
  /** Between two status messages; {@link STATUS_INTERVAL_MS} unless given. */
  readonly statusInterval?: Millis;
}

export type ToEngine =
  | { readonly kind: 'multicast'; readonly bytes: Uint8Array }
  /** Look at the words now. */
  | { readonly kind: 'look' }
  | { readonly kind: 'rekey'; readonly keys: readonly Uint8Array[] }
  | { readonly kind: 'leave' };

/**
 * What the threads tell each other several times a second without waking anybody: each looks when it is awake anyway.
 * All wrap around.
 */
export const WORD = {
  /** Raised by the agent's thread: it is well. */
  ticks: 0,
  /** Events the agent's thread has taken so far; written before `ticks`. */
  taken: 1,
  /** Raised by the engine's thread each time it sees new ticks. */
  pulse: 2,
} as const;
export const WORDS_BYTES = 3 * Int32Array.BYTES_PER_ELEMENT;

/** What happened in one turn of the engine's thread. */
export interface Parcel {
  readonly events: readonly GroupEvent[];
  readonly lines: readonly LogLine[];
}

export type FromEngine =
  | { readonly kind: 'joined' }
  /** It cannot start; why, for a person. */
  | { readonly kind: 'refused'; readonly reason: string }
  | ({ readonly kind: 'parcel' } & Parcel)
  /** To each `rekey`, in their order; `refusal`: nothing has changed, and why. */
  | { readonly kind: 'rekeyed'; readonly refusal: string | undefined }
  | { readonly kind: 'status'; readonly status: GroupStatus }
  | { readonly kind: 'left' };

/** Between two status messages. */
export const STATUS_INTERVAL_MS = 1000;
/** Bytes of messages that may wait for the main thread; more is a lost engine (G7). */
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;
export const WAITING_EVENTS_MAX = 65_536;

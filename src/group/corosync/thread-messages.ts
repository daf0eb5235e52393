/** What the agent's main thread and the thread that speaks with corosync say to each other. Both ends are this code: no checks. */
import type { CorosyncGroupConfig } from '../../config/config.ts';
import type { MemberId } from '../../model/member.ts';
import type { Descriptor } from '../../platform/libc.ts';
import type { GroupStatus } from '../group.ts';
import type { GoneWithDaemon } from '../spread/synchrony.ts';
import type { Parcel } from '../worker-messages.ts';

export interface ThreadData {
  /** Path of the network namespace it lives in: which daemon it meets. Ours if undefined. */
  readonly network: string | undefined;
}

export interface RunStart {
  readonly cluster: string;
  readonly self: MemberId;
  readonly group: CorosyncGroupConfig;
  /** 32-bit words, see {@link WORD}. */
  readonly words: SharedArrayBuffer;
  readonly goneWithDaemon?: GoneWithDaemon;
}

export type ToThread =
  | { readonly kind: 'join'; readonly start: RunStart }
  | { readonly kind: 'multicast'; readonly bytes: Uint8Array }
  /** Look at the words now. */
  | { readonly kind: 'look' }
  | { readonly kind: 'leave' };

/** Read by the other thread when it is awake anyway. All wrap around. */
export const WORD = {
  /** Raised by the agent's thread: it is well. */
  ticks: 0,
  /** Events the agent's thread has taken so far; written before `ticks`. */
  taken: 1,
  /** Raised by the daemon's thread each time it sees new ticks. */
  pulse: 2,
  /** Not 0: nobody waits for this run any more; it is not to join. */
  abandoned: 3,
} as const;
export const WORDS_BYTES = 4 * Int32Array.BYTES_PER_ELEMENT;

export type FromThread =
  /** Connected. Shutting these down makes the daemon's library return from whatever it waits for; closing them is the receiver's. */
  | { readonly kind: 'joined'; readonly handles: readonly Descriptor[] }
  /** It cannot start, and waiting does not mend it; why, for a person. */
  | { readonly kind: 'refused'; readonly reason: string }
  | ({ readonly kind: 'parcel' } & Parcel)
  | { readonly kind: 'status'; readonly status: GroupStatus }
  /** The run is over and everything closed; the next one may begin. */
  | { readonly kind: 'over' };

/**
 * What goes into the membership engine and what comes out. The engine (`engine.ts`) is a function of (state, event, now);
 * whoever drives it owns sockets, clocks and randomness: `group/embedded` in production, a simulator in tests.
 *
 * Call protocol: `handle(event, now)` returns actions to perform in order; then ask `nextTimeout()` and call
 * `handle({kind:'timeout'}, now)` at or after that instant (a spurious call is harmless). `now` never decreases.
 * Before a timeout is delivered the driver has read everything that was waiting on its sockets.
 */
import type { GroupEvent } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { Frame, Heartbeat } from './messages.ts';

/** What comes with every round of probes and changes nothing as long as all is well. */
export type RoutineEvent =
  /** An authenticated datagram the agent there sent itself, from a member with or without a stream. */
  | { readonly kind: 'heartbeat'; readonly member: MemberId; readonly heartbeat: Heartbeat }
  /** The peer's kernel answered the probe with this number. */
  | { readonly kind: 'probe-answered'; readonly member: MemberId; readonly probe: number }
  /** The agent's main thread said it is well; without it we stop claiming to be well in heartbeats. */
  | { readonly kind: 'tick' };

export type EngineEvent =
  | RoutineEvent
  /** A reliable FIFO stream to this member is up: both ends are authenticated and each knows the other's MemberId and wire version. At most one a member at a time. */
  | { readonly kind: 'stream-opened'; readonly member: MemberId; readonly wireVersion: number }
  /** It broke, or was closed by the other end: the process there is gone (or cut us off). */
  | { readonly kind: 'stream-closed'; readonly member: MemberId; readonly reason: string }
  | { readonly kind: 'frame'; readonly member: MemberId; readonly frame: Frame }
  /** No kernel-answered probe is possible to this member (no right to open the socket): heartbeats stand in. */
  | { readonly kind: 'probe-unavailable'; readonly member: MemberId }
  | { readonly kind: 'multicast'; readonly bytes: Uint8Array }
  /** Say goodbye in order, then stop; answered by a `left` action. */
  | { readonly kind: 'leave' }
  /** `read`: what was read just before it, in order; the same as one event for each, and then this one, but a fraction of the work. */
  | { readonly kind: 'timeout'; readonly read?: readonly RoutineEvent[] }
  /** The driver itself was late by this much (stall, suspend): nobody is judged for the time it lasted. */
  | { readonly kind: 'stalled'; readonly lateness: Millis };

export type EngineAction =
  /** Over the stream; dropped silently by the driver if the stream is gone (a `stream-closed` event tells). */
  | { readonly kind: 'send'; readonly to: MemberId; readonly frame: Frame }
  /**
   * As an authenticated datagram. Addressed to the member itself: what seeks to addresses without a stream shall carry,
   * so that those who cannot have a stream with us learn of our view.
   */
  | { readonly kind: 'heartbeat'; readonly to: MemberId; readonly heartbeat: Heartbeat }
  /** Ask the peer's kernel; `probe` numbers are unique within a run, the driver adds a secret nonce. */
  | { readonly kind: 'probe'; readonly to: MemberId; readonly probe: number }
  | { readonly kind: 'close-stream'; readonly member: MemberId; readonly reason: string }
  | { readonly kind: 'deliver'; readonly event: GroupEvent }
  /** The goodbye is through (or there is nobody to tell): the driver may close everything. */
  | { readonly kind: 'left' }
  /** For the log: every state change with its reason. */
  | {
      readonly kind: 'note';
      readonly level: 'debug' | 'info' | 'warn';
      readonly what: string;
      readonly reason: string;
      readonly member?: MemberId;
    };

export interface EngineStatus {
  readonly state: 'operational' | 'gather' | 'commit' | 'recovery' | 'stopped';
  readonly peers: readonly {
    readonly member: MemberId;
    readonly stream: boolean;
    readonly host: 'answers' | 'silent' | 'unknown';
    readonly agent: 'well' | 'silent' | 'unknown';
    /** Smoothed round trip of probes; absent before the first answer. */
    readonly roundTrip?: Millis;
  }[];
}

/** When the engine wants to be called again, at the latest. */
export interface SansIoEngine {
  handle(event: EngineEvent, now: Instant): readonly EngineAction[];
  nextTimeout(): Instant | undefined;
  status(): EngineStatus;
}

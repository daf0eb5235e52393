/**
 * What one member's silence means: three detectors, as plain arithmetic on instants. Instants are those of the awake
 * clock (`awake-clock.ts`), so that our own lateness has already been taken out and never makes another suspect.
 * It never looks at a clock and never decides anything about views.
 */
import type { DetectorTimers } from '../config/config.ts';
import type { Instant, Millis } from '../model/time.ts';
import { earliest } from '../model/time.ts';

export type HostAnswer = 'answers' | 'silent' | 'unknown';
export type AgentAnswer = 'well' | 'silent' | 'unknown';

/** Sending times remembered to measure round trips; an answer to an older probe proves life but measures nothing. */
const SENT_TIMES = 16;

export class Detector {
  stream = false;
  /** Smoothed (1/8 new) round trip of probes; absent before the first answer. */
  roundTrip: Millis | undefined;
  private readonly timers: DetectorTimers;
  private heardAt: Instant | undefined;
  private available = true;
  private answeredAt: Instant | undefined;
  private unansweredSince: Instant | undefined;
  /** Since when datagrams of its agent have come though its kernel has not answered. */
  private heardInSilenceSince: Instant | undefined;
  private wasOneWay = false;
  private newestProbe = -1;
  private readonly sentNumbers = new Float64Array(SENT_TIMES).fill(-1);
  private readonly sentAt = new Float64Array(SENT_TIMES);

  constructor(timers: DetectorTimers) {
    this.timers = timers;
  }

  opened(): void {
    this.stream = true;
    this.answered();
    this.wasOneWay = false;
  }

  closed(now: Instant): void {
    this.wasOneWay = this.oneWay(now);
    this.stream = false;
    this.answered();
  }

  /** A heartbeat came as a datagram: the agent lives and its datagrams reach us. */
  heard(now: Instant): void {
    this.heardAt = now;
    if (this.unansweredSince === undefined || this.answeredAt === undefined) return;
    // What was sent before its host died arrives within a round trip.
    const late = Math.max(this.timers.probe_interval_ms / 2, this.roundTrip ?? 0);
    if (now > this.unansweredSince + late) this.heardInSilenceSince ??= now;
  }

  probeSent(probe: number, now: Instant): void {
    this.newestProbe = probe;
    this.sentNumbers[probe % SENT_TIMES] = probe;
    this.sentAt[probe % SENT_TIMES] = now;
    this.unansweredSince ??= now;
  }

  /** Returns false for a number that was never sent. */
  probeAnswered(probe: number, now: Instant): boolean {
    if (!(probe >= 0 && probe <= this.newestProbe)) return false;
    this.available = true;
    this.answeredAt = now;
    this.answered();
    const slot = probe % SENT_TIMES;
    if (this.sentNumbers[slot] === probe) {
      const measured = Math.max(0, now - this.sentAt[slot]!);
      this.roundTrip =
        this.roundTrip === undefined ? measured : this.roundTrip + (measured - this.roundTrip) / 8;
    }
    return true;
  }

  probesUnavailable(): void {
    this.available = false;
  }

  /**
   * Whether the peer's kernel answers. `unknown`: it never did, or probes cannot be sent, or they stay unanswered while
   * the agent's own datagrams keep coming (a filter on the way): then heartbeats stand in.
   */
  host(now: Instant): HostAnswer {
    if (!this.available || this.answeredAt === undefined) return 'unknown';
    if (this.unansweredSince === undefined) return 'answers';
    const silence = now - this.unansweredSince;
    if (silence < this.timers.probe_timeout_ms) return 'answers';
    const filtered = silence >= this.timers.probe_timeout_ms + this.timers.heartbeat_timeout_ms;
    return filtered && this.agent(now) === 'well' ? 'unknown' : 'silent';
  }

  agent(now: Instant): AgentAnswer {
    if (this.heardAt === undefined) return 'unknown';
    return now - this.heardAt < this.timers.heartbeat_timeout_ms ? 'well' : 'silent';
  }

  /** A probe has not been answered yet. */
  get isAsking(): boolean {
    return this.unansweredSince !== undefined;
  }

  /** For how long probes have gone unanswered, in ms; 0 while the last one may still be. */
  unansweredFor(now: Instant): Millis {
    return this.unansweredSince === undefined ? 0 : now - this.unansweredSince;
  }

  /** Its agent was heard since its kernel, which did answer, no longer does: the host is up. */
  heardInSilence(now: Instant): boolean {
    return this.heardInSilenceSince !== undefined && this.host(now) !== 'unknown';
  }

  /**
   * It has been heard for so long without an answer that what we send does not arrive there; when a cut is mended, the first
   * datagrams may come before the first answer. Once the stream is gone: what it was like then.
   */
  oneWay(now: Instant): boolean {
    if (this.unansweredSince === undefined) return this.wasOneWay;
    if (this.heardAt === undefined || this.heardInSilenceSince === undefined) return false;
    return (
      this.heardInSilence(now) && this.heardAt - this.heardInSilenceSince >= this.timers.probe_interval_ms
    );
  }

  /** When a datagram of its agent came last. */
  get heardLast(): Instant | undefined {
    return this.heardAt;
  }

  /** All three say yes (or cannot say, in the case of the host). */
  hears(now: Instant): boolean {
    return this.stream && this.agent(now) === 'well' && this.host(now) !== 'silent';
  }

  /** The kernel answered so lately that the host must have been up when its member was given up. */
  answeredLately(now: Instant): boolean {
    if (this.answeredAt === undefined) return false;
    return now - this.answeredAt <= 2 * this.timers.probe_interval_ms + (this.roundTrip ?? 0);
  }

  private answered(): void {
    this.unansweredSince = undefined;
    this.heardInSilenceSince = undefined;
  }

  /** When, without any further sign, {@link hears} turns by itself; absent: not while nothing arrives. */
  turnsAt(now: Instant): Instant | undefined {
    if (!this.stream || this.heardAt === undefined) return undefined;
    const hung = this.heardAt + this.timers.heartbeat_timeout_ms;
    const probing = this.available && this.answeredAt !== undefined && this.unansweredSince !== undefined;
    const silent = probing ? this.unansweredSince! + this.timers.probe_timeout_ms : undefined;
    const filtered = silent === undefined ? undefined : silent + this.timers.heartbeat_timeout_ms;
    return earliest(later(hung, now), earliest(later(silent, now), later(filtered, now)));
  }
}

function later(at: Instant | undefined, now: Instant): Instant | undefined {
  return at !== undefined && at > now ? at : undefined;
}

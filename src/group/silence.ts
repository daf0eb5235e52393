/**
 * Since when a member's host has left our probes unanswered. A stream to a host that was silent is of no use afterwards:
 * TCP tries again in ever longer pauses, seconds after the network has healed; a fresh stream takes a few milliseconds.
 */
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';

interface Host {
  /** Where probes are filtered none is ever answered, and silence tells nothing. */
  answeredOnce: boolean;
  unansweredSince: Instant | undefined;
}

export class Silence {
  readonly #bound: Millis;
  readonly #hosts = new Map<MemberId, Host>();

  constructor(bound: Millis) {
    this.#bound = bound;
  }

  /** Waiting answers have been read. True when the host has been silent for longer than the bound. */
  asked(member: MemberId, now: Instant): boolean {
    const host = this.#host(member);
    host.unansweredSince ??= now;
    return host.answeredOnce && now - host.unansweredSince > this.#bound;
  }

  answered(member: MemberId): void {
    const host = this.#host(member);
    host.answeredOnce = true;
    host.unansweredSince = undefined;
  }

  /** Its stream is gone. */
  forget(member: MemberId): void {
    this.#hosts.delete(member);
  }

  #host(member: MemberId): Host {
    const known = this.#hosts.get(member);
    if (known !== undefined) return known;
    const fresh: Host = { answeredOnce: false, unansweredSince: undefined };
    this.#hosts.set(member, fresh);
    return fresh;
  }
}

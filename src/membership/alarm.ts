/**
 * Heartbeats out of turn for members our view has just gone on without: one that is cut off in one direction must know at
 * once that a view stands without it, and so must we of the view it is in.
 */
import type { Instant } from '../model/time.ts';
import type { Core } from './core.ts';
import type { Peer } from './peer.ts';

export class Alarm {
  private readonly core: Core;
  private readonly send: (peer: Peer) => void;
  private dueAt: Instant | undefined;
  private installedAt: Instant;

  /** @param send sends a heartbeat to the member */
  constructor(core: Core, send: (peer: Peer) => void) {
    this.core = core;
    this.send = send;
    this.installedAt = core.installedAt;
  }

  /** With each view that lost somebody, and then at the pace of probes until they are judged. */
  run(): void {
    const { core } = this;
    const fresh = this.installedAt !== core.installedAt;
    this.installedAt = core.installedAt;
    if (!fresh && (this.dueAt === undefined || core.now < this.dueAt)) return;
    const lost = [...core.peers.values()].filter((peer) => this.isLost(peer));
    for (const peer of lost) this.send(peer);
    this.dueAt = lost.length > 0 ? core.now + core.timers.probe_interval_ms : undefined;
  }

  nextTimeout(): Instant | undefined {
    return this.dueAt;
  }

  private isLost(peer: Peer): boolean {
    return !peer.left && this.core.now - peer.lostAt < 2 * this.core.timers.heartbeat_interval_ms;
  }
}

/**
 * Notices that we keep hearing a view that ranks above ours and does not take us in: somebody in it cannot hear somebody
 * in ours. Then its members serve the VIPs, and ours must hold nothing.
 */
import type { Instant } from '../model/time.ts';
import type { ViewId } from '../model/view.ts';
import { ranksAbove } from './clique.ts';
import type { Core } from './core.ts';
import type { Peer } from './peer.ts';

export class Outrank {
  private readonly core: Core;
  private since: Instant | undefined;
  private by: ViewId | undefined;

  constructor(core: Core) {
    this.core = core;
  }

  run(): void {
    const { core } = this;
    const above = this.viewAbove();
    if (!above) {
      this.since = undefined;
      if (this.by !== undefined) this.tell(undefined, 'the better view is not heard any more, or took us in');
      return;
    }
    this.since ??= core.now;
    if (this.by === undefined && core.now >= this.settledAt()) {
      this.tell(above.told!.view, `${above.member} is in a view that ranks above ours and cannot take us in`);
    }
  }

  nextTimeout(): Instant | undefined {
    return this.since !== undefined && this.by === undefined ? this.settledAt() : undefined;
  }

  /** A merge that is possible is over by then. */
  private settledAt(): Instant {
    return this.since! + 2 * this.core.timers.heartbeat_interval_ms;
  }

  private tell(by: ViewId | undefined, reason: string): void {
    this.by = by;
    this.core.deliver({ kind: 'outranked', by, reason });
    this.core.note(
      by === undefined ? 'info' : 'warn',
      by === undefined ? 'not outranked' : 'outranked',
      reason,
    );
  }

  private viewAbove(): Peer | undefined {
    const { core } = this;
    const own = { size: core.together, representative: core.representative };
    for (const peer of core.peers.values()) {
      const { told } = peer;
      if (!told || told.view === core.view.id || peer.left || !told.well) continue;
      // What was told before our view was installed may be the last word of somebody who is gone.
      if (peer.toldAt < core.installedAt) continue;
      // Who still tells a view we have left, or a joiner its old one, has yet to notice; nothing to yield to.
      if (core.isPast(told.view) || (core.inView(peer.member) && told.epoch < core.view.epoch)) continue;
      if (ranksAbove(told, own) && peer.detector.agent(core.now) === 'well') return peer;
    }
    return undefined;
  }
}

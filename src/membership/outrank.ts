/**
 * Notices that we keep hearing a view that ranks above ours and does not take us in: somebody in it cannot hear somebody
 * in ours. Then its members serve the VIPs, and ours must hold nothing. Until that is settled ours is contested: so it is,
 * too, while somebody that our view went on without shows that it is alive.
 */
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import type { ViewId } from '../model/view.ts';
import { isPresent } from './candidate.ts';
import { ranksAbove } from './clique.ts';
import type { Core } from './core.ts';
import type { Peer } from './peer.ts';

interface Standing {
  readonly by?: ViewId;
  readonly contested?: true;
  readonly reason: string;
}

/** The agent remembers for 2 s. */
const STRANGERS_AGAIN_MS = 1_000;
const CLEAR: Standing = { reason: 'the better view is not heard any more, or took us in' };

export class Outrank {
  private readonly core: Core;
  private readonly underway: () => ViewId | undefined;
  private since: Instant | undefined;
  private told: Standing = CLEAR;
  private remindedAt: Instant = Number.NEGATIVE_INFINITY;
  /** The better view that was heard last. */
  private above: ViewId | undefined;
  /** When the standing may turn by itself. */
  private turnsAt: Instant | undefined;

  /** @param underway the view that is being agreed on, if any */
  constructor(core: Core, underway: () => ViewId | undefined) {
    this.core = core;
    this.underway = underway;
  }

  run(): void {
    this.turnsAt = undefined;
    const standing = this.standing();
    const { told } = this;
    const same =
      (told.by === undefined) === (standing.by === undefined) && told.contested === standing.contested;
    if (!same) this.tell(standing);
    else if (standing.by === undefined && !standing.contested) this.remindOfOthers();
  }

  nextTimeout(): Instant | undefined {
    return this.turnsAt;
  }

  /** No better view is known, nor anybody who may be in one. */
  get isClear(): boolean {
    return this.told.by === undefined && !this.told.contested;
  }

  /** We did not run for a while: what is delivered next may be long over, if the others went on without us. */
  late(by: Millis): void {
    this.remind(`late by ${Math.round(by)} ms: others may have gone on without us`);
  }

  /** Told once more, though nothing changed, the agent trusts no release that it sees or has seen: it asks the link. */
  private remind(why: string): void {
    const { by, contested, reason } = this.told;
    this.core.deliver({
      kind: 'outranked',
      by,
      reason: by === undefined ? why : reason,
      ...(contested ? { contested } : {}),
    });
  }

  /** A member of another view may have what is released in ours; so may one of ours that is missing and about to be in one. */
  private remindOfOthers(): void {
    const { core } = this;
    if (core.view.members.length === 1 || core.now < this.remindedAt + STRANGERS_AGAIN_MS) return;
    const why = this.whyOthersMayHaveIt();
    if (why === undefined) return;
    this.remindedAt = core.now;
    this.remind(why);
  }

  private whyOthersMayHaveIt(): string | undefined {
    const missing = this.core.state === 'operational' ? undefined : this.missing();
    if (missing !== undefined) return `not together with ${missing}, which may have gone on without us`;
    const stranger = this.stranger();
    return stranger && `${stranger.member} is heard, which is in another view`;
  }

  private missing(): MemberId | undefined {
    const { core } = this;
    return core.view.members.find((member) => !core.peers.get(member)?.left && !isPresent(core, member));
  }

  private stranger(): Peer | undefined {
    const { core } = this;
    for (const peer of core.peers.values()) {
      const { told, detector } = peer;
      if (peer.inView || !told?.well || peer.left || told.view === core.view.id) continue;
      if (peer.toldAt >= core.installedAt && detector.agent(core.now) === 'well') return peer;
    }
    return undefined;
  }

  private standing(): Standing {
    const { core } = this;
    const above = this.viewAbove();
    this.above = above?.told?.view;
    if (!above) {
      this.since = undefined;
      return this.survivor();
    }
    this.since ??= core.now;
    // A merge that is possible is over by then; where what we send does not arrive, none is.
    const settledAt = this.since + this.patience;
    if (this.told.by !== undefined || core.now >= settledAt || above.detector.oneWay(core.now)) {
      const reason = `${above.member} is in a view that ranks above ours and cannot take us in`;
      return { by: above.told!.view, reason };
    }
    this.turnsAt = earliest(this.turnsAt, settledAt);
    return { contested: true, reason: `${above.member} is in a view that ranks above ours` };
  }

  /** Contested for a while by a member that our view went on without, if there is one that lives. */
  private survivor(): Standing {
    const { core } = this;
    const until = core.installedAt + this.patience;
    if (core.now >= until) return CLEAR;
    for (const { member, how } of core.view.departed) {
      const peer = core.peers.get(member);
      if (how === 'leave' || !peer || !this.isAlive(peer)) continue;
      this.turnsAt = earliest(this.turnsAt, until);
      return { contested: true, reason: `${member} is heard though our view went on without it` };
    }
    return CLEAR;
  }

  /** We yielded to that view already: that those it outranks joined each other changes nothing, and it has until then to say so. */
  private stoodBefore({ told, toldAt }: Peer): boolean {
    const { core, patience } = this;
    const until = core.installedAt + patience;
    if (told?.view !== this.above || toldAt < core.installedAt - patience || core.now >= until) return false;
    this.turnsAt = earliest(this.turnsAt, until);
    return true;
  }

  /** Its agent is well, and that is no news from before it went. */
  private isAlive(peer: Peer): boolean {
    const { core } = this;
    const { told, detector } = peer;
    if (!told?.well || peer.left || detector.agent(core.now) !== 'well') return false;
    const heard = detector.heardLast ?? Number.NEGATIVE_INFINITY;
    if (heard > core.installedAt + core.timers.probe_interval_ms / 2 || detector.heardInSilence(core.now))
      return true;
    const movedOn = told.view !== core.view.id && told.epoch > core.leftEpoch;
    return movedOn && peer.toldAt > core.installedAt - core.timers.heartbeat_interval_ms;
  }

  private get patience(): number {
    return 2 * this.core.timers.heartbeat_interval_ms;
  }

  private tell(standing: Standing): void {
    const { core } = this;
    const { by, contested, reason } = standing;
    this.told = standing;
    core.deliver({ kind: 'outranked', by, reason, ...(contested ? { contested } : {}) });
    const what = by !== undefined ? 'outranked' : contested ? 'contested' : 'not outranked';
    core.note(by === undefined ? 'info' : 'warn', what, reason);
  }

  /** Somebody in a view above ours; best one that cannot hear us. */
  private viewAbove(): Peer | undefined {
    const { core } = this;
    let found: Peer | undefined;
    const underway = this.underway();
    for (const peer of core.peers.values()) {
      if (peer.told?.view === underway || !this.isAbove(peer)) continue;
      if (peer.detector.oneWay(core.now)) return peer;
      found ??= peer;
    }
    return found;
  }

  private isAbove(peer: Peer): boolean {
    const { core } = this;
    const { told } = peer;
    if (!told || told.view === core.view.id || peer.left || !told.well) return false;
    // What was told before our view was installed may be the last word of somebody who is gone.
    if (peer.toldAt < core.installedAt && !this.stoodBefore(peer)) return false;
    const own = { size: core.together, epoch: core.view.epoch, representative: core.representative };
    if (peer.detector.agent(core.now) !== 'well' || !ranksAbove(told, own)) return false;
    // Who still tells a view we have left, or a joiner its old one, has yet to notice; nothing to yield to.
    return !core.isPast(told.view) && !(peer.inView && told.epoch < core.view.epoch);
  }
}

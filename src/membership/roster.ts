/**
 * Streams, heartbeats and probe answers as they come in, and from them whom we hear. It tells the judge that something
 * changed; what follows from it is not decided here.
 */
import type { MemberId } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import { type Core, EPOCH_MAX } from './core.ts';
import type { Heartbeat } from './messages.ts';
import { WIRE_VERSION_OLDEST } from './messages.ts';
import type { Peer } from './peer.ts';
import { splitViewId } from './view-id.ts';

/** A member that went without a goodbye gets our heartbeats for so long, so that it learns of our view if it is cut off. */
export const LOST_KEEP_MS = 600_000;
/** A member that said goodbye is remembered for so long, so that its last datagrams do not make it a stranger. */
const LEFT_KEEP_MS = 10_000;

export class Roster {
  private readonly core: Core;
  /** When somebody may turn without any event. */
  private turnsAt: Instant | undefined;

  constructor(core: Core) {
    this.core = core;
  }

  streamOpened(member: MemberId, wireVersion: number): Peer | undefined {
    const refusal = this.refusal(member, wireVersion);
    if (refusal !== undefined) {
      this.core.actions.push({ kind: 'close-stream', member, reason: refusal });
      this.core.note('warn', 'stream refused', refusal, member);
      return undefined;
    }
    const peer = this.core.peer(member);
    peer.detector.opened();
    peer.seenAt = this.core.now;
    peer.processGone = false;
    this.forgetEarlierRuns(member);
    return peer;
  }

  streamClosed(member: MemberId, reason: string): void {
    const peer = this.core.peers.get(member);
    if (!peer?.detector.stream) return;
    if (peer.detector.host(this.core.now) !== 'silent') peer.processGone = true;
    peer.detector.closed(this.core.now);
    peer.severed = peer.inView;
    this.core.dirty = true;
    this.core.note('info', 'stream closed', reason, member);
  }

  /** `datagram` tells a heartbeat proper from the content of a `hear` frame. */
  told(member: MemberId, heartbeat: Heartbeat, datagram: boolean): void {
    if (heartbeat.sender !== member || member === this.core.self) {
      this.core.note('debug', 'heartbeat ignored', `it names ${heartbeat.sender}`, member);
      return;
    }
    const { epoch } = splitViewId(heartbeat.view);
    if (epoch > heartbeat.highest || epoch > EPOCH_MAX) {
      // Whoever installed a view has seen its epoch. Believed, it would have moved on from every view we could install, at once.
      this.core.note('debug', 'heartbeat ignored', 'its view is beyond what it says it has seen', member);
      return;
    }
    const peer = this.core.peer(member);
    peer.seenAt = this.core.now;
    if (datagram) peer.detector.heard(this.core.now);
    this.core.sawEpoch(heartbeat.highest);
    if (peer.learn(heartbeat, this.core.now)) this.core.dirty = true;
  }

  /** Whether a heartbeat proper from somebody we hear says what it said before; then it counts as a sign of life. */
  toldAgain(member: MemberId, heartbeat: Heartbeat): boolean {
    const peer = this.core.peers.get(member);
    if (heartbeat.sender !== member || !peer?.hears) return false;
    if (peer.detector.agent(this.core.now) !== 'well' || !peer.repeats(heartbeat, this.core.now))
      return false;
    peer.seenAt = this.core.now;
    peer.detector.heard(this.core.now);
    return true;
  }

  /** Looks at every peer: who is heard now, who no longer. Cheap while nothing changes. */
  survey(): void {
    const { core } = this;
    this.turnsAt = undefined;
    for (const peer of core.peers.values()) {
      this.judgeHearing(peer);
      this.turnsAt = earliest(this.turnsAt, this.nextTurn(peer));
      if (!peer.detector.stream && !peer.inView) this.forgetWhenOld(peer);
    }
  }

  /**
   * Whether everybody we know is in our view, tells it, is heard and has answered, or is gone for good: then a survey before the next
   * timeout would find what the last one found. Brings that timeout up to date.
   */
  isCalm(): boolean {
    const { core } = this;
    let at: Instant | undefined;
    for (const peer of core.peers.values()) {
      const { detector } = peer;
      if (this.isGone(peer)) continue;
      if (!peer.hears || peer.told?.view !== core.view.id || detector.isAsking) return false;
      if (peer.passedUntil !== undefined || !peer.inView) return false;
      at = earliest(at, detector.turnsAt(core.now));
    }
    this.turnsAt = at;
    return true;
  }

  nextTimeout(): Instant | undefined {
    return this.turnsAt;
  }

  /** Nothing is heard of it, nothing is waited for, and it is not forgotten yet. */
  private isGone(peer: Peer): boolean {
    const { now } = this.core;
    if (peer.detector.stream || peer.inView || peer.raw || peer.hears || peer.passedUntil !== undefined)
      return false;
    return peer.detector.agent(now) !== 'well' && !this.isOld(peer);
  }

  private judgeHearing(peer: Peer): void {
    const { core } = this;
    if (peer.passedUntil !== undefined && core.now >= peer.passedUntil) peer.passedUntil = undefined;
    const raw = peer.told?.well === true && !peer.left && peer.detector.hears(core.now);
    if (raw && !peer.raw) peer.hold.returned(core.now);
    const { inView } = peer;
    if (!raw && peer.hears && !inView) peer.hold.lost(core.now);
    peer.raw = raw;
    const hears = raw && peer.passedUntil === undefined && (inView || peer.hold.over(core.now));
    if (hears === peer.hears) return;
    peer.hears = hears;
    core.dirty = true;
    core.news = true;
    core.note(
      'info',
      hears ? 'hears' : 'does not hear',
      hears ? 'all detectors agree' : this.silence(peer),
      peer.member,
    );
  }

  private silence(peer: Peer): string {
    if (peer.left) return 'it said goodbye';
    if (!peer.detector.stream) return 'its stream is closed';
    if (peer.detector.host(this.core.now) === 'silent') return 'its host does not answer probes';
    if (peer.detector.agent(this.core.now) !== 'well') return 'its agent sends no heartbeats';
    if (peer.told?.well === false) return 'it says that its agent hangs';
    return 'it was passed over or excluded and its hold-down runs';
  }

  private nextTurn(peer: Peer): Instant | undefined {
    const { now } = this.core;
    let at = peer.raw || peer.detector.stream ? peer.detector.turnsAt(now) : undefined;
    if (peer.raw && !peer.hears && peer.hold.end() > now) at = earliest(at, peer.hold.end());
    return earliest(at, peer.passedUntil);
  }

  private forgetWhenOld(peer: Peer): void {
    if (this.isOld(peer)) this.core.peers.delete(peer.member);
  }

  private isOld(peer: Peer): boolean {
    return this.core.now - peer.seenAt > (peer.left ? LEFT_KEEP_MS : LOST_KEEP_MS);
  }

  /** Why this stream cannot be; absent: welcome. A namesake whose stream is gone or silent makes room at once. */
  private refusal(member: MemberId, wireVersion: number): string | undefined {
    const name = nameOf(member);
    if (wireVersion < WIRE_VERSION_OLDEST) {
      return `${name} speaks wire version ${wireVersion}, at least ${WIRE_VERSION_OLDEST} is needed: upgrade it`;
    }
    if (name === nameOf(this.core.self)) return duplicateName(name);
    for (const other of this.core.peers.values()) {
      if (other.member === member || nameOf(other.member) !== name || !other.detector.stream) continue;
      if (other.raw && !other.left) return duplicateName(name);
      this.core.actions.push({
        kind: 'close-stream',
        member: other.member,
        reason: `a newer run of ${name} took its place`,
      });
      this.streamClosed(other.member, 'a newer run of it took its place');
    }
    return undefined;
  }

  private forgetEarlierRuns(member: MemberId): void {
    for (const other of this.core.peers.values()) {
      const earlier = other.member !== member && nameOf(other.member) === nameOf(member);
      if (earlier && !other.detector.stream && !other.inView) {
        this.core.peers.delete(other.member);
      }
    }
  }
}

function duplicateName(name: string): string {
  return `a member named ${name} is already in the group: give this one another name, or stop the other`;
}

/**
 * The state the engine's parts share, and the small verbs they all use. The parts know each other only through this;
 * none of it outlives `handle` except what is written here.
 */
import type { DetectorTimers } from '../config/config.ts';
import type { GroupEvent } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import { incarnationOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { View, ViewId } from '../model/view.ts';
import { representativeOf, viewId } from '../model/view.ts';
import type { EngineAction, EngineStatus } from './events.ts';
import type { Frame, Incarnation } from './messages.ts';
import { Peer } from './peer.ts';
import { type Places, placesOf } from './places.ts';

/** Members and strangers remembered at most; beyond that the longest silent stranger is forgotten. */
const PEERS_MAX = 256;
/** No epoch above this is believed: at a view a second it would take longer than there was time. */
export const EPOCH_MAX = 2 ** 48;
/** Views of ours that are remembered as over. */
const PAST_MAX = 16;

export class Core {
  readonly self: MemberId;
  readonly incarnation: Incarnation;
  readonly timers: DetectorTimers;
  readonly peers = new Map<MemberId, Peer>();
  /** Awake time of the event being handled. */
  now: Instant = 0;
  actions: EngineAction[] = [];
  state: EngineStatus['state'] = 'operational';
  /** Replaced by {@link adopt} alone. */
  view: View;
  /** Members of `view`, to ask quickly. */
  private viewMembers: ReadonlySet<MemberId>;
  installedAt: Instant = 0;
  /** Highest epoch seen anywhere. */
  highest: number;
  /** Never in a view with anybody else. */
  fresh = true;
  /** How many of the view we are still together with; what heartbeats tell as `size`. */
  together = 1;
  /** Something the judge must look at. */
  dirty = true;
  /** What we tell others has changed: a `hear` frame is due. */
  news = false;
  /** Our own agent ticks. */
  well = true;
  leaving = false;
  /** Epoch of the view before this one: whoever was with us in it and moved on tells a later one. */
  leftEpoch = 0;
  private readonly past: ViewId[] = [];
  private knownPlaces: Places | undefined;

  constructor(self: MemberId, timers: DetectorTimers, bootEpoch: number) {
    this.self = self;
    this.incarnation = incarnationOf(self);
    this.timers = timers;
    this.highest = bootEpoch + 1;
    this.view = {
      id: viewId(this.highest, self),
      epoch: this.highest,
      members: [self],
      cause: 'join',
      joined: [self],
      departed: [],
    };
    this.viewMembers = new Set(this.view.members);
  }

  get representative(): MemberId {
    return representativeOf(this.view);
  }

  /** The peer's record, created at first sight. */
  peer(member: MemberId): Peer {
    const known = this.peers.get(member);
    if (known) return known;
    if (this.peers.size >= PEERS_MAX) this.forgetOne();
    const peer = new Peer(member, this.timers, { now: this.now, inView: this.inView(member) });
    this.peers.set(member, peer);
    this.knownPlaces = undefined;
    return peer;
  }

  /** Of everybody known, ourselves included; another object once somebody new is. */
  get places(): Places {
    this.knownPlaces ??= placesOf([this.incarnation, ...[...this.peers.values()].map((p) => p.incarnation)]);
    return this.knownPlaces;
  }

  adopt(view: View): void {
    this.view = view;
    this.viewMembers = new Set(view.members);
    for (const peer of this.peers.values()) peer.inView = this.inView(peer.member);
  }

  inView(member: MemberId): boolean {
    return this.viewMembers.has(member);
  }

  send(to: MemberId, frame: Frame): void {
    this.actions.push({ kind: 'send', to, frame });
  }

  /** The same frame to each of the members but ourselves. */
  sendAll(members: Iterable<MemberId>, frame: Frame): void {
    for (const member of members) if (member !== this.self) this.send(member, frame);
  }

  deliver(event: GroupEvent): void {
    this.actions.push({ kind: 'deliver', event });
  }

  note(
    level: 'debug' | 'info' | 'warn',
    what: string,
    ...[reason, member]: readonly [reason: string, member?: MemberId | undefined]
  ): void {
    this.actions.push({ kind: 'note', level, what, reason, ...(member === undefined ? {} : { member }) });
  }

  sawEpoch(epoch: number): void {
    if (epoch > this.highest && epoch <= EPOCH_MAX) this.highest = epoch;
  }

  /** Takes a member for failed for a while because it did not do its part. */
  passOver(member: MemberId, reason: string): void {
    const length = Math.max(2 * this.timers.heartbeat_interval_ms, 4 * this.timers.phase_timeout_ms);
    this.peer(member).passedUntil = this.now + length;
    this.dirty = true;
    this.note('warn', 'passed over', reason, member);
  }

  /** The engine is lost; nothing follows (G7). */
  detach(reason: string): void {
    for (const peer of this.peers.values()) {
      if (peer.detector.stream) this.actions.push({ kind: 'close-stream', member: peer.member, reason });
    }
    this.deliver({ kind: 'detached', reason });
    this.note('warn', 'detached', reason);
    this.state = 'stopped';
  }

  /** We have left that view for another. */
  remember(view: View): void {
    this.leftEpoch = view.epoch;
    this.past.push(view.id);
    if (this.past.length > PAST_MAX) this.past.shift();
  }

  /** Whoever tells this view has not noticed yet that it is over. */
  isPast(view: ViewId): boolean {
    return this.past.includes(view);
  }

  private forgetOne(): void {
    let oldest: Peer | undefined;
    for (const peer of this.peers.values()) {
      if (peer.detector.stream || peer.inView) continue;
      if (!oldest || peer.seenAt < oldest.seenAt) oldest = peer;
    }
    if (oldest) this.peers.delete(oldest.member);
  }
}

/** What the engine knows about one other member: its detectors, what it last told, and how it went. */
import type { DetectorTimers } from '../config/config.ts';
import type { MemberId } from '../model/member.ts';
import { incarnationOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { Departure, ViewId } from '../model/view.ts';
import { Detector } from './detector.ts';
import { Hold } from './hold.ts';
import type { Heartbeat, Incarnation } from './messages.ts';
import { bitsOf, type PlaceBits, type Places } from './places.ts';
import { splitViewId } from './view-id.ts';

const NOBODY: readonly Incarnation[] = [];

/** The newest content of a peer's heartbeats and `hear` frames. */
export interface Told {
  number: number;
  well: boolean;
  view: ViewId;
  epoch: number;
  representative: MemberId;
  size: number;
  list: readonly Incarnation[];
  received: number;
}

export class Peer {
  readonly member: MemberId;
  readonly incarnation: Incarnation;
  readonly detector: Detector;
  readonly hold: Hold;
  told: Told | undefined;
  /** When it last told anything. */
  toldAt: Instant = Number.NEGATIVE_INFINITY;
  /** It is a member of our view. */
  inView: boolean;
  /** It said goodbye. */
  left = false;
  /** Its process went while its host still answered. */
  processGone = false;
  /** Its stream broke during the present view: frames may be lost, so only a new view puts us together again. */
  severed = false;
  /** All detectors are content, whatever the hold-down says. */
  raw = false;
  /** It counts: we tell others that we hear it. */
  hears = false;
  /** Not to be judged before this: it kept us waiting in a view change and is taken for failed. */
  passedUntil: Instant | undefined;
  /** When a view without it was installed though it had not said goodbye. */
  lostAt: Instant = Number.NEGATIVE_INFINITY;
  /** Last sign of any kind, for forgetting. */
  seenAt: Instant;
  /** What {@link hearsAt} said last, and of what. */
  private bits:
    | { readonly list: readonly Incarnation[]; readonly places: Places; readonly bits: PlaceBits }
    | undefined;

  constructor(member: MemberId, timers: DetectorTimers, { now, inView }: { now: Instant; inView: boolean }) {
    this.member = member;
    this.inView = inView;
    this.incarnation = incarnationOf(member);
    this.detector = new Detector(timers);
    this.hold = new Hold(timers.link_hold_ms);
    this.seenAt = now;
  }

  /** Whom it says it hears. */
  hearsAt(places: Places): PlaceBits {
    const list = this.told?.list ?? NOBODY;
    if (this.bits?.list !== list || this.bits.places !== places)
      this.bits = { list, places, bits: bitsOf(list, places) };
    return this.bits.bits;
  }

  /** Takes over what it tells; returns whether anything changed that matters for views. */
  learn(heartbeat: Heartbeat, now: Instant): boolean {
    const before = this.told;
    if (before && heartbeat.number <= before.number) return false;
    this.toldAt = now;
    const sameView = before?.view === heartbeat.view;
    const { epoch, representative } = sameView ? before : splitViewId(heartbeat.view);
    // A member's epochs only rise, so an older view in a newer datagram is one that was overtaken by its `installed`.
    const newer = !before || epoch > before.epoch;
    const list = before && sameList(before.list, heartbeat.hears) ? before.list : heartbeat.hears;
    this.told = {
      number: heartbeat.number,
      well: heartbeat.well,
      view: newer ? heartbeat.view : before.view,
      epoch: newer ? epoch : before.epoch,
      representative: newer ? representative : before.representative,
      size: newer || sameView ? heartbeat.size : before.size,
      list,
      received: sameView ? Math.max(before.received, heartbeat.received) : heartbeat.received,
    };
    return (
      !before ||
      newer ||
      list !== before.list ||
      heartbeat.well !== before.well ||
      heartbeat.size !== before.size
    );
  }

  /** Takes over a newer heartbeat that says what the last one said; returns false, and does nothing, if it says more. */
  repeats(heartbeat: Heartbeat, now: Instant): boolean {
    const { told } = this;
    const same =
      told !== undefined &&
      heartbeat.number > told.number &&
      heartbeat.view === told.view &&
      heartbeat.size === told.size &&
      heartbeat.well === told.well &&
      heartbeat.received === told.received &&
      sameList(told.list, heartbeat.hears);
    if (!same) return false;
    told.number = heartbeat.number;
    this.toldAt = now;
    return true;
  }

  /** It says it has installed this view. */
  installed(view: ViewId, size: number): void {
    const { epoch, representative } = splitViewId(view);
    if (!this.told || epoch <= this.told.epoch) return;
    this.told = { ...this.told, view, epoch, representative, size, received: 0 };
  }

  /** It refused an attempt because it does not hear these; its next news may say otherwise. */
  unhear(members: readonly MemberId[]): void {
    if (!this.told) return;
    const silent = new Set(members.map(incarnationOf));
    const list = this.told.list.filter((incarnation) => !silent.has(incarnation));
    this.told = { ...this.told, list };
  }

  /** It refused an attempt because its own view is as large. */
  outgrew(size: number): void {
    if (this.told) this.told.size = Math.max(this.told.size, size);
  }

  /**
   * How it went, in our opinion. Where nobody can tell, `process` is the careful answer: it makes the next holder ask
   * the link first.
   */
  departure(now: Instant): Departure {
    if (this.left) return 'leave';
    if (this.processGone || this.detector.heardInSilence(now)) return 'process';
    const host = this.detector.host(now);
    if (host !== 'answers') return host === 'silent' ? 'host' : 'process';
    const hung = this.detector.agent(now) === 'silent' || this.told?.well === false;
    return hung || this.detector.answeredLately(now) ? 'process' : 'host';
  }
}

function sameList(a: readonly Incarnation[], b: readonly Incarnation[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}

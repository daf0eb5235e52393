/**
 * What a member may do while the site's ring is not whole (ADR 0018, 0019): everything; keep what it has and take nothing, since hosts of the
 * other part are there all the same (`bystanders`); or nothing at all (`outranked`). What takes away is said at once; what gives back only with the
 * view of the ring that is to be trusted. Pure but for the question which nodes the links reach.
 */
import type { MemberName } from '../../model/member.ts';
import type { View, ViewId } from '../../model/view.ts';
import type { QuorumEvent } from '../../platform/corosync-library.ts';
import type { TotemEvent } from '../../platform/corosync-totem.ts';
import type { GroupEvent } from '../group.ts';
import type { Seat } from '../spread/next-view.ts';
import type { SynchronyAction } from '../spread/synchrony.ts';
import { Absentees } from './absentees.ts';
import { RingUnrest, type RingUnrestSettings, type Turn } from './ring-unrest.ts';

export interface StanceSettings extends RingUnrestSettings {
  /** Whether corosync's own links reach the node, both ways, as far as is known. */
  reaches(node: number): boolean;
}

type Bystanders = Extract<GroupEvent, { kind: 'bystanders' }>;
type Note = Extract<SynchronyAction, { kind: 'note' }>;

export class Stance {
  readonly #settings: StanceSettings;
  readonly #unrest: RingUnrest;
  readonly #absentees = new Absentees();
  /** The agent was told that it must hold nothing. */
  #barred = false;
  #told: Bystanders = WHOLE;
  #unsettled = false;
  /** Turns since somebody went without a word, who may have reached more than we do; undefined: that is long ago. */
  #bereft: number | undefined;
  #turns = 0;
  /** Absent nodes that are, or were, reached since they went, and the turn in which they were that last. */
  readonly #linked = new Map<number, number>();
  /** Turn in which the absent node was first missed. */
  readonly #missed = new Map<number, number>();
  /** Absent nodes whose link was broken for good once: they come back by the ring, or not at all. */
  readonly #forgone = new Set<number>();

  constructor(settings: StanceSettings) {
    this.#settings = settings;
    this.#unrest = new RingUnrest(settings);
  }

  /** The ring is there, though nothing may have been delivered for long. */
  get isRingThere(): boolean {
    return this.#unrest.isThere;
  }

  synchronised(event: QuorumEvent): void {
    this.#unrest.synchronised(event);
  }

  /** What Totem said ahead of everything else. */
  formed(event: TotemEvent): void {
    this.#unrest.formed(event);
  }

  turn(turn: Turn): void {
    this.#unrest.turn(turn);
    this.#turns += 1;
    if (this.#bereft === undefined || turn.silent > 0) return;
    this.#bereft = this.#bereft < this.#settings.calm ? this.#bereft + 1 : undefined;
  }

  viewed(view: View, seats: readonly Seat[]): void {
    if (view.departed.some(({ how }) => how !== 'leave')) this.#bereft = 0;
    this.#absentees.seen(view, seats, this.#unrest.here);
  }

  /** Of members, here and absent. */
  nodesBut(own: number): readonly number[] {
    return this.#absentees.without([own]);
  }

  /** Before the view that may give us what others hold, or others what we hold. */
  worsen(): readonly GroupEvent[] {
    const events: GroupEvent[] = [];
    const { reached, lost, isBeside, why } = this.#judge();
    if (why !== undefined && !isBeside && !this.#barred) {
      this.#barred = true;
      events.push({ kind: 'outranked', by: QUORATE_PART, reason: why });
    }
    // That it is over, or that we are not the lesser part any more, comes with `ease`.
    const lesser = this.#barred ? undefined : ((isBeside ? why : undefined) ?? this.#told.lesser);
    if (isBeside || lesser !== undefined || !this.#isCalm) this.#tell({ reached, lost, lesser }, events);
    return events;
  }

  /** `trusted`: the view is that of the last ring, and the group has settled. */
  ease(trusted: boolean): readonly GroupEvent[] {
    const events: GroupEvent[] = [];
    const { reached, lost, isBeside, why } = this.#judge();
    if (why !== undefined || !trusted) return events;
    if (this.#barred) {
      this.#barred = false;
      events.push({ kind: 'outranked', by: undefined, reason: SETTLED });
    }
    const isOver = !isBeside && lost.length === 0 && this.#isCalm;
    this.#tell({ reached: isOver ? undefined : reached, lost, lesser: undefined }, events);
    return events;
  }

  /** For people, where it has changed. */
  note(): Note | undefined {
    if (this.#unrest.isUnsettled === this.#unsettled) return undefined;
    this.#unsettled = this.#unrest.isUnsettled;
    return this.#unsettled
      ? { kind: 'note', level: 'warn', what: 'the ring of corosync does not settle', reason: LOOK }
      : { kind: 'note', level: 'info', what: 'the ring of corosync has settled', reason: SETTLED_WHY };
  }

  /** Where all nodes are in the ring, whoever has gone reached nobody whom we do not. */
  get #isCalm(): boolean {
    const isBereft = this.#bereft !== undefined && this.#absentees.without(this.#unrest.here).length > 0;
    return this.#unrest.isCalm && !isBereft;
  }

  /** Whom we reach, or did a moment ago, and why this part must not act as if it were the only one. */
  #judge(): Judgement {
    const { here, reason, isQuorate } = this.#unrest;
    for (const node of here)
      for (const known of [this.#forgone, this.#linked, this.#missed]) known.delete(node);
    const absent = this.#absentees.without(here);
    const linked = absent.filter((node) => this.#look(node));
    const within = (turns: number) => (node: number) =>
      this.#turns - (this.#linked.get(node) ?? Number.NEGATIVE_INFINITY) < turns;
    const kept = absent.filter(within(KEPT_TURNS));
    const gone = absent.filter((node) => !linked.includes(node));
    const judgement = {
      reached: this.#names(this.#absentees.without(gone)),
      lost: this.#names(gone.filter(within(VOUCHED_TURNS))),
      isBeside: kept.length > 0,
    };
    if (kept.length === 0 || isQuorate) return { ...judgement, why: reason };
    const nodes = here.join(', ');
    const why = `corosync has no quorum with nodes ${nodes}, and its links reach ${this.#names(kept).join(', ')} all the same`;
    return { ...judgement, why: reason ?? why };
  }

  /** Whether the absent node is reached. */
  #look(node: number): boolean {
    if (this.#forgone.has(node)) return false;
    if (!this.#missed.has(node)) this.#missed.set(node, this.#turns);
    if (this.#settings.reaches(node)) {
      this.#linked.set(node, this.#turns);
      return true;
    }
    const linked = this.#linked.get(node);
    const isForGood =
      linked === undefined
        ? this.#turns - this.#missed.get(node)! >= KEPT_TURNS
        : this.#turns - linked >= VOUCHED_TURNS;
    if (isForGood) this.#forgone.add(node);
    return false;
  }

  #names(nodes: readonly number[]): readonly MemberName[] {
    return nodes.map((node) => this.#absentees.nameAt(node)).sort();
  }

  #tell(news: Omit<Bystanders, 'kind'>, events: GroupEvent[]): void {
    const event: Bystanders = { kind: 'bystanders', ...news };
    if (textOf(event) === textOf(this.#told)) return;
    this.#told = event;
    events.push(event);
  }
}

interface Judgement {
  readonly reached: readonly MemberName[];
  readonly lost: readonly MemberName[];
  /** Somebody who is reached, or was a moment ago, is outside the ring. */
  readonly isBeside: boolean;
  readonly why: string | undefined;
}

/**
 * A link may seem broken for a moment on a busy machine, and one side may notice later than the other that it is. Who keeps what it has lets go after
 * the first time without one; the others leave it that for the second.
 */
const KEPT_TURNS = 4;
const VOUCHED_TURNS = 12;

function textOf({ reached, lost, lesser }: Bystanders): string {
  return `${reached?.join(' ')}; ${lost.join(' ')}; ${lesser === undefined}`;
}

const WHOLE: Bystanders = { kind: 'bystanders', reached: undefined, lost: [], lesser: undefined };
/** In place of the view of the others, which nobody here can know. */
const QUORATE_PART = 'of the part with quorum' as ViewId;
const LOOK =
  'it forms again and again with the same nodes: does a pair of nodes not hear each other (corosync-cfgtool -s on each)?';
const SETTLED_WHY = 'no ring has formed again for a while';
const SETTLED = 'this part has quorum, or the ring of corosync has settled';

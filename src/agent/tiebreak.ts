/**
 * A vote outside the group for parts that would be primary with just one more: whether it is needed, wanted, ours, or still an open
 * question. While it is open, what was held before may stay for a moment and nothing is put up; who gets the vote waits
 * for the other part's moment to be over where nobody can be asked.
 */
import type { Quorum } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import type { GroupEvent } from '../group/group.ts';
import { isMemberId, type MemberId, nameOf } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import { representativeOf, type View } from '../model/view.ts';
import type { AgentAction, AgentEvent } from './events.ts';
import { quorumIn } from './quorum.ts';
import { barredBecause, type Seat } from './seat.ts';
import type { Table } from './table.ts';

/** How long a part that was primary keeps what it holds while the witness has not answered. */
export const OPEN_FOR: Millis = 2_000;
/** By how much later the other part may begin to count. */
const LATENESS: Millis = 3_000;

export type TiebreakState =
  /** The members here decide by themselves, with it or without. */
  'needless' | 'held' | 'open' | 'lacking';

type WitnessEvent = Extract<AgentEvent, { kind: 'witness' }>;
type Decree = Extract<GroupEvent, { kind: 'quorum' }>;
type WitnessAction = Extract<AgentAction, { kind: 'witness' }>;

export interface Demand {
  /** Whether this member could serve anything: who cannot leaves the vote to others. */
  readonly able: boolean;
  /** Whether it holds, or may hold, anything. */
  readonly holds: boolean;
  /** What the members of the view agreed on; absent while reports are being collected. */
  readonly table: Table | undefined;
}

export class Tiebreak {
  /** What is wrong with the witness, for people; undefined: nothing. */
  trouble: string | undefined;
  #config: Config;
  #view: View | undefined;
  /** Whether the last table we acted on was of the primary component. */
  #wasPrimary = false;
  #openUntil: Instant = Number.NEGATIVE_INFINITY;
  #own: WitnessEvent | undefined;
  /** What the group's engine says: then the votes of the configuration say nothing. */
  #decree: Decree | undefined;
  /** It differs from what we reported in this view. */
  #decreed = false;
  /** A member of our view says that it has it. */
  #told = false;
  #asked = '';
  /** What {@link changed} last saw. */
  #state: TiebreakState = 'needless';

  constructor(config: Config) {
    this.#config = config;
  }

  get isConfigured(): boolean {
    return this.#config.quorum.witness !== undefined;
  }

  configure(config: Config): void {
    this.#config = config;
  }

  install(view: View, now: Instant): void {
    this.#view = view;
    this.#told = false;
    this.#decreed = false;
    this.#openUntil = this.#wasPrimary ? now + OPEN_FOR : Number.NEGATIVE_INFINITY;
    this.#state = this.state(now);
  }

  dissolve(): void {
    this.#view = undefined;
    this.#wasPrimary = false;
    this.#told = false;
    this.#decree = undefined;
    this.#decreed = false;
  }

  /** What the members of the view agreed on. */
  learn(table: Table, self: MemberId | undefined): void {
    this.#wasPrimary = table.primary;
    this.#told = [...table.seats.values()].some(
      ({ member, witness }) => member !== self && witness === 'held',
    );
  }

  /**
   * Whether that is another answer than before. That another part has it closes the question; a member of ours that has it says so in its
   * report, which may be under way.
   */
  vote(event: WitnessEvent): boolean {
    const { owner, has } = event;
    const news = has !== this.#own?.has || owner !== this.#own.owner;
    this.#own = event;
    if (!has && this.#isElsewhere(owner)) this.#openUntil = Number.NEGATIVE_INFINITY;
    return news;
  }

  /** Whether that is another answer than before. */
  decree(decree: Decree): boolean {
    const fresh = decree.primary !== this.#decree?.primary;
    this.#decree = decree;
    this.#decreed ||= fresh && this.#view !== undefined;
    return fresh;
  }

  state(now: Instant): TiebreakState {
    const view = this.#view;
    if (view === undefined || !this.#isNear(view)) return 'needless';
    if (this.#own?.has === true || this.#told) return 'held';
    return now < this.#openUntil ? 'open' : 'lacking';
  }

  /** Whether what we said of it in this view is not so any more, so that everybody has to report again. */
  changed(now: Instant): boolean {
    const state = this.state(now);
    if (this.#decreed) {
      this.#decreed = false;
      return true;
    }
    if (state === this.#state) return false;
    this.#state = state;
    return this.isConfigured && this.#view !== undefined;
  }

  quorum(view: View, now: Instant): Quorum {
    const decree = this.#decree;
    if (decree !== undefined)
      return {
        primary: decree.primary,
        votes: view.members.length,
        expected: undefined,
        reason: decree.reason,
      };
    const state = this.state(now);
    return quorumIn(view, this.#config, state === 'held' || state === 'open');
  }

  /** With one vote more it would be primary. */
  isNear(view: View): boolean {
    return this.isConfigured && this.#decree === undefined && quorumIn(view, this.#config, true).primary;
  }

  /** For the report. */
  said(now: Instant): 'held' | 'open' | undefined {
    if (this.#own?.has === true) return 'held';
    return this.state(now) === 'open' ? 'open' : undefined;
  }

  /** What the driver is to be told, when that is news. */
  demand(self: MemberId, { able, holds, table }: Demand): WitnessAction | undefined {
    if (!this.isConfigured) return undefined;
    const view = this.#view;
    const has = this.#own?.has === true;
    const fence = table?.fence ?? 0;
    const near = view !== undefined && this.#isNear(view);
    // What is ours is given back when nothing is held under it any more, or the members have agreed without it.
    const without = view !== undefined && quorumIn(view, this.#config, false).primary;
    const wanted = near
      ? (has && holds) || (able && (has || askerOf(view, table) === self))
      : has && holds && !(without && table !== undefined);
    const asked = `${wanted} ${fence}`;
    if (asked === this.#asked) return undefined;
    this.#asked = asked;
    return { kind: 'witness', wanted, fence };
  }

  /** Until when another part may hold what it held, since its question is open too. */
  othersOpenUntil(viewSince: Instant): Instant | undefined {
    const parted = this.#view?.departed.some(({ how }) => how !== 'leave') === true;
    return this.isConfigured && parted ? viewSince + OPEN_FOR + LATENESS : undefined;
  }

  nextTimeout(): Instant | undefined {
    return this.#state === 'open' ? this.#openUntil : undefined;
  }

  #isElsewhere(owner: string | undefined): boolean {
    if (owner === undefined || !isMemberId(owner) || this.#view === undefined) return false;
    return this.#view.members.every((member) => nameOf(member) !== nameOf(owner));
  }

  /** Primary with the vote, and not without. */
  #isNear(view: View): boolean {
    return this.isNear(view) && !quorumIn(view, this.#config, false).primary;
  }
}

/** Who asks: the first that may be given anything. A representative that drains would leave the vote to nobody. */
function askerOf(view: View, table: Table | undefined): MemberId {
  const able = (seat: Seat) => barredBecause(seat) === undefined && seat.standing.capacity > 0;
  return [...(table?.seats.values() ?? [])].find(able)?.member ?? representativeOf(view);
}

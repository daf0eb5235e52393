/**
 * Hosts outside our view that are there all the same (`bystanders` of the group contract): a pair that does not hear each other, and a third that
 * hears both. Such a host goes on serving what it had. Who does not reach it must not take that, since the link would show it nothing; who does
 * asks the link, and takes what nobody answers for.
 */
import type { GroupEvent } from '../group/group.ts';
import { isMemberName, type MemberId, type MemberName, nameOf } from '../model/member.ts';
import { sortedIds } from '../model/order.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { type Carrier, carrierOf } from './carriers.ts';
import type { Row } from './row.ts';

/** A bystander, in a report. */
export interface Beside {
  readonly name: MemberName;
  /** Whether the reporting member's host reaches it. If not, it did until a moment ago, or somebody did who has gone since. */
  readonly reached: boolean;
  /** What it may have, as far as the reporting member knows. */
  readonly vips: readonly VipId[];
}

interface Reporter {
  readonly member: MemberId;
  readonly beside: readonly Beside[];
}

/** What a view has agreed on of those beside it. */
export class Aside {
  readonly #with = new Map<VipId, Set<MemberName>>();
  readonly #reachers = new Map<MemberName, MemberId[]>();
  /** What somebody of the view has, or had since its table was made. */
  readonly #known: Set<VipId>;

  /** @param elsewhere what somebody of the view certainly has */
  constructor(reporters: Iterable<Reporter>, present: ReadonlySet<MemberName>, elsewhere: Iterable<VipId>) {
    this.#known = new Set(elsewhere);
    for (const { member, beside } of reporters) {
      for (const { name, reached, vips } of beside) {
        if (present.has(name)) continue;
        const reachers = this.#reachers.get(name) ?? [];
        this.#reachers.set(name, reached ? [...reachers, member] : reachers);
        for (const vip of vips)
          if (!this.#known.has(vip)) this.#with.set(vip, (this.#with.get(vip) ?? new Set()).add(name));
      }
    }
  }

  /** Bystanders, and who reaches them; nobody: who did has gone. */
  get reachers(): ReadonlyMap<MemberName, readonly MemberId[]> {
    return this.#reachers;
  }

  /** Whether the VIP may be with a bystander. */
  has(vip: VipId): boolean {
    return this.#with.has(vip);
  }

  /** Whether somebody of the view has the VIP, or had it since: then no bystander does. */
  isKnown(vip: VipId): boolean {
    return this.#known.has(vip);
  }

  /** Who may have the VIP; undefined: nobody of them. */
  names(vip: VipId): readonly MemberName[] | undefined {
    const names = this.#with.get(vip);
    return names && [...names];
  }

  /** For people: with whom the VIP may be; undefined: with none of them. */
  whereabouts(vip: VipId): string | undefined {
    const names = this.#with.get(vip);
    return names && `it may be with ${[...names].join(', ')}, who is not in the view and there all the same`;
  }

  /** Somebody of the view has it. */
  taken(vip: VipId): void {
    this.#with.delete(vip);
    this.#known.add(vip);
  }

  /** What the member must not take, and why. */
  closedTo(member: MemberId): (readonly [VipId, string])[] {
    const closed: (readonly [VipId, string])[] = [];
    for (const vip of this.#with.keys()) {
      const reason = this.objection(member, vip);
      if (reason !== undefined) closed.push([vip, reason]);
    }
    return closed;
  }

  /** Why the member must not take the VIP; undefined: it may, if the link says so. */
  objection(member: MemberId, vip: VipId): string | undefined {
    for (const name of this.#with.get(vip) ?? []) {
      const reachers = this.#reachers.get(name) ?? [];
      if (reachers.includes(member)) continue;
      const who = reachers.length === 0 ? 'nobody here any more' : reachers.map(nameOf).join(', ');
      return `it may be with ${name}, whom ${who} can reach and ${nameOf(member)} cannot`;
    }
    return undefined;
  }
}

/** Longer than an engine's links take to notice that they are broken, ms. */
const PROBATION: Millis = 10_000;

const NOBODY_ASIDE = new Aside([], new Set(), []);

type Event = Extract<GroupEvent, { kind: 'bystanders' }>;

export interface BesideInput {
  readonly view: View;
  readonly vips: readonly Vip[];
  /** Whether this host's own means can ask a link for the VIP. */
  isAskable(vip: Vip): boolean;
}

/** Where this member stands in the group. */
interface Standpoint {
  readonly self: MemberId | undefined;
  readonly view: View | undefined;
  readonly table: { readonly aside: Aside } | undefined;
}

/** The part of a table that is remembered. */
export interface Remembered {
  readonly rows: ReadonlyMap<VipId, Row>;
  readonly seats: ReadonlyMap<MemberId, { readonly carriers: readonly Carrier[] }>;
}

export class Bystanders {
  /** Why the other part may serve what this one does not have: then what is here and can be asked for stays, and nothing is put up. */
  lesser: string | undefined;
  /** Whom our host reaches, in the view or not; undefined: the engine says that nothing is amiss. */
  #reached: readonly MemberName[] | undefined;
  /** Whom it may still reach, as far as it knows. */
  #lost: readonly MemberName[] = [];
  #changed = false;
  #self: MemberId | undefined;
  /** Who was last known to have it, or to be about to; absent: anybody may. */
  readonly #keepers = new Map<VipId, readonly MemberName[]>();
  /** Who went without a goodbye and has not come back, and what it was known to have then. */
  readonly #left = new Map<MemberName, ReadonlySet<VipId>>();
  readonly #carriers = new Map<MemberName, readonly Carrier[]>();
  /** What our host took from somebody outside the view, be it a bystander or gone. */
  readonly #taken = new Map<VipId, { readonly names: readonly MemberName[]; readonly until: Instant }>();
  /** Of them, what was last told as not ours to keep. */
  #suspect: readonly VipId[] = [];
  /** Of the last table of ours. */
  #aside = NOBODY_ASIDE;
  #reachers: ReadonlyMap<MemberName, readonly MemberId[]> = new Map();

  hear({ reached, lost, lesser }: Event): void {
    const before = [this.#reached, this.#lost];
    this.#reached = reached?.filter(isMemberName);
    this.#lost = lost.filter(isMemberName);
    this.lesser = lesser;
    if (`${before.join(';')}` !== `${[this.#reached, this.#lost].join(';')}`) this.#changed = true;
    if (reached === undefined) this.#left.clear();
    if (reached === undefined && this.#reachers.size > 0) {
      this.#reachers = new Map();
      this.#changed = true;
    }
  }

  /** Whether everybody has to report again: somebody else is beside us than the reports of this view say. */
  changed({ self, view, table }: Standpoint, now: Instant): boolean {
    this.#self = self;
    if (this.#isSuspectNew(now)) return true;
    if (!this.#changed) return false;
    this.#changed = false;
    if (self === undefined || view === undefined) return false;
    const present = new Set(view.members.map(nameOf));
    const beside = new Set((this.#reached ?? []).filter((name) => !present.has(name)));
    if (table === undefined) return beside.size > 0;
    const { reachers: known } = table.aside;
    const isOver = ([name, who]: readonly [MemberName, readonly MemberId[]]) =>
      !beside.has(name) && (who.length === 0 || who.includes(self));
    return [...beside].some((name) => known.get(name)?.includes(self) !== true) || [...known].some(isOver);
  }

  /** What this host has to let go was told as held: what the others believe of it has to change before it is free. */
  #isSuspectNew(now: Instant): boolean {
    if (this.#taken.size === 0) return false;
    return [...this.#taken.keys()].some(
      (vip) => !this.#suspect.includes(vip) && this.objection(vip, now) !== undefined,
    );
  }

  /** What the last table of a view, or of a round, says. */
  remember(table: Remembered | undefined): void {
    for (const { vip, holders, proven } of table?.rows.values() ?? []) {
      // Who was only asking for it may have it, and who had it before may have it still.
      const before = proven.length > 0 ? [] : this.#keepers.get(vip.id);
      if (before !== undefined) this.#keepers.set(vip.id, [...new Set([...before, ...holders.map(nameOf)])]);
    }
    for (const [member, { carriers }] of table?.seats ?? [])
      if (carriers.length > 0) this.#carriers.set(nameOf(member), carriers);
  }

  /** A view is there; what the last one says was remembered. */
  install({ members, departed }: View): void {
    for (const member of members) this.#left.delete(nameOf(member));
    for (const { member, how } of departed) {
      const name = nameOf(member);
      const had = [...this.#keepers].filter(([, names]) => names.includes(name)).map(([vip]) => vip);
      if (how !== 'leave') this.#left.set(name, new Set(had));
    }
  }

  /** A table of ours was made. Who was reached by those alone who have gone since stays known. */
  learn(aside: Aside): void {
    this.#aside = aside;
    const { reachers } = aside;
    const before = this.#reachers;
    const known = ([name, who]: readonly [MemberName, readonly MemberId[]]) =>
      [name, who.length > 0 ? who : (before.get(name) ?? [])] as const;
    this.#reachers = new Map([...reachers].map(known));
  }

  /** Our host has it now, since nobody answered for it: if a link to who had it last had just broken, that is known in a while. */
  took(vip: VipId, now: Instant): void {
    if (this.#aside.isKnown(vip)) return;
    const last = [...this.#left].filter(([, vips]) => vips.has(vip)).map(([name]) => name);
    const names = [...new Set([...last, ...(this.#aside.names(vip) ?? [])])];
    if (names.length > 0) this.#taken.set(vip, { names, until: now + PROBATION });
  }

  /** What our host has taken and may not keep: it says nothing about who else has it. */
  suspect(now: Instant): readonly VipId[] {
    this.#suspect = [...this.#taken.keys()].filter((vip) => this.objection(vip, now) !== undefined);
    return this.#suspect;
  }

  /** Why what our host has taken may not stay; undefined: it may. */
  objection(vip: VipId, now: Instant): string | undefined {
    const { names = [], until = now } = this.#taken.get(vip) ?? {};
    if (until <= now) return void this.#taken.delete(vip);
    // Where nobody else reaches it either it is cut off, and what it had is ours to serve.
    const isReached = (who: readonly (MemberId | undefined)[]) =>
      who.length === 0 || who.some((one) => one !== this.#self);
    const isLost = (name: MemberName) =>
      this.#reached?.includes(name) === false && isReached(this.#reachers.get(name) ?? [this.#self]);
    const silent = names.find(isLost);
    return silent && `the link to ${silent}, who may have it, broke as it was asked for`;
  }

  /** The group goes on without us. */
  forget(): void {
    this.#taken.clear();
    this.#aside = NOBODY_ASIDE;
    this.lesser = undefined;
    this.#reached = undefined;
    this.#lost = [];
    this.#changed = false;
    this.#keepers.clear();
    this.#left.clear();
    this.#carriers.clear();
    this.#reachers = new Map();
  }

  /** For the report. */
  beside({ view, ...input }: BesideInput): Beside[] {
    const present = new Set(view.members.map(nameOf));
    const reached = (this.#reached ?? []).filter((name) => !present.has(name));
    const isOrphan = ([, who]: readonly [MemberName, readonly MemberId[]]) =>
      !who.some((one) => view.members.includes(one));
    const orphans = [...this.#reachers].filter(isOrphan).map(([name]) => name);
    const left = new Set(
      [...this.#lost, ...orphans].filter((name) => !present.has(name) && !reached.includes(name)),
    );
    return [
      ...reached.map((name) => ({ name, reached: true, vips: this.#mayHave(name, input) })),
      ...[...left].map((name) => ({ name, reached: false, vips: this.#mayHave(name, input) })),
    ];
  }

  /** What no link is asked for is let go by who is beside others. */
  #mayHave(name: MemberName, { vips, isAskable }: Omit<BesideInput, 'view'>): VipId[] {
    const carriers = this.#carriers.get(name) ?? [];
    const stays = (vip: Vip) => isAskable(vip) || carrierOf(carriers, vip.id)?.askable === true;
    const left = this.#left.get(name);
    const kept = vips.filter(({ id }) => left?.has(id) || (this.#keepers.get(id)?.includes(name) ?? true));
    return sortedIds(kept.filter(stays).map(({ id }) => id));
  }
}

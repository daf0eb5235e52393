/**
 * Group communication as the agents want it, on top of what a Spread group gives: who is behind a private group, views whose
 * identity is never used twice, messages that are delivered in the view they were sent in. A state machine: what Spread delivers
 * goes in, actions come out. Pure; `spread-group.ts` has the connection and the clock.
 *
 * A change of the Spread group begins a round: nobody sends agents' messages any more, everybody announces itself in agreed
 * order, and behind the last announcement all install the same view (`next-view.ts`). What somebody sent before stands before
 * its announcement, so that it is delivered, or lost, in the old view at all that come along.
 */
import type { MemberId } from '../../model/member.ts';
import type { Departure, View, ViewCause } from '../../model/view.ts';
import type { GroupEvent } from '../group.ts';
import { decodeEnvelope, type Envelope, encodeEnvelope, type Round } from './envelope.ts';
import { type DataMessage, type MembershipMessage, type SpreadMessage, sameGroupId } from './message.ts';
import { type Announcement, type NamedView, type NextView, nextView, type Seat } from './next-view.ts';
import { Parts } from './parts.ts';

export interface SynchronySettings {
  readonly self: MemberId;
  /** `#name#daemon` of this session; the name is one of ours. */
  readonly privateGroup: string;
  /** The Spread group. */
  readonly group: string;
  readonly cluster: string;
  /** Numbers, and thereby epochs, are above this: milliseconds since 1970, so that they go on above those of an earlier run. */
  readonly least?: () => number;
  /** Own pulses that came back while another member was not heard: it hangs. */
  readonly pulsesUnheard: number;
  /** The same while its announcement is waited for. */
  readonly pulsesMute: number;
  readonly goneWithDaemon?: GoneWithDaemon;
}

/**
 * What a member counts as that went with its daemon: nothing tells whether its host still answers. As `process`, which it is unless
 * given, the link is asked at once; as `host`, where takeovers are strict, only after its lease must be over.
 */
export type GoneWithDaemon = Extract<Departure, 'process' | 'host'>;

export type SynchronyAction =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'deliver'; readonly event: GroupEvent }
  /** We must not take part any more; the connection is to be closed. Nothing comes after it. */
  | { readonly kind: 'detach'; readonly reason: string }
  | {
      readonly kind: 'note';
      readonly level: 'info' | 'warn';
      readonly what: string;
      readonly reason: string;
    };

/** Bytes of agents' messages that may wait for a view. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Private names of our members, so that a stranger in the group (somebody who looks on) is none. */
export const PRIVATE_NAME = /^#wk~[0-9a-z]{7}#/;

interface Installed {
  readonly view: View;
  readonly seats: readonly Seat[];
}

export class Synchrony {
  readonly #settings: SynchronySettings;
  #actions: SynchronyAction[] = [];
  #over = false;
  /** Private groups of members in the Spread group, in its order, also of those that do not count. */
  #present: readonly string[] = [];
  #round: Round | undefined;
  readonly #announced = new Map<string, Announcement>();
  #installed: Installed | undefined;
  /** Private groups of those that came along with us since we have the view. */
  #companions = new Set<string>();
  readonly #barred = new Set<string>();
  /** How members of the view went. */
  readonly #gone = new Map<string, Departure>();
  #causes = new Set<ViewCause>();
  #number = 0;
  /** No round is under way: messages can be sent. */
  #settled = false;
  /** A transitional signal was delivered since the view. */
  #signalled = false;
  /** Spread's own: from here to the next membership messages may be missing elsewhere. */
  #torn = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  readonly #parts = new Parts();
  #pulses = 0;
  /** One is under way. */
  #pulseOut = false;
  readonly #heardAt = new Map<string, number>();
  #roundBegan = 0;
  readonly counters = { messages_foreign: 0, messages_stale: 0, members_passed_over: 0, rounds: 0 };

  constructor(settings: SynchronySettings) {
    this.#settings = settings;
  }

  get settled(): boolean {
    return this.#settled && this.#waiting.length === 0;
  }

  get seats(): readonly Seat[] {
    return this.#installed?.seats ?? [];
  }

  /** Own pulses that came back so far. */
  get pulsesReturned(): number {
    return this.#pulses;
  }

  /** What Spread delivered, in its order. */
  handle(message: SpreadMessage): readonly SynchronyAction[] {
    return this.#run(() => {
      if (message.kind === 'message') this.#message(message);
      else if (message.kind === 'rejected')
        this.#detach('the daemon refuses what we send (REJECT): mend its access control');
      else if (message.group !== this.#settings.group) return;
      else if (message.kind === 'membership') this.#membership(message);
      else if (message.kind === 'transitional') this.#tear();
    });
  }

  /** An agent's message: sent now, or in the next view. The bytes are taken over. */
  multicast(bytes: Uint8Array): readonly SynchronyAction[] {
    return this.#run(() => {
      if (this.#settled) return this.#sendParts(bytes);
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > WAITING_BYTES_MAX)
        return this.#detach('too much waits to be sent in the next view');
      this.#waiting.push(bytes);
    });
  }

  /**
   * Says that we are well, unless the last pulse has not come back: those sent while a ring forms would come back all at once,
   * before others had their turn, and look like so much silence of theirs.
   */
  pulse(): readonly SynchronyAction[] {
    return this.#run(() => {
      if (this.#round === undefined || this.#pulseOut) return;
      this.#pulseOut = true;
      this.#send({ kind: 'pulse' });
    });
  }

  #run(step: () => void): readonly SynchronyAction[] {
    if (this.#over) return [];
    step();
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #membership(message: MembershipMessage): void {
    const { cause, changed, members } = message;
    this.#torn = false;
    if (!members.includes(this.#settings.privateGroup))
      return this.#detach('the group has a membership without us');
    const before = this.#present;
    this.#present = members.filter((name) => PRIVATE_NAME.test(name));
    // Somebody else came or went; those who joined since know nothing of it and need not.
    if (changed !== undefined && !PRIVATE_NAME.test(changed) && before.length > 0) return;
    for (const name of this.#barred) if (!this.#present.includes(name)) this.#barred.delete(name);
    this.#part(message);
    this.#causes.add(cause);
    this.#begin({ id: message.id, passedOver: 0 });
  }

  /** Who did not come along. */
  #part({ cause, changed, sets, ownSet }: MembershipMessage): void {
    const along = new Set(sets[ownSet] ?? []);
    const { goneWithDaemon = 'process' } = this.#settings;
    const how = { leave: 'leave', network: goneWithDaemon, disconnect: 'process', join: 'process' } as const;
    for (const name of [...this.#companions]) {
      if (cause === 'network' ? along.has(name) : name !== changed || cause === 'join') continue;
      this.#lose(name, how[cause]);
    }
  }

  #lose(name: string, how: Departure): void {
    if (!this.#companions.delete(name)) return;
    this.#gone.set(name, how);
    this.#parts.forget(name);
  }

  #tear(): void {
    this.#torn = true;
    this.#signal();
  }

  /** Once between two views. */
  #signal(): void {
    if (this.#installed === undefined || this.#signalled) return;
    this.#signalled = true;
    this.#deliver({ kind: 'transitional' });
  }

  #begin(round: Round): void {
    this.#round = round;
    this.#roundBegan = this.#pulses;
    this.counters.rounds += 1;
    this.#announced.clear();
    this.#settled = false;
    const number = Math.max(this.#number, this.#settings.least?.() ?? 0) + 1;
    this.#number = number + 1;
    this.#send({
      kind: 'announce',
      round,
      member: this.#settings.self,
      number,
      ...(this.#installed !== undefined && { installed: this.#comingFrom(this.#installed) }),
      barred: [...this.#barred],
    });
    // The others wait for our announcement; nobody waits for what our agent makes of the signal.
    this.#signal();
  }

  #comingFrom({ view, seats }: Installed) {
    const companions = seats.filter(({ privateGroup }) => this.#companions.has(privateGroup));
    return { view: view.id, companions: companions.map(({ member }) => member) };
  }

  #message({ sender, groups, data }: DataMessage): void {
    const { group, cluster, privateGroup } = this.#settings;
    const envelope = groups.includes(group) ? decodeEnvelope(data, cluster) : undefined;
    if (envelope === undefined || !this.#present.includes(sender)) {
      this.counters.messages_foreign += 1;
      return;
    }
    this.#heardAt.set(sender, this.#pulses);
    if (envelope.kind === 'announce') this.#announce(sender, envelope);
    else if (envelope.kind === 'part') this.#takePart(sender, envelope);
    else if (envelope.kind === 'pass-over') this.#passOver(envelope);
    else if (sender === privateGroup) this.#pulseReturned();
  }

  #announce(sender: string, announcement: Announcement): void {
    // The first counts, for everybody: a member that says more than one thing in a round changes nothing.
    if (!this.#isCurrent(announcement.round) || this.#settled || this.#announced.has(sender)) return;
    this.#announced.set(sender, announcement);
    this.#number = Math.max(this.#number, announcement.number + 1);
    this.#installIfComplete();
  }

  #isCurrent({ id, passedOver }: Round): boolean {
    return (
      this.#round !== undefined && sameGroupId(this.#round.id, id) && this.#round.passedOver === passedOver
    );
  }

  #installIfComplete(): void {
    // From what all received, and not from what we know besides: everybody must find it complete at the same place.
    const barred = new Set([...this.#announced.values()].flatMap((announcement) => announcement.barred));
    const counting = this.#present.filter((name) => !barred.has(name));
    if (!counting.every((name) => this.#announced.has(name))) return;
    const announced = counting.map((privateGroup) => ({
      privateGroup,
      announcement: this.#announced.get(privateGroup)!,
    }));
    if (barred.has(this.#settings.privateGroup)) return this.#detach(PASSED_OVER.hung);
    const next = nextView(announced);
    const own = next.between.get(this.#settings.privateGroup);
    // Numbers rise for those who count as they should: somebody does not.
    if (
      (own ?? next.view).epoch <= (this.#installed?.view.epoch ?? -1) ||
      next.view.epoch <= (own?.epoch ?? -1)
    )
      return this.#detach(USED_BEFORE);
    if (next.namesakes.includes(this.#settings.privateGroup)) return this.#detach(NAMESAKE);
    for (const name of [...barred, ...next.namesakes])
      if (this.#present.includes(name)) this.#barred.add(name);
    this.#installBoth(next);
    this.#settled = true;
    if (this.#torn) this.#signal();
    const waiting = this.#waiting;
    [this.#waiting, this.#waitingBytes] = [[], 0];
    for (const bytes of waiting) this.#sendParts(bytes);
  }

  #installBoth({ view, between }: NextView): void {
    const causes = this.#causes;
    this.#causes = new Set();
    const own = between.get(this.#settings.privateGroup);
    if (own !== undefined) this.#install(own, causes);
    this.#install(view, causes);
  }

  #install({ id, epoch, seats }: NamedView, causes: ReadonlySet<ViewCause>): void {
    this.#signal();
    const previous = this.#installed;
    const self = this.#settings.self;
    const members = seats.map(({ member }) => member);
    const had = new Set(previous?.view.members ?? [self]);
    const view: View = {
      id,
      epoch,
      members,
      cause: CAUSES.find((cause) => causes.has(cause)) ?? 'join',
      joined: members.filter((member) => !had.has(member)),
      departed: (previous?.seats ?? [])
        .filter(({ member }) => !members.includes(member))
        .map(({ member, privateGroup }) => ({ member, how: this.#gone.get(privateGroup) ?? 'process' })),
    };
    this.#installed = { view, seats };
    this.#companions = new Set(seats.map(({ privateGroup }) => privateGroup));
    this.#gone.clear();
    this.#parts.clear();
    this.#signalled = false;
    this.#deliver({ kind: 'view', view });
  }

  #takePart(sender: string, part: Extract<Envelope, { kind: 'part' }>): void {
    const member = this.#installed?.seats.find((seat) => seat.privateGroup === sender)?.member;
    if (member === undefined || !this.#companions.has(sender) || part.view !== this.#installed?.view.id) {
      this.counters.messages_stale += 1;
      return;
    }
    const bytes = this.#parts.add(sender, part);
    if (bytes !== undefined) this.#deliver({ kind: 'message', sender: member, bytes });
  }

  #sendParts(bytes: Uint8Array): void {
    const view = this.#installed!.view.id;
    for (const { last, bytes: part } of Parts.of(bytes))
      this.#send({ kind: 'part', view, last, bytes: part });
  }

  /** Agreed by its place in the order; of several for one round the first counts. */
  #passOver({ round, privateGroup: name, why }: Extract<Envelope, { kind: 'pass-over' }>): void {
    // Whoever knows already that it does not count begins again like the others.
    if (!this.#isCurrent(round) || !this.#present.includes(name)) return;
    if (why === 'mute' && this.#announced.has(name)) return;
    if (name === this.#settings.privateGroup) return this.#detach(PASSED_OVER[why]);
    this.counters.members_passed_over += 1;
    this.#barred.add(name);
    this.#note('warn', 'a member is passed over', `${this.#describe(name)} ${UNHEARD[why]}`);
    this.#lose(name, 'process');
    this.#causes.add('disconnect');
    this.#begin({ id: round.id, passedOver: round.passedOver + 1 });
  }

  /** Counted in pulses that came back, not in time: while nothing is delivered nobody is judged, and our own stalls count for nobody. */
  #pulseReturned(): void {
    this.#pulseOut = false;
    this.#pulses += 1;
    const { privateGroup, pulsesUnheard, pulsesMute } = this.#settings;
    for (const name of this.#present) {
      if (name === privateGroup || this.#barred.has(name)) continue;
      const mute =
        !this.#settled && !this.#announced.has(name) && this.#pulses - this.#roundBegan >= pulsesMute;
      const since = this.#heardAt.get(name) ?? this.#pulses - 1;
      this.#heardAt.set(name, since);
      if (!mute && this.#pulses - since < pulsesUnheard) continue;
      this.#send({ kind: 'pass-over', round: this.#round!, privateGroup: name, why: mute ? 'mute' : 'hung' });
    }
    for (const name of this.#heardAt.keys()) if (!this.#present.includes(name)) this.#heardAt.delete(name);
  }

  #describe(name: string): string {
    const seat = this.seats.find(({ privateGroup }) => privateGroup === name);
    return seat === undefined ? name : `${seat.member} (${name})`;
  }

  #send(envelope: Envelope): void {
    this.#actions.push({ kind: 'send', bytes: encodeEnvelope(envelope, this.#settings.cluster) });
  }

  #deliver(event: GroupEvent): void {
    this.#actions.push({ kind: 'deliver', event });
  }

  #note(level: 'info' | 'warn', what: string, reason: string): void {
    this.#actions.push({ kind: 'note', level, what, reason });
  }

  #detach(reason: string): void {
    this.#over = true;
    this.#actions.push({ kind: 'detach', reason });
  }
}

/** The gravest first: of several changes between two views one names the cause. */
const CAUSES: readonly ViewCause[] = ['network', 'disconnect', 'leave', 'join'];

const UNHEARD = {
  mute: 'does not announce itself',
  hung: 'was not heard while the daemons delivered',
} as const;

const PASSED_OVER = {
  mute: 'the others passed us over: we did not announce ourselves in time',
  hung: 'the others passed us over: they did not hear us for too long',
} as const;

const USED_BEFORE = 'a member announces a number that was used before: does it run another release?';

const NAMESAKE = 'another member of the group bears our name: give each host its own `member`';

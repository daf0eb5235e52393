/**
 * One membership of a closed process group, from join to leave: what libcpg and libquorum deliver goes in, actions come out. Views and
 * their messages are made by `../spread/synchrony.ts`, which takes any group with agreed order and virtual synchrony. Pure;
 * `daemon-link.ts` has the libraries, `run.ts` the clock.
 */
import type { MemberId } from '../../model/member.ts';
import type { ViewId } from '../../model/view.ts';
import type { CpgEvent, QuorumEvent } from '../../platform/corosync-library.ts';
import type { TotemEvent } from '../../platform/corosync-totem.ts';
import type { Seat } from '../spread/next-view.ts';
import { type GoneWithDaemon, Synchrony, type SynchronyAction } from '../spread/synchrony.ts';
import { Memberships, nameOfPlace, type Place } from './memberships.ts';
import { type Decree, QuorumGate, type Standing } from './quorum-gate.ts';
import { RingUnrest, type RingUnrestSettings, type Turn } from './ring-unrest.ts';

export interface SessionSettings {
  readonly self: MemberId;
  readonly cluster: string;
  readonly cpgGroup: string;
  /** Where we are ourselves. */
  readonly here: Place;
  /** Corosync says who is primary. */
  readonly decrees: boolean;
  readonly unrest?: RingUnrestSettings;
  readonly least?: () => number;
  readonly pulsesUnheard: number;
  readonly pulsesMute: number;
  readonly goneWithDaemon?: GoneWithDaemon;
}

export type SessionAction =
  | SynchronyAction
  /** One of our own messages came back. */
  | { readonly kind: 'returned' }
  /** The group has heard that we left. */
  | { readonly kind: 'left' };

export class Session {
  readonly #settings: SessionSettings;
  readonly #synchrony: Synchrony;
  readonly #memberships: Memberships;
  readonly #gate: QuorumGate | undefined;
  readonly #unrest: RingUnrest | undefined;
  /** The agent was told that it must hold nothing. */
  #barred = false;
  #unsettled = false;
  #leaving = false;

  constructor(settings: SessionSettings) {
    this.#settings = settings;
    const { self, cluster, cpgGroup, here, least, pulsesUnheard, pulsesMute, goneWithDaemon } = settings;
    this.#memberships = new Memberships(cpgGroup);
    this.#gate = settings.decrees ? new QuorumGate() : undefined;
    this.#unrest = settings.decrees && settings.unrest ? new RingUnrest(settings.unrest) : undefined;
    this.#synchrony = new Synchrony({
      self,
      cluster,
      privateGroup: nameOfPlace(here),
      group: cpgGroup,
      ...(least !== undefined && { least }),
      pulsesUnheard,
      pulsesMute,
      ...(goneWithDaemon && { goneWithDaemon }),
    });
  }

  get settled(): boolean {
    return this.#synchrony.settled;
  }

  get seats(): readonly Seat[] {
    return this.#synchrony.seats;
  }

  get pulsesReturned(): number {
    return this.#synchrony.pulsesReturned;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#synchrony.counters;
  }

  /** Though nothing may have been delivered for long. */
  get isRingThere(): boolean {
    return this.#unrest?.isThere === true;
  }

  /** We have asked to leave. */
  leaving(): void {
    this.#leaving = true;
  }

  /**
   * What waited on both ways when we looked. The daemon tells of quorum before the first message of a ring: whoever reads libquorum
   * after libcpg has it in time, and it goes first.
   */
  handle(events: readonly CpgEvent[], quorum: readonly QuorumEvent[]): readonly SessionAction[] {
    const actions: SessionAction[] = [];
    for (const event of quorum) {
      decree(this.#gate?.learn(event), actions);
      this.#unrest?.synchronised(event);
    }
    // Before the view that may give us what others hold.
    this.#bar(actions);
    for (const event of events) this.#event(event, actions);
    decree(this.#gate?.look(this.#standing), actions);
    this.#unbar(actions);
    this.#noteUnrest(actions);
    return actions;
  }

  /** What Totem said ahead of everything else. */
  formed(event: TotemEvent): readonly SessionAction[] {
    this.#unrest?.formed(event);
    const actions: SessionAction[] = [];
    this.#bar(actions);
    return actions;
  }

  /** Time goes on. */
  turn(turn: Turn): readonly SessionAction[] {
    this.#unrest?.turn(turn);
    const actions: SessionAction[] = [];
    this.#bar(actions);
    this.#unbar(actions);
    this.#noteUnrest(actions);
    return actions;
  }

  #noteUnrest(actions: SessionAction[]): void {
    const unsettled = this.#unrest?.isUnsettled === true;
    if (unsettled === this.#unsettled) return;
    this.#unsettled = unsettled;
    actions.push(
      unsettled
        ? { kind: 'note', level: 'warn', what: 'the ring of corosync does not settle', reason: LOOK }
        : { kind: 'note', level: 'info', what: 'the ring of corosync has settled', reason: SETTLED_WHY },
    );
  }

  get #standing(): Standing {
    const { ring, isOpen } = this.#memberships;
    return { ring, settled: this.settled && !isOpen };
  }

  #bar(actions: SessionAction[]): void {
    const reason = this.#unrest?.reason;
    if (reason === undefined || this.#barred) return;
    this.#barred = true;
    actions.push({ kind: 'deliver', event: { kind: 'outranked', by: QUORATE_PART, reason } });
  }

  /** With the view of the ring that is to be trusted: before that, whoever serves by now may be connected already. */
  #unbar(actions: SessionAction[]): void {
    if (!this.#barred || this.#unrest?.reason !== undefined || !this.#gate?.isOf(this.#standing)) return;
    this.#barred = false;
    actions.push({ kind: 'deliver', event: { kind: 'outranked', by: undefined, reason: SETTLED } });
  }

  multicast(bytes: Uint8Array): readonly SessionAction[] {
    return this.#synchrony.multicast(bytes);
  }

  pulse(): readonly SessionAction[] {
    return this.#synchrony.pulse();
  }

  #event(event: CpgEvent, actions: SessionAction[]): void {
    if (event.kind === 'message') return this.#message(event, actions);
    const messages =
      event.kind === 'members' ? this.#memberships.change(event) : this.#memberships.ringFormed(event.ring);
    const own = nameOfPlace(this.#settings.here);
    for (const message of messages) {
      if (this.#leaving && !message.members.includes(own)) actions.push({ kind: 'left' });
      else this.#take(this.#synchrony.handle(message), actions);
    }
  }

  #message({ node, pid, bytes }: Extract<CpgEvent, { kind: 'message' }>, actions: SessionAction[]): void {
    const { here, cpgGroup } = this.#settings;
    if (node === here.node && pid === here.pid) actions.push({ kind: 'returned' });
    const message = {
      kind: 'message',
      service: 'agreed',
      selfDiscard: false,
      sender: nameOfPlace({ node, pid }),
      groups: [cpgGroup],
      type: 0,
      foreignOrder: false,
      data: bytes,
    } as const;
    this.#take(this.#synchrony.handle(message), actions);
  }

  #take(made: readonly SynchronyAction[], actions: SessionAction[]): void {
    for (const action of made) {
      if (action.kind === 'deliver' && action.event.kind === 'view')
        decree(this.#gate?.beforeView(this.#memberships.ring), actions);
      actions.push(action);
    }
  }
}

/** In place of the view of the others, which nobody here can know. */
const QUORATE_PART = 'of the part with quorum' as ViewId;
const LOOK =
  'it forms again and again with the same nodes: does a pair of nodes not hear each other (corosync-cfgtool -s on each)?';
const SETTLED_WHY = 'no ring has formed again for a while';
const SETTLED = 'this part has quorum, or the ring of corosync has settled';

function decree(event: Decree | undefined, actions: SessionAction[]): void {
  if (event !== undefined) actions.push({ kind: 'deliver', event });
}

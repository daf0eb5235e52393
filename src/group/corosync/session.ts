/**
 * One membership of a closed process group, from join to leave: what libcpg and libquorum deliver goes in, actions come out. Views and
 * their messages are made by `../spread/synchrony.ts`, which takes any group with agreed order and virtual synchrony. Pure;
 * `daemon-link.ts` has the libraries, `run.ts` the clock.
 */
import type { MemberId } from '../../model/member.ts';
import type { CpgEvent, QuorumEvent } from '../../platform/corosync-library.ts';
import type { TotemEvent } from '../../platform/corosync-totem.ts';
import type { Seat } from '../spread/next-view.ts';
import { type GoneWithDaemon, Synchrony, type SynchronyAction } from '../spread/synchrony.ts';
import { Memberships, nameOfPlace, type Place } from './memberships.ts';
import { type Decree, QuorumGate, type Standing } from './quorum-gate.ts';
import type { Turn } from './ring-unrest.ts';
import { Stance, type StanceSettings } from './stance.ts';

export interface SessionSettings {
  readonly self: MemberId;
  readonly cluster: string;
  readonly cpgGroup: string;
  /** Where we are ourselves. */
  readonly here: Place;
  /** Corosync says who is primary. */
  readonly decrees: boolean;
  readonly stance?: StanceSettings;
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
  // Not the settings as a whole: a session that practises gets them in another shape.
  readonly #cpgGroup: string;
  readonly #here: Place;
  readonly #name: string;
  readonly #synchrony: Synchrony;
  readonly #memberships: Memberships;
  readonly #gate: QuorumGate | undefined;
  readonly #stance: Stance | undefined;
  #leaving = false;

  constructor(settings: SessionSettings) {
    const { self, cluster, cpgGroup, here, least, pulsesUnheard, pulsesMute, goneWithDaemon } = settings;
    this.#cpgGroup = cpgGroup;
    this.#here = here;
    this.#name = nameOfPlace(here);
    this.#memberships = new Memberships(cpgGroup);
    this.#gate = settings.decrees ? new QuorumGate() : undefined;
    this.#stance = settings.decrees && settings.stance ? new Stance(settings.stance) : undefined;
    this.#synchrony = new Synchrony({
      self,
      cluster,
      privateGroup: this.#name,
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

  /** Nodes whose reach matters: where others are, or were when we last heard of them. */
  get otherNodes(): readonly number[] {
    return this.#stance?.nodesBut(this.#here.node) ?? [];
  }

  get pulsesReturned(): number {
    return this.#synchrony.pulsesReturned;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#synchrony.counters;
  }

  /** Though nothing may have been delivered for long. */
  get isRingThere(): boolean {
    return this.#stance?.isRingThere === true;
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
      this.#stance?.synchronised(event);
    }
    this.#worsen(actions);
    for (const event of events) this.#event(event, actions);
    decree(this.#gate?.look(this.#standing), actions);
    this.#ease(actions);
    return actions;
  }

  /** What Totem said ahead of everything else. */
  formed(event: TotemEvent): readonly SessionAction[] {
    this.#stance?.formed(event);
    const actions: SessionAction[] = [];
    this.#worsen(actions);
    return actions;
  }

  /** Time goes on. */
  turn(turn: Turn): readonly SessionAction[] {
    this.#stance?.turn(turn);
    const actions: SessionAction[] = [];
    this.#worsen(actions);
    this.#ease(actions);
    return actions;
  }

  #worsen(actions: SessionAction[]): void {
    for (const event of this.#stance?.worsen() ?? []) actions.push({ kind: 'deliver', event });
  }

  #ease(actions: SessionAction[]): void {
    const trusted = this.#gate?.isOf(this.#standing) === true;
    for (const event of this.#stance?.ease(trusted) ?? []) actions.push({ kind: 'deliver', event });
    const note = this.#stance?.note();
    if (note !== undefined) actions.push(note);
  }

  get #standing(): Standing {
    const { ring, isOpen } = this.#memberships;
    return { ring, settled: this.settled && !isOpen };
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
    for (const message of messages) {
      if (this.#leaving && !message.members.includes(this.#name)) actions.push({ kind: 'left' });
      else this.#take(this.#synchrony.handle(message), actions);
    }
  }

  #message({ node, pid, bytes }: Extract<CpgEvent, { kind: 'message' }>, actions: SessionAction[]): void {
    if (node === this.#here.node && pid === this.#here.pid) actions.push({ kind: 'returned' });
    const message = {
      kind: 'message',
      service: 'agreed',
      selfDiscard: false,
      sender: nameOfPlace({ node, pid }),
      groups: [this.#cpgGroup],
      type: 0,
      foreignOrder: false,
      data: bytes,
    } as const;
    this.#take(this.#synchrony.handle(message), actions);
  }

  #take(made: readonly SynchronyAction[], actions: SessionAction[]): void {
    for (const action of made) {
      if (action.kind === 'deliver' && action.event.kind === 'view') {
        decree(this.#gate?.beforeView(this.#memberships.ring), actions);
        this.#stance?.viewed(action.event.view, this.seats);
      }
      actions.push(action);
    }
  }
}

function decree(event: Decree | undefined, actions: SessionAction[]): void {
  if (event !== undefined) actions.push({ kind: 'deliver', event });
}

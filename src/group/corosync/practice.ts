/**
 * Practises changes of membership among three members in memory, so that the first real one does not find code that has never run (ADR
 * 0015). Real sessions on a closed process group that is a queue; nothing of it reaches the daemon or the agent.
 */
import { type MemberId, memberId } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import {
  type CpgAddress,
  type CpgEvent,
  type ListAt,
  membersTold,
  messageTold,
  type QuorumEvent,
  quorumTold,
  ringTold,
} from '../../platform/corosync-library.ts';
import { Outbound } from '../outbound.ts';
import { Outgoing } from './outgoing.ts';
import { Session, type SessionAction } from './session.ts';

export interface ChangePracticeSettings {
  readonly cluster: string;
  readonly cpgGroup: string;
  /** Corosync says who is primary. */
  readonly decrees: boolean;
}

/** A slice is over at the first step that ends later than this; a step takes a fraction of a millisecond. */
export const SLICE: Millis = 4;
/** Members lost and come back; after them the runtime has compiled what comes in it. */
export const CHANGES = 60;
/** About as long as an agent's report. */
const REPORT_BYTES = 600;
const NODES = [1, 2, 3];
/** A ring is calm before the next change. */
const CALM_TURNS = 1;
/** As high as the time of day, with which real ones begin: other machine code reckons with such numbers than with small ones. */
const EPOCH = 2 ** 40;
/** `cpg_reason_t`. */
const [JOIN, NODE_DOWN, PROCESS_DOWN] = [1, 3, 5];

interface Player {
  readonly node: number;
  readonly pid: number;
  readonly session: Session;
  readonly outgoing: Outgoing;
  readonly outbound: Outbound;
}

export class ChangePractice {
  readonly #settings: ChangePracticeSettings;
  readonly #clock: () => Instant;
  #steps: Iterator<void> | undefined;
  readonly #queue: (() => void)[] = [];
  #players: readonly Player[] = [];
  #born = 0;
  /** Whoever comes is told the ring that the others have. */
  #ring = { nodeid: 1, seq: 4n };
  /** Views that members were told. */
  views = 0;

  constructor(settings: ChangePracticeSettings, clock: () => Instant) {
    this.#settings = settings;
    this.#clock = clock;
    this.#steps = this.#play();
  }

  /** One slice; nothing any more once it is over, or something went wrong with it. Never throws. */
  turn(): void {
    if (this.#steps === undefined) return;
    const end = this.#clock() + SLICE;
    try {
      do if (this.#steps.next().done === true) return this.#end();
      while (this.#clock() < end);
    } catch {
      // Nobody misses it: a change then takes some milliseconds more.
      this.#end();
    }
  }

  get isOver(): boolean {
    return this.#steps === undefined;
  }

  /** The players stay: what the runtime compiled for objects like theirs is thrown away when none of them is left. */
  #end(): void {
    this.#steps = undefined;
    this.#queue.length = 0;
  }

  *#play(): Generator<void> {
    for (const node of NODES) yield* this.#enter(node);
    for (let change = 0; change < CHANGES; change += 1) {
      const [eldest, ...others] = this.#players;
      if (eldest === undefined) return;
      yield* this.#lose(eldest, others, change % 2 === 0 ? PROCESS_DOWN : NODE_DOWN);
      yield* this.#enter(eldest.node);
    }
  }

  *#enter(node: number): Generator<void> {
    this.#born += 1;
    const self = memberId(`practice-${node}`, this.#born.toString(16).padStart(16, '0'));
    const came: Player = {
      node,
      pid: this.#born,
      session: this.#session(self, node),
      outgoing: new Outgoing(),
      outbound: new Outbound(NOWHERE),
    };
    this.#players = [...this.#players, came];
    const joined = [addressOf(came, JOIN)];
    for (const player of this.#players) {
      const isNew = player === came;
      this.#tell(player, [this.#change({ joined }), ...(isNew ? [this.#ringEvent()] : [])], isNew);
    }
    yield* this.#settle();
  }

  *#lose(gone: Player, others: readonly Player[], reason: number): Generator<void> {
    this.#players = others;
    const ofRing = reason === NODE_DOWN;
    if (ofRing) this.#ring = { nodeid: others[0]?.node ?? 0, seq: this.#ring.seq + 4n };
    const change = this.#change({ left: [addressOf(gone, reason)] });
    for (const player of others) this.#tell(player, ofRing ? [change, this.#ringEvent()] : [change], ofRing);
    yield* this.#settle();
  }

  #session(self: MemberId, node: number): Session {
    return new Session({
      self,
      ...this.#settings,
      here: { node, pid: this.#born },
      stance: { patience: undefined, calm: CALM_TURNS, reaches: () => false },
      least: () => EPOCH,
      pulsesUnheard: Number.POSITIVE_INFINITY,
      pulsesMute: Number.POSITIVE_INFINITY,
    });
  }

  *#settle(): Generator<void> {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      task();
      yield;
    }
  }

  /** As the library has it in its memory. */
  #tell(player: Player, events: readonly CpgEvent[], withQuorum = false): void {
    const quorum: readonly QuorumEvent[] = withQuorum
      ? [quorumTold({ quorate: 1, seq: this.#ring.seq }, wordsOf(NODES))]
      : [];
    this.#queue.push(() => this.#perform(player, player.session.handle(events, quorum)));
  }

  #perform(player: Player, actions: readonly SessionAction[]): void {
    const { outgoing, outbound, session } = player;
    for (const action of actions) {
      if (action.kind === 'send') outgoing.add(action.bytes);
      else if (action.kind === 'returned') outgoing.returned();
      else if (action.kind === 'deliver') {
        outbound.add(action.event);
        if (action.event.kind !== 'view') continue;
        this.views += 1;
        this.#perform(player, session.multicast(new Uint8Array(REPORT_BYTES)));
      }
    }
    for (let next = outgoing.next(); next !== undefined; next = outgoing.next()) {
      outgoing.sent();
      this.#order(player, next);
    }
  }

  #order(sender: Player, bytes: Uint8Array): void {
    for (const player of this.#players) this.#tell(player, [messageTold(sender, bytes, bytes.length)]);
  }

  #change({
    left = [],
    joined = [],
  }: {
    readonly left?: readonly CpgAddress[];
    readonly joined?: readonly CpgAddress[];
  }): CpgEvent {
    const members = this.#players.map((player) => addressOf(player));
    return membersTold(addressesOf(members), addressesOf(left), addressesOf(joined));
  }

  #ringEvent(): CpgEvent {
    return ringTold(this.#ring, wordsOf(this.#players.map(({ node }) => node)));
  }
}

/** Nobody is told. */
const NOWHERE = (): void => undefined;

function addressOf({ node, pid }: Pick<Player, 'node' | 'pid'>, reason = 0): CpgAddress {
  return { node, pid, reason };
}

function addressesOf(addresses: readonly CpgAddress[]): ListAt {
  const { at } = wordsOf(addresses.flatMap(({ node, pid, reason }) => [node, pid, reason]));
  return { at, count: addresses.length };
}

function wordsOf(words: readonly number[]): ListAt {
  return { at: Uint32Array.from(words), count: words.length };
}

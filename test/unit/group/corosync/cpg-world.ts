/**
 * Closed process groups as corosync gives them, without corosync: rings that split and merge, in each one order of messages and
 * changes, and sessions that read theirs at their own pace. Deterministic from a seed.
 */
import { expect } from 'vitest';
import { Session, type SessionAction } from '../../../../src/group/corosync/session.ts';
import type { GroupEvent } from '../../../../src/group/group.ts';
import type { GoneWithDaemon } from '../../../../src/group/spread/synchrony.ts';
import { memberId } from '../../../../src/model/member.ts';
import type { View } from '../../../../src/model/view.ts';
import type { CpgAddress, CpgEvent, QuorumEvent } from '../../../../src/platform/corosync-library.ts';

const REASON = { join: 1, leave: 2, nodeDown: 3, nodeUp: 4, processDown: 5 };
const PID = 700;
let incarnations = 0;

interface Ring {
  readonly seq: bigint;
  readonly nodes: readonly number[];
}

export class CpgWorld {
  readonly members: Member[] = [];
  readonly #total: number;
  readonly chance: () => number;
  #seq = 4n;
  #rings: Ring[];

  constructor(nodes: number, random: () => number) {
    this.#total = nodes;
    this.chance = random;
    this.#rings = [{ seq: this.#seq, nodes: Array.from({ length: nodes }, (_, index) => index + 1) }];
  }

  /** A process on the node joins; always with the same process id, as an agent that comes back. */
  join(node: number, { goneWithDaemon }: { goneWithDaemon?: GoneWithDaemon } = {}): Member {
    const member = new Member(node, goneWithDaemon);
    this.members.push(member);
    const ring = this.ringOf(node);
    member.quorum(this.#quorum(ring));
    this.#change(ring, { joined: [member], reason: REASON.join });
    member.down.push(ringEvent(ring));
    return member;
  }

  end(member: Member, reason: 'leave' | 'processDown'): void {
    member.alive = false;
    this.#change(this.ringOf(member.node), { left: [member], reason: REASON[reason] });
  }

  /** The daemon of the node takes what its clients sent, in their order, and orders it for its ring. */
  order(member: Member): void {
    const bytes = member.up.shift();
    if (bytes === undefined) return;
    for (const other of this.#inRing(this.ringOf(member.node)))
      other.down.push({ kind: 'message', node: member.node, pid: PID, bytes });
  }

  /** New rings of these nodes. Messages that only some had are lost with the part they were in. */
  form(parts: readonly (readonly number[])[]): void {
    const before = this.#rings;
    this.#rings = parts.map((nodes) => {
      this.#seq += 4n;
      return { seq: this.#seq, nodes };
    });
    for (const ring of this.#rings) {
      for (const member of this.#inRing(ring)) this.#inform(member, ring, before);
    }
  }

  #inform(member: Member, ring: Ring, before: readonly Ring[]): void {
    const old = before.find(({ nodes }) => nodes.includes(member.node))!;
    const along = ring.nodes.filter((node) => old.nodes.includes(node));
    const alive = this.members.filter((other) => other.alive);
    const left = alive.filter(({ node }) => old.nodes.includes(node) && !along.includes(node));
    const stay = alive.filter(({ node }) => along.includes(node));
    const joined = alive.filter(({ node }) => ring.nodes.includes(node) && !along.includes(node));
    member.quorum(this.#quorum(ring));
    if (left.length > 0) member.down.push(changeEvent(stay, { left, reason: REASON.nodeDown }));
    if (joined.length > 0)
      member.down.push(changeEvent([...joined, ...stay], { joined, reason: REASON.nodeUp }));
    member.down.push(ringEvent(ring));
  }

  #quorum({ seq, nodes }: Ring): QuorumEvent {
    return { kind: 'quorum', quorate: nodes.length * 2 > this.#total, seq, nodes };
  }

  ringOf(node: number): Ring {
    return this.#rings.find(({ nodes }) => nodes.includes(node))!;
  }

  #inRing(ring: Ring): readonly Member[] {
    return this.members.filter(({ alive, node }) => alive && ring.nodes.includes(node));
  }

  #change(ring: Ring, change: Change): void {
    const members = this.#inRing(ring);
    for (const member of members) member.down.push(changeEvent(members, change));
  }

  /** Everything that can still happen, in an order of chance; pulses would say that everybody is well. */
  run(steps = Number.POSITIVE_INFINITY): void {
    for (let step = 0; step < steps; step += 1) {
      const ways = this.members.filter(({ alive }) => alive).flatMap((member) => member.ways(this));
      if (ways.length === 0) return;
      ways[Math.floor(this.chance() * ways.length)]!();
      expect(step, 'steps until all is quiet').toBeLessThan(200_000);
    }
  }

  /** G1 to G4, for all that ever was. */
  check(): void {
    const seen = new Map<string, string>();
    const delivered = new Map<string, readonly string[]>();
    for (const member of this.members) {
      let epoch = -1;
      for (const view of member.views) {
        expect(view.members).toContain(member.id);
        expect(view.epoch).toBeGreaterThan(epoch);
        epoch = view.epoch;
        const list = view.members.join(' ');
        expect(list, view.id).toBe(seen.get(view.id) ?? list);
        seen.set(view.id, list);
      }
      for (const [way, texts] of member.steps()) {
        expect(texts, way).toEqual(delivered.get(way) ?? texts);
        delivered.set(way, texts);
      }
    }
  }
}

interface Change {
  readonly left?: readonly Member[];
  readonly joined?: readonly Member[];
  readonly reason: number;
}

const address = ({ node }: Member, reason = 0): CpgAddress => ({ node, pid: PID, reason });

function changeEvent(members: readonly Member[], { left = [], joined = [], reason }: Change): CpgEvent {
  return {
    kind: 'members',
    members: members.map((member) => address(member)),
    left: left.map((member) => address(member, reason)),
    joined: joined.map((member) => address(member, reason)),
  };
}

function ringEvent({ seq, nodes }: Ring): CpgEvent {
  return { kind: 'ring', ring: { node: nodes[0]!, seq }, nodes };
}

export class Member {
  readonly node: number;
  readonly id;
  readonly events: GroupEvent[] = [];
  /** Of the ring whose message made each view; undefined where several events were read at once. */
  readonly ringSizes: (number | undefined)[] = [];
  #ringSize: number | undefined;
  readonly down: CpgEvent[] = [];
  readonly up: Uint8Array[] = [];
  readonly #quorum: QuorumEvent[] = [];
  readonly #session: Session;
  alive = true;
  /** Nodes that the links of this one reach. */
  readonly reaches = new Set<number>();
  detached: string | undefined;

  constructor(node: number, goneWithDaemon?: GoneWithDaemon) {
    incarnations += 1;
    this.node = node;
    this.id = memberId(`n${node}`, incarnations.toString(16).padStart(16, '0'));
    this.#session = new Session({
      self: this.id,
      cluster: 'test',
      cpgGroup: 'g',
      here: { node, pid: PID },
      decrees: true,
      stance: {
        patience: undefined,
        calm: 40,
        reaches: (node) => this.reaches.has(node),
      },
      least: () => 1000,
      pulsesUnheard: 12,
      pulsesMute: 4,
      ...(goneWithDaemon && { goneWithDaemon }),
    });
  }

  quorum(event: QuorumEvent): void {
    this.#quorum.push(event);
  }

  get views(): View[] {
    return this.events.flatMap((event) => (event.kind === 'view' ? [event.view] : []));
  }

  multicast(text: string): void {
    this.#perform(this.#session.multicast(Buffer.from(text)));
  }

  ways(world: CpgWorld): (() => void)[] {
    const ways: (() => void)[] = [];
    if (this.up.length > 0) ways.push(() => world.order(this));
    if (this.down.length > 0) ways.push(() => this.#read(world.chance() < 0.7 ? 1 : this.down.length));
    return ways;
  }

  /** As the link does: what waits in the group, and after that what waits of quorum. */
  #read(count: number): void {
    const events = this.down.splice(0, count);
    const ring = events.findLast((event) => event.kind === 'ring');
    if (ring !== undefined) this.#ringSize = ring.nodes.length;
    const known = this.#ringSize;
    if (events.length > 1) this.#ringSize = undefined;
    this.#perform(this.#session.handle(events, this.#quorum.splice(0)));
    this.#ringSize = known;
  }

  #perform(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.up.push(action.bytes);
      else if (action.kind === 'detach') this.detached = action.reason;
      else if (action.kind === 'deliver') {
        this.events.push(action.event);
        if (action.event.kind === 'view') this.ringSizes.push(this.#ringSize);
      }
    }
  }

  /** What was delivered on the way from each view to the next. */
  steps(): readonly (readonly [way: string, texts: readonly string[]])[] {
    const steps: [string, string[]][] = [];
    let from = '';
    let texts: string[] = [];
    for (const event of this.events) {
      if (event.kind === 'message') texts.push(`${event.sender}: ${Buffer.from(event.bytes).toString()}`);
      if (event.kind !== 'view') continue;
      if (from !== '') steps.push([`${from} to ${event.view.id}`, texts]);
      from = event.view.id;
      texts = [];
    }
    return steps;
  }

  /** What it believes of quorum at each view. */
  decrees(): readonly boolean[] {
    let primary = false;
    return this.events.flatMap((event) => {
      if (event.kind === 'quorum') primary = event.primary;
      return event.kind === 'view' ? [primary] : [];
    });
  }
}

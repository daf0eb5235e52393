/**
 * What a ring of Spread daemons knows together: groups, their members and identities; and what becomes of them when rings
 * split and merge. Part of the daemon double; proved against recorded sessions in `double.test.ts`.
 */

import { encodeFrame } from '../../src/group/spread/frame.ts';
import { CAUSE_BITS, type Cause, REGULAR_MEMBERSHIP, TRANSITIONAL } from '../../src/group/spread/wire.ts';
import type { Daemon, DaemonSession } from './daemon.ts';

export interface GroupId {
  readonly daemon: number;
  readonly time: number;
  readonly index: number;
}

export interface Group {
  readonly members: readonly DaemonSession[];
  readonly id: GroupId;
}

/** One membership of daemons. */
export class Ring {
  readonly daemons: readonly Daemon[];
  readonly id: { readonly daemon: number; readonly time: number };
  readonly groups = new Map<string, Group>();
  /** The same for the same runs of the same daemons. */
  readonly makeup: string;

  constructor(daemons: readonly Daemon[], time: number) {
    this.daemons = daemons;
    this.makeup = makeupOf(daemons);
    this.id = { daemon: 1000 + (daemons[0]?.place ?? 0), time };
  }

  join(session: DaemonSession, name: string): void {
    const before = this.groups.get(name);
    if (before?.members.includes(session)) return;
    const members = inOrder([...(before?.members ?? []), session]);
    const group = { members, id: this.#nextId(before) };
    this.groups.set(name, group);
    for (const member of members) this.#tell(member, name, { group, cause: 'join', changed: session });
  }

  leave(session: DaemonSession, name: string): void {
    if (this.groups.get(name)?.members.includes(session) !== true) return;
    const leave = { type: CAUSE_BITS.leave, name, groups: [], data: Buffer.alloc(0) };
    if (session.membership) session.deliver(frame(leave));
    this.#without(session, name, 'leave');
  }

  disconnect(session: DaemonSession): void {
    for (const name of [...this.groups.keys()].sort()) {
      if (this.groups.get(name)!.members.includes(session)) this.#without(session, name, 'disconnect');
    }
  }

  #without(session: DaemonSession, name: string, cause: Cause): void {
    const before = this.groups.get(name)!;
    const members = before.members.filter((member) => member !== session);
    if (members.length === 0) return void this.groups.delete(name);
    const group = { members, id: this.#nextId(before) };
    this.groups.set(name, group);
    for (const member of members) this.#tell(member, name, { group, cause, changed: session });
  }

  #nextId(before: Group | undefined): GroupId {
    if (before === undefined) return { ...this.id, index: 1 };
    return { ...before.id, index: before.id.index + 1 };
  }

  #tell(member: DaemonSession, name: string, { group, cause, changed }: Change): void {
    member.tell(membership(name, group, { cause, sets: [[changed]], own: 0 }));
  }

  /** Takes over what of the former rings lives on, and tells whom it concerns. */
  succeed(former: readonly Ring[]): void {
    const parts = former.map((ring) => ({
      ring,
      daemons: this.daemons.filter((d) => ring.daemons.includes(d)),
    }));
    const names = new Set(former.flatMap((ring) => [...ring.groups.keys()]));
    const changes = [...names].sort().flatMap((name) => this.#succeedGroup(name, parts));
    // Clients see all signals before all memberships.
    for (const { name, lost, old } of changes.flatMap(({ signals }) => signals)) {
      const data = groupId(old);
      for (const member of lost) member.tell(frame({ type: TRANSITIONAL, name, groups: [], data }));
    }
    for (const { name, group, sets } of changes) {
      for (const member of group.members) {
        const own = sets.findIndex((set) => set.includes(member));
        member.tell(membership(name, group, { cause: 'network', sets, own }));
      }
    }
  }

  #succeedGroup(name: string, parts: readonly Part[]): GroupChange[] {
    const sets: DaemonSession[][] = [];
    const signals: GroupChange['signals'][number][] = [];
    let only: Group | undefined;
    for (const { ring, daemons } of parts) {
      const group = ring.groups.get(name);
      if (group === undefined) continue;
      const alive = group.members.filter(({ daemon, incarnation }) => {
        return daemons.includes(daemon) && daemon.incarnation === incarnation;
      });
      if (alive.length < group.members.length) signals.push({ name, lost: alive, old: group.id });
      if (alive.length === 0) continue;
      sets.push(alive);
      only = group;
    }
    if (sets.length === 0) return [];
    if (sets.length === 1 && signals.every(({ lost }) => lost.length === 0)) {
      this.groups.set(name, only!);
      return [];
    }
    const group = { members: inOrder(sets.flat()), id: { ...this.id, index: 1 } };
    this.groups.set(name, group);
    return [{ name, group, sets, signals }];
  }
}

export function makeupOf(daemons: readonly Daemon[]): string {
  return daemons.map(({ name, incarnation }) => `${name}.${incarnation}`).join(' ');
}

interface Change {
  readonly group: Group;
  readonly cause: Cause;
  readonly changed: DaemonSession;
}

interface Part {
  readonly ring: Ring;
  readonly daemons: readonly Daemon[];
}

interface GroupChange {
  readonly name: string;
  readonly group: Group;
  readonly sets: readonly (readonly DaemonSession[])[];
  readonly signals: readonly {
    readonly name: string;
    readonly lost: readonly DaemonSession[];
    readonly old: GroupId;
  }[];
}

/** By the daemons' places in the configuration, then by name. */
function inOrder(members: readonly DaemonSession[]): DaemonSession[] {
  return [...members].sort(
    (a, b) => a.daemon.place - b.daemon.place || Buffer.compare(Buffer.from(a.group), Buffer.from(b.group)),
  );
}

interface Sets {
  readonly cause: Cause;
  readonly sets: readonly (readonly DaemonSession[])[];
  readonly own: number;
}

function membership(name: string, group: Group, { cause, sets, own }: Sets): Buffer {
  const bodies = sets.map((set) =>
    Buffer.concat([u32(set.length), ...set.map((member) => field(member.group))]),
  );
  const offset = Buffer.concat(bodies.slice(0, own)).length;
  const data = Buffer.concat([groupId(group.id), u32(sets.length), u32(offset), ...bodies]);
  const groups = group.members.map((member) => member.group);
  return frame({ type: REGULAR_MEMBERSHIP | CAUSE_BITS[cause], name, groups, data });
}

function frame(parts: { type: number; name: string; groups: string[]; data: Buffer }): Buffer {
  return encodeFrame({ ...parts, little: true, hint: 0, hintLittle: true });
}

function groupId({ daemon, time, index }: GroupId): Buffer {
  return Buffer.concat([u32(daemon), u32(time), u32(index)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function field(text: string): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.write(text, 'latin1');
  return bytes;
}

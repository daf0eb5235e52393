/**
 * From what libcpg tells of a closed process group to memberships as `synchrony.ts` takes them: each with an identity that all its
 * members find alike, and with who came along.
 *
 * libcpg names no membership. Ring and member set together do: within one ring all members see one order of joins and deaths, and a ring's
 * changes are told before any of its messages. A set may come again within a ring; its announcements then do too, and nobody was
 * apart in between. What a ring brings is told before the ring itself, so it is kept until then.
 */
import { crc32 } from 'node:zlib';
import type { CpgAddress, CpgEvent, RingId } from '../../platform/corosync-library.ts';
import type { MembershipMessage } from '../spread/message.ts';
import type { Cause } from '../spread/wire.ts';

/** A process of the site: a node's id and a process id there. */
export interface Place {
  readonly node: number;
  readonly pid: number;
}

type Change = Extract<CpgEvent, { kind: 'members' }>;

/** `cpg_reason_t`. */
const REASON = { join: 1, leave: 2, nodeDown: 3, nodeUp: 4, processDown: 5 } as const;
const CAUSES: ReadonlyMap<number, Cause> = new Map([
  [REASON.join, 'join'],
  [REASON.leave, 'leave'],
  [REASON.processDown, 'disconnect'],
]);
const PID_DIGITS = 7;

/** As `synchrony.ts` knows a member. Used again if a process joins again: it counts as one of its set. */
export function nameOfPlace({ node, pid }: Place): string {
  return `#wk~${pid.toString(36).padStart(PID_DIGITS, '0')}#${node}`;
}

const NAME_OF_PLACE = /^#wk~([0-9a-z]+)#(\d+)$/;

export function nodeOfPlace(name: string): number | undefined {
  const node = NAME_OF_PLACE.exec(name)?.[2];
  return node === undefined ? undefined : Number(node);
}

/** For people. */
export function describePlace(name: string): string {
  const [, pid = '', node = ''] = NAME_OF_PLACE.exec(name) ?? [];
  return `node ${node}, process ${Number.parseInt(pid, 36)}`;
}

export class Memberships {
  readonly #group: string;
  #ring: RingId | undefined;
  #kept: Change[] = [];
  #present: readonly CpgAddress[] = [];

  constructor(group: string) {
    this.#group = group;
  }

  get ring(): RingId | undefined {
    return this.#ring;
  }

  /** Changes are kept whose ring is not told yet. */
  get isOpen(): boolean {
    return this.#kept.length > 0;
  }

  change(change: Change): readonly MembershipMessage[] {
    this.#kept.push(change);
    const ofRing = [...change.left, ...change.joined].some(
      ({ reason }) => reason === REASON.nodeDown || reason === REASON.nodeUp,
    );
    return ofRing || this.#ring === undefined ? [] : this.#release();
  }

  ringFormed(ring: RingId): readonly MembershipMessage[] {
    this.#ring = ring;
    return this.#release();
  }

  #release(): readonly MembershipMessage[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept.map((change) => this.#membership(change));
  }

  #membership({ members, left, joined }: Change): MembershipMessage {
    const before = this.#present;
    const ordered = [...members].sort((a, b) => a.node - b.node || a.pid - b.pid);
    this.#present = ordered;
    const names = ordered.map(nameOfPlace);
    const id = this.#identify(names);
    const [only, ...more] = [...left, ...joined];
    const cause = more.length === 0 && only !== undefined ? CAUSES.get(only.reason) : undefined;
    const common = { kind: 'membership', group: this.#group, members: names, id, ownSet: 0 } as const;
    if (cause !== undefined && only !== undefined) {
      const changed = nameOfPlace(only);
      return { ...common, cause, changed, sets: [[changed]] };
    }
    const apart = new Set([...left, ...joined].map(nameOfPlace));
    const along = before.map(nameOfPlace).filter((name) => !apart.has(name));
    return { ...common, cause: 'network', sets: [along] };
  }

  #identify(names: readonly string[]): MembershipMessage['id'] {
    const { node, seq } = this.#ring ?? { node: 0, seq: 0n };
    return { daemon: node | 0, time: Number(BigInt.asIntN(32, seq)), index: crc32(names.join(' ')) | 0 };
  }
}

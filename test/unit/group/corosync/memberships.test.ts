/** From libcpg's changes to memberships that all their members name alike. */
import { describe, expect, it } from 'vitest';
import { describePlace, Memberships, nameOfPlace } from '../../../../src/group/corosync/memberships.ts';
import { PRIVATE_NAME } from '../../../../src/group/spread/synchrony.ts';
import type { CpgAddress } from '../../../../src/platform/corosync-library.ts';

const JOIN = 1;
const LEAVE = 2;
const NODE_DOWN = 3;
const NODE_UP = 4;
const PROCESS_DOWN = 5;

const at = (node: number, reason = 0, pid = 100 + node): CpgAddress => ({ node, pid, reason });
const name = (node: number, pid = 100 + node): string => nameOfPlace({ node, pid });
const ring = (seq: number) => ({ node: 1, seq: BigInt(seq) });

interface Parts {
  readonly left?: readonly CpgAddress[];
  readonly joined?: readonly CpgAddress[];
}
const change = (nodes: readonly number[], { left = [], joined = [] }: Parts) =>
  ({ kind: 'members', members: nodes.map((node) => at(node)), left, joined }) as const;

/** Node 1 has joined a ring of nodes where others are members. */
function settled(...nodes: number[]): Memberships {
  const memberships = new Memberships('g');
  memberships.change(change(nodes, { joined: [at(1, JOIN)] }));
  memberships.ringFormed(ring(8));
  return memberships;
}

describe('memberships of a closed process group', () => {
  it('are told when the ring is: that of our own join too', () => {
    const memberships = new Memberships('g');
    expect(memberships.change(change([1], { joined: [at(1, JOIN)] }))).toEqual([]);
    expect(memberships.isOpen).toBe(true);
    expect(memberships.ringFormed(ring(8))).toMatchObject([
      { cause: 'join', changed: name(1), members: [name(1)], sets: [[name(1)]], group: 'g' },
    ]);
    expect(memberships.isOpen).toBe(false);
  });

  it.each([
    [JOIN, 'join'],
    [LEAVE, 'leave'],
    [PROCESS_DOWN, 'disconnect'],
  ])('reason %i is cause %s, at once', (reason, cause) => {
    const side = reason === JOIN ? { joined: [at(2, reason)] } : { left: [at(2, reason)] };
    const told = settled(1, 2, 3).change(change(reason === JOIN ? [1, 2, 3] : [1, 3], side));
    expect(told).toMatchObject([{ cause, changed: name(2) }]);
  });

  it('what a ring brings waits for it, and says who came along', () => {
    const memberships = settled(1, 2, 3);
    expect(memberships.change(change([1, 2], { left: [at(3, NODE_DOWN)] }))).toEqual([]);
    expect(memberships.change(change([1, 2, 3], { joined: [at(3, NODE_UP)] }))).toEqual([]);
    const told = memberships.ringFormed(ring(12));
    expect(told).toMatchObject([
      { cause: 'network', members: [name(1), name(2)], sets: [[name(1), name(2)]], id: { time: 12 } },
      {
        cause: 'network',
        members: [name(1), name(2), name(3)],
        sets: [[name(1), name(2)]],
        id: { time: 12 },
      },
    ]);
  });

  it('have the same identity at all members, in whatever order they are listed, and another in each ring', () => {
    const lists = [
      [1, 2, 3],
      [3, 1, 2],
    ] as const;
    const ids = lists.map((nodes) => {
      const memberships = new Memberships('g');
      memberships.change(change(nodes, { joined: [at(3, JOIN)] }));
      return memberships.ringFormed(ring(8))[0]!.id;
    });
    expect(ids[0]).toEqual(ids[1]);
    const later = settled(1, 2, 3);
    later.change(change([1, 2], { left: [at(3, NODE_DOWN)] }));
    later.change(change([1, 2, 3], { joined: [at(3, NODE_UP)] }));
    expect(later.ringFormed(ring(12))[1]!.id).not.toEqual(ids[0]);
  });

  it('have one order of members at all, also of two processes of one node', () => {
    const both = [at(2, 0, 10), at(1), at(2, 0, 9)];
    const orders = [both, both.toReversed()].map((members) => {
      const memberships = new Memberships('g');
      memberships.change({ kind: 'members', members, left: [], joined: [at(1, JOIN)] });
      return memberships.ringFormed(ring(8))[0]!;
    });
    expect(orders[0]!.members).toEqual([name(1), name(2, 9), name(2, 10)]);
    expect(orders[1]).toEqual(orders[0]);
  });

  it('within a ring have one identity for each set: an announcement for another one does not count', () => {
    const memberships = settled(1, 2, 3);
    const [without] = memberships.change(change([1, 2], { left: [at(3, LEAVE)] }));
    const [again] = memberships.change(change([1, 2, 3], { joined: [at(3, JOIN)] }));
    const [other] = memberships.change(change([1, 3], { left: [at(2, LEAVE)] }));
    expect(new Set([without, again, other].map((one) => one!.id.index)).size).toBe(3);
  });

  it('of two rings with one number, which two parts may form, have two identities', () => {
    const ids = [1, 3].map((node) => {
      const memberships = new Memberships('g');
      memberships.change(change([1, 2, 3], { joined: [at(1, JOIN)] }));
      return memberships.ringFormed({ node, seq: 8n })[0]!.id;
    });
    expect(ids[0]).not.toEqual(ids[1]);
  });

  it('who came with the ring has not come along, though it is a member now', () => {
    const memberships = settled(1, 2);
    memberships.change(change([1, 2, 3], { joined: [at(3, NODE_UP)] }));
    expect(memberships.ringFormed(ring(12))).toMatchObject([{ sets: [[name(1), name(2)]] }]);
    // A process under the number of one that was there before: the node was away, and is back at once.
    memberships.change(change([1, 2, 3], { joined: [at(3, NODE_UP)] }));
    expect(memberships.ringFormed(ring(16))).toMatchObject([{ sets: [[name(1), name(2)]] }]);
  });

  it('nobody came along with who has just joined', () => {
    const memberships = new Memberships('g');
    memberships.change(change([1, 2, 3], { joined: [at(1, JOIN), at(2, JOIN)] }));
    expect(memberships.ringFormed(ring(8))).toMatchObject([{ cause: 'network', sets: [[]] }]);
  });

  it('of several changes at once have the cause that says nothing of one of them', () => {
    const told = settled(1, 2, 3).change(change([1], { left: [at(2, LEAVE), at(3, LEAVE)] }));
    expect(told).toMatchObject([{ cause: 'network', members: [name(1)], sets: [[name(1)]] }]);
    expect(told[0]).not.toHaveProperty('changed');
  });

  it('name places so that ours are told from strangers, and people can read them', () => {
    const place = { node: 4_294_967_295, pid: 4_194_304 };
    expect(nameOfPlace(place)).toMatch(PRIVATE_NAME);
    expect(nameOfPlace(place).length).toBeLessThanOrEqual(31);
    expect(describePlace(nameOfPlace(place))).toBe('node 4294967295, process 4194304');
  });
});

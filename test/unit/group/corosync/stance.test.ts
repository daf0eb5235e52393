/** What a member may do while rings form without somebody: by what Totem said last, by quorum, and by whom the links reach. */
import { describe, expect, it } from 'vitest';
import { nameOfPlace } from '../../../../src/group/corosync/memberships.ts';
import { Stance } from '../../../../src/group/corosync/stance.ts';
import type { GroupEvent } from '../../../../src/group/group.ts';
import { memberId } from '../../../../src/model/member.ts';
import { type View, viewId } from '../../../../src/model/view.ts';

const CALM = 4;
const PATIENCE = 3;
const ids = new Map([1, 2, 3].map((node) => [node, memberId(`n${node}`, '1'.repeat(16))] as const));

class Site {
  readonly linked = new Set<number>();
  readonly stance = new Stance({
    patience: PATIENCE,
    calm: CALM,
    reaches: (node) => this.linked.has(node),
  });
  readonly #events: GroupEvent[] = [];
  #seq = 0n;

  /** A ring has synchronised, and its view is there. */
  ring(nodes: readonly number[], quorate = nodes.length > 1): this {
    this.#seq += 4n;
    this.stance.synchronised({ kind: 'quorum', quorate, seq: this.#seq, nodes });
    this.#events.push(...this.stance.worsen());
    this.viewed({}, nodes);
    this.#events.push(...this.stance.ease(true));
    return this;
  }

  viewed(changes: Partial<View>, nodes: readonly number[] = [1, 2, 3]): void {
    const members = nodes.map((node) => ids.get(node)!);
    const epoch = Number(this.#seq);
    const view: View = {
      id: viewId(epoch, members[0]!),
      epoch,
      members,
      cause: 'network',
      joined: [],
      departed: [],
    };
    const seatOf = (node: number) => ({
      member: ids.get(node)!,
      privateGroup: nameOfPlace({ node, pid: 7 }),
    });
    this.stance.viewed({ ...view, ...changes }, nodes.map(seatOf));
  }

  /** Totem has formed a ring with these, which has not synchronised. */
  formed(nodes: readonly number[]): this {
    for (const node of [1, 2, 3]) this.stance.formed({ node, present: nodes.includes(node) });
    this.#events.push(...this.stance.worsen());
    return this;
  }

  turns(count: number, silent = 0): this {
    for (let turn = 0; turn < count; turn += 1) {
      this.stance.turn({ silent: silent === 0 ? 0 : silent + turn, hasDevice: false });
      this.#events.push(...this.stance.worsen(), ...this.stance.ease(silent === 0));
    }
    return this;
  }

  get told(): string[] {
    return this.#events.splice(0).map((event) => {
      if (event.kind === 'outranked') return event.by === undefined ? 'may hold' : 'must hold nothing';
      if (event.kind !== 'bystanders') return event.kind;
      const lost = event.lost.length > 0 ? ` (${event.lost.join(' ')})` : '';
      return `${event.reached?.join(' ') ?? 'whole'}${lost}${event.lesser === undefined ? '' : ', lesser'}`;
    });
  }
}

const whole = (): Site => {
  const site = new Site().ring([1, 2, 3]);
  expect(site.told).toEqual([]);
  return site;
};

describe('who is left out of the ring', () => {
  it('keeps what it has and takes nothing while a link reaches the others', () => {
    const site = whole();
    site.linked.add(3);
    expect(site.ring([1]).told).toEqual(['n1 n3, lesser']);
    expect(site.ring([1]).ring([1]).turns(20).told).toEqual([]);
    expect(site.ring([1, 3]).told).toEqual(['whole']);
    expect(site.ring([1, 2, 3]).turns(2 * CALM).told).toEqual([]);
  });

  it('holds nothing once the last link is gone, and nothing more until its part is to be trusted', () => {
    const site = whole();
    site.linked.add(3);
    expect(site.ring([1]).ring([1]).told).toEqual(['n1 n3, lesser']);
    site.linked.clear();
    expect(site.turns(1).told).toEqual(['n1 (n3), lesser']);
    site.linked.add(3);
    expect(site.turns(1).told).toEqual(['n1 n3, lesser']);
    site.linked.clear();
    expect(site.turns(3).told).toEqual(['n1 (n3), lesser']);
    expect(site.ring([1]).turns(1).told).toEqual(['must hold nothing', 'n1 (n3)']);
    site.linked.add(3);
    expect(site.turns(1).told).toEqual(['n1 n3']);
    expect(site.ring([1, 2, 3]).told).toEqual(['n1 n2 n3', 'may hold']);
  });

  it('is a part of its own where nobody is reached and the ring is calm', () => {
    const site = whole();
    expect(site.ring([1]).told).toEqual(['n1']);
    expect(site.turns(2 * CALM).told).toEqual(['whole']);
  });

  it('with quorum goes on, and says whom it reaches', () => {
    const site = whole();
    site.linked.add(2);
    expect(site.ring([1, 3]).told).toEqual(['n1 n2 n3']);
    site.linked.clear();
    expect(site.turns(1).told).toEqual(['n1 n3 (n2)']);
    // Longer than who is left out keeps what it has.
    expect(site.turns(10).told).toEqual([]);
    expect(site.turns(2).told).toEqual(['whole']);
  });
});

describe('a link', () => {
  it('that is back a moment after its node went from the ring counts, and keeps others from taking for a while when it is lost', () => {
    const site = whole();
    expect(site.ring([1, 3]).turns(2).told).toEqual(['n1 n3']);
    site.linked.add(2);
    expect(site.turns(1).told).toEqual(['n1 n2 n3']);
    site.linked.clear();
    expect(site.turns(1).told).toEqual(['n1 n3 (n2)']);
    expect(site.turns(11).told).toEqual(['whole']);
    // It was broken for good by then.
    site.linked.add(2);
    expect(site.turns(1).told).toEqual([]);
  });

  it('that was broken for good says nothing any more, until the ring has the node again', () => {
    const site = whole();
    expect(site.ring([1, 3]).turns(20).told).toEqual(['n1 n3', 'whole']);
    site.linked.add(2);
    expect(site.turns(1).told).toEqual([]);
    site.linked.clear();
    site.ring([1, 2, 3]);
    site.linked.add(2);
    expect(site.turns(1).ring([1, 3]).told).toEqual(['n1 n2 n3']);
  });
});

describe('who loses a member that may have reached more', () => {
  const gone = (how: 'process' | 'leave') => [{ member: ids.get(3)!, how }];

  it('says that the group is not whole until all has been calm for a while, though its ring has not changed', () => {
    const site = whole();
    site.ring([1, 3]).turns(20);
    expect(site.told).toEqual(['n1 n3', 'whole']);
    site.viewed({ departed: gone('leave') }, [1]);
    expect(site.turns(1).told).toEqual([]);
    site.viewed({}, [1, 3]);
    site.viewed({ departed: gone('process') }, [1]);
    // Its node is in the ring, so it is not beside us; whom it reached, we do not know.
    expect(site.turns(1).told).toEqual(['n1']);
    expect(site.turns(2 * CALM).told).toEqual(['whole']);
  });

  it('says nothing where all nodes are in the ring: then there is nobody to reach', () => {
    const site = whole();
    site.viewed({ departed: gone('process') }, [1, 2]);
    expect(site.turns(1).told).toEqual([]);
    // Unless one of them goes before it is calm.
    expect(site.ring([1]).told).toEqual(['n1']);
  });
});

describe('who is told nothing, since its rings do not synchronise', () => {
  it('keeps what it has while a link reaches those that Totem has lost', () => {
    const site = whole();
    site.linked.add(3);
    expect(site.formed([1]).turns(PATIENCE + 2, 1).told).toEqual(['n1 n3', 'n1 n3, lesser']);
  });

  it('lets go where none does', () => {
    expect(
      whole()
        .formed([1])
        .turns(PATIENCE + 2, 1).told,
    ).toContain('must hold nothing');
  });
});

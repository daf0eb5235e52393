/** What the agents are told where processes come and go, and rings split and merge: the group contract, over closed process groups. */
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../../src/model/member.ts';
import type { Departure } from '../../../../src/model/view.ts';
import { random } from '../../agent/world.ts';
import { CpgWorld } from './cpg-world.ts';

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

function departures(world: CpgWorld, node: number): readonly (readonly [string, Departure])[] {
  const member = world.members.find((one) => one.node === node)!;
  return member.views.at(-1)!.departed.map(({ member: gone, how }) => [nameOf(gone), how]);
}

function three(): CpgWorld {
  const world = new CpgWorld(3, random(1));
  for (const node of [1, 2, 3]) world.join(node);
  world.run();
  for (const member of world.members) expect(member.views.at(-1)!.members).toHaveLength(3);
  return world;
}

describe('a session with corosync', () => {
  it('says how somebody went', () => {
    for (const [reason, how] of [
      ['leave', 'leave'],
      ['processDown', 'process'],
    ] as const) {
      const world = three();
      world.end(world.members[2]!, reason);
      world.run();
      expect(departures(world, 1)).toEqual([['n3', how]]);
    }
    const world = three();
    world.form([[1, 2], [3]]);
    world.run();
    // Nothing tells whether the host still answers, so the link is asked.
    expect(departures(world, 1)).toEqual([['n3', 'process']]);
  });

  it('says of who went with its daemon what it is told to say, and of nobody else', () => {
    const world = new CpgWorld(3, random(1));
    for (const node of [1, 2, 3]) world.join(node, { goneWithDaemon: 'host' });
    world.run();
    world.form([[1, 2], [3]]);
    world.run();
    expect(departures(world, 1)).toEqual([['n3', 'host']]);
    world.end(world.members[1]!, 'processDown');
    world.run();
    expect(departures(world, 1)).toEqual([['n2', 'process']]);
  });

  it('a split and a merge: each side alone, then all; what both sides missed is no secret', () => {
    const world = three();
    world.form([[1, 2], [3]]);
    world.run();
    expect(world.members.map(({ views }) => views.at(-1)!.members.length)).toEqual([2, 2, 1]);
    expect(world.members.map((member) => member.decrees().at(-1))).toEqual([true, true, false]);
    world.form([[1, 2, 3]]);
    world.run();
    const ids = world.members.map(({ views }) => views.at(-1)!.id);
    expect(new Set(ids).size).toBe(1);
    expect(world.members.map((member) => member.decrees().at(-1))).toEqual([true, true, true]);
    world.check();
  });

  it('hears the loss of quorum before the view of the lesser side', () => {
    const world = three();
    world.form([[1, 2], [3]]);
    world.run();
    const kinds = world.members[2]!.events.map((event) =>
      event.kind === 'quorum' ? event.primary : event.kind,
    );
    expect(kinds.lastIndexOf(false)).toBeGreaterThan(-1);
    expect(kinds.lastIndexOf(false)).toBeLessThan(kinds.lastIndexOf('view'));
  });

  it('whose ring forms again and has no quorum is outranked, until the view of one that has', () => {
    const world = three();
    world.form([[1, 2], [3]]);
    world.run();
    const outranked = (node: number) =>
      world.members
        .find((one) => one.node === node)!
        .events.flatMap((event) => (event.kind === 'outranked' ? [event.by] : []));
    expect(outranked(3)).toEqual([]);
    world.form([[1, 2], [3]]);
    world.run();
    world.form([[1, 2], [3]]);
    world.run();
    expect(outranked(3)).toEqual(['of the part with quorum']);
    expect([...outranked(1), ...outranked(2)]).toEqual([]);
    world.form([[1, 2, 3]]);
    world.run();
    expect(outranked(3)).toEqual(['of the part with quorum', undefined]);
    const { events } = world.members[2]!;
    expect(events.at(-1)).toMatchObject({ kind: 'outranked' });
    expect(events.findLast(({ kind }) => kind === 'view')).toMatchObject({
      view: { members: { length: 3 } },
    });
    world.check();
  });

  describe('while links reach who is not in the ring', () => {
    const told = (world: CpgWorld, node: number) =>
      world.members
        .find((one) => one.node === node)!
        .events.flatMap((event) => (event.kind === 'bystanders' || event.kind === 'view' ? [event] : []));
    const words = (world: CpgWorld, node: number) =>
      told(world, node).map((event) =>
        event.kind === 'view'
          ? `view ${event.view.members.map(nameOf).join(' ')}`
          : `reaches ${event.reached?.join(' ') ?? 'everybody'}${event.lesser === undefined ? '' : ', lesser'}`,
      );

    /** 1 and 3 do not hear each other. */
    function torn(): CpgWorld {
      const world = three();
      const [first, second, third] = world.members;
      for (const node of [2]) first!.reaches.add(node);
      for (const node of [1, 3]) second!.reaches.add(node);
      for (const node of [2]) third!.reaches.add(node);
      return world;
    }

    it('says who is reached before the view without him, and that we are the lesser part where we are', () => {
      const world = torn();
      const before = told(world, 1).length;
      world.form([[1, 2], [3]]);
      world.run();
      expect(words(world, 1).slice(before)).toEqual(['reaches n1 n2', 'view n1 n2']);
      expect(words(world, 2).slice(before)).toEqual(['reaches n1 n2 n3', 'view n1 n2']);
      expect(words(world, 3).slice(before)).toEqual(['reaches n2 n3, lesser', 'view n3']);
      world.check();
    });

    it('says so again where the other side is the lesser part, and lifts it behind its view', () => {
      const world = torn();
      world.form([[1, 2], [3]]);
      world.run();
      const before = told(world, 3).length;
      world.form([[1], [2, 3]]);
      world.run();
      expect(words(world, 1).at(-1)).toBe('view n1');
      expect(words(world, 1)).toContain('reaches n1 n2, lesser');
      expect(words(world, 3).slice(before)).toEqual(['view n2 n3', 'reaches n2 n3']);
      expect(words(world, 2).at(-1)).toBe('view n2 n3');
      world.check();
    });

    it('that nobody is outside any more is told behind the view of all', () => {
      const world = torn();
      world.form([[1, 2], [3]]);
      world.run();
      world.form([[1, 2, 3]]);
      world.run();
      for (const node of [1, 2, 3]) {
        const last = words(world, node).at(-1)!;
        expect(last).toMatch(/^(view n1 n2 n3|reaches n.*)$/);
        expect(last).not.toContain('lesser');
      }
      expect(words(world, 3).slice(-2)).toEqual(['view n1 n2 n3', 'reaches n1 n2 n3']);
    });

    it('who has no quorum and whom nobody reaches holds nothing once the ring forms again', () => {
      const world = torn();
      world.members[2]!.reaches.clear();
      for (let times = 0; times < 3; times += 1) {
        world.form([[1, 2], [3]]);
        world.run();
      }
      expect(words(world, 3).join()).not.toContain('lesser');
      expect(world.members[2]!.events.filter(({ kind }) => kind === 'outranked')).toHaveLength(1);
    });

    it('who said goodbye is nobody to be reached', () => {
      const world = torn();
      world.end(world.members[2]!, 'leave');
      world.run();
      world.form([[1, 2], [3]]);
      world.run();
      expect(
        words(world, 2)
          .filter((word) => word.startsWith('reaches'))
          .join(),
      ).not.toContain('n3');
    });
  });

  it('a process that comes back under the same number is another member', () => {
    const world = three();
    const first = world.members[2]!;
    world.end(first, 'processDown');
    const second = world.join(3);
    world.run();
    const view = world.members[0]!.views.at(-1)!;
    expect(view.members).toContain(second.id);
    expect(view.members).not.toContain(first.id);
    world.check();
  });

  it.each(SEEDS)('keeps the contract whatever happens (%i)', (seed) => {
    const chance = random(seed);
    const world = new CpgWorld(5, chance);
    const some = (count: number): number => Math.floor(chance() * count);
    for (const node of [1, 2, 3]) world.join(node);
    for (let round = 0; round < 25; round += 1) {
      const alive = world.members.filter((member) => member.alive && member.detached === undefined);
      const dice = some(10);
      const free = [1, 2, 3, 4, 5].filter((node) => alive.every((member) => member.node !== node));
      if (dice < 3) for (const member of alive) member.multicast(`m${round}`);
      else if (dice < 5 && free.length > 0) world.join(free[some(free.length)]!);
      else if (dice < 7 && alive.length > 1)
        world.end(alive[some(alive.length)]!, chance() < 0.5 ? 'leave' : 'processDown');
      else world.form(cut(chance));
      world.run(some(40));
    }
    world.form([[1, 2, 3, 4, 5]]);
    world.run();
    const last = world.members.filter((member) => member.alive);
    for (const member of last) expect(member.detached).toBeUndefined();
    expect(new Set(last.map(({ views }) => views.at(-1)!.id)).size, 'views at the end').toBe(1);
    world.check();
    expectPrimary(world);
  });
});

/** Any two parts, or one. */
function cut(chance: () => number): readonly (readonly number[])[] {
  const nodes = [1, 2, 3, 4, 5];
  const here = nodes.filter(() => chance() < 0.6);
  return [here, nodes.filter((node) => !here.includes(node))].filter((part) => part.length > 0);
}

/** At each view: who believes to be primary is in a ring with a majority of the site. At the end, in a ring of all, everybody is. */
function expectPrimary(world: CpgWorld): void {
  let judged = 0;
  for (const member of world.members) {
    for (const [index, primary] of member.decrees().entries()) {
      const nodes = member.ringSizes[index];
      if (nodes === undefined || !primary) continue;
      expect(nodes, `nodes in the ring of view ${index} of ${member.id}`).toBeGreaterThan(2);
      judged += 1;
    }
  }
  expect(judged).toBeGreaterThan(0);
  for (const { alive, events } of world.members)
    if (alive) expect(events.findLast(({ kind }) => kind === 'quorum')).toMatchObject({ primary: true });
}

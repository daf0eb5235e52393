/**
 * What every implementation of group communication must do, seen from outside (DESIGN 2, G1–G7). Call `groupConformance`
 * from a test file with a way to make members.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type GroupCommunication, MULTICAST_BYTES_MAX } from '../../src/group/group.ts';
import type { MemberId } from '../../src/model/member.ts';
import { Observer } from './group-observer.ts';

export interface GroupCluster {
  /** A fresh member of one group, not joined; names are unique among those that live. */
  member(name: string): GroupCommunication | Promise<GroupCommunication>;
  /** Ends the member's engine as a crash would: no goodbye; its host lives on. */
  crash(group: GroupCommunication): Promise<void>;
  /** Ends everything. */
  dispose(): Promise<void>;
}

/** `makeCluster` is called before each test; up to three members are alive at a time. */
export function groupConformance(name: string, makeCluster: () => Promise<GroupCluster>): void {
  describe(`group communication: ${name}`, () => {
    let cluster: GroupCluster;
    let observers: Observer[];

    beforeEach(async () => {
      cluster = await makeCluster();
      observers = [];
    });

    afterEach(async () => {
      for (const observer of observers) observer.stopTicking();
      await cluster.dispose();
      // Whatever a test was about, these hold for all it saw.
      for (const observer of observers) observer.expectSoundHistory();
      expectViewsAgree(observers);
      expectVirtualSynchrony(observers);
    });

    async function join(memberName: string): Promise<Observer> {
      const observer = new Observer(await cluster.member(memberName));
      observers.push(observer);
      await observer.join();
      return observer;
    }

    async function joinAll(...names: string[]): Promise<Observer[]> {
      const joined = await Promise.all(names.map(join));
      await together(joined);
      return joined;
    }

    test('alone, a member gets a view of itself and its own messages', async () => {
      const a = await join('a');
      await a.view((view) => view.members.length === 1);
      a.group.multicast(Buffer.from('to nobody else'));
      await a.message('to nobody else');
      expect(a.messages[0]?.sender).toBe(a.group.self);
    });

    test('events never come from inside join or multicast', async () => {
      const a = new Observer(await cluster.member('a'));
      observers.push(a);
      const joining = a.join();
      expect(a.events).toEqual([]);
      await joining;
      await a.view((view) => view.members.length === 1);
      const before = a.events.length;
      a.group.multicast(Buffer.from('later'));
      expect(a.events.length).toBe(before);
      await a.message('later');
    });

    test('three members that start at once come into one view, equal for all', async () => {
      const [a, b, c] = await joinAll('a', 'b', 'c');
      expect(b!.lastView).toMatchObject({ id: a!.lastView!.id, members: a!.lastView!.members });
      expect(c!.lastView).toMatchObject({ id: a!.lastView!.id, members: a!.lastView!.members });
    });

    test('a member that comes later is told as joined, those that were there are not', async () => {
      const [a, b] = await joinAll('a', 'b');
      const c = await join('c');
      await together([a!, b!, c]);
      expect(a!.lastView).toMatchObject({ cause: 'join', joined: [c.group.self], departed: [] });
      expect(new Set(c.lastView!.joined)).toEqual(new Set([a!.group.self, b!.group.self]));
      // Survivors of the present view come first, in its order.
      expect(a!.lastView!.members.at(-1)).toBe(c.group.self);
    });

    test('messages of all members come in one order, each sender’s in its own', async () => {
      const all = await joinAll('a', 'b', 'c');
      for (let number = 0; number < 100; number += 1) {
        for (const observer of all) observer.group.multicast(Buffer.from(`${observer.name} ${number}`));
      }
      for (const observer of all) await observer.messageCount(300);
      const [first, ...others] = all.map((observer) => observer.texts());
      for (const other of others) expect(other).toEqual(first);
      for (const { name: sender } of all) {
        const own = first!.filter((text) => text.startsWith(`${sender} `));
        expect(own).toEqual(Array.from({ length: 100 }, (_, number) => `${sender} ${number}`));
      }
    });

    test('the longest message arrives whole, a longer one is refused at once', async () => {
      const [a, b] = await joinAll('a', 'b');
      const bytes = Buffer.alloc(MULTICAST_BYTES_MAX, 'wackamole ');
      a!.group.multicast(bytes);
      await b!.messageCount(1);
      await a!.messageCount(1);
      expect(Buffer.compare(b!.messages[0]!.bytes, bytes)).toBe(0);
      expect(() => a!.group.multicast(Buffer.alloc(MULTICAST_BYTES_MAX + 1))).toThrow(/bytes/);
    });

    test('the caller may reuse its buffer after multicast', async () => {
      const a = await join('a');
      const buffer = Buffer.from('first');
      a.group.multicast(buffer);
      buffer.write('other');
      await a.message('first');
    });

    test('a goodbye is seen as leave, and nobody else goes', async () => {
      const [a, b, c] = await joinAll('a', 'b', 'c');
      await b!.leave();
      await together([a!, c!]);
      for (const left of [a!, c!]) {
        expect(left.lastView).toMatchObject({
          cause: 'leave',
          departed: [{ member: b!.group.self, how: 'leave' }],
        });
      }
      expect(b!.events.some(({ kind }) => kind === 'detached')).toBe(false);
    });

    test('messages multicast before a goodbye arrive before the view without the member', async () => {
      const [a, b] = await joinAll('a', 'b');
      b!.group.multicast(Buffer.from('last words'));
      await b!.leave();
      await a!.view((view) => view.members.length === 1);
      expect(a!.texts()).toEqual(['last words']);
    });

    test('a crash is seen as a process that is gone, and its own side is detached', async () => {
      const [a, b, c] = await joinAll('a', 'b', 'c');
      const goneId = c!.group.self;
      await cluster.crash(c!.group);
      await together([a!, b!]);
      for (const survivor of [a!, b!]) {
        expect(survivor.lastView).toMatchObject({
          cause: 'disconnect',
          departed: [{ member: goneId, how: 'process' }],
        });
      }
      await c!.detached();
      const after = c!.events.length;
      c!.group.multicast(Buffer.from('into the void'));
      expect(c!.events.length).toBe(after);
    });

    test('the representative may crash while all multicast: survivors deliver the same messages', async () => {
      const [a, b, c] = await joinAll('a', 'b', 'c');
      const all = [a!, b!, c!];
      const representative = all.find(({ group }) => group.self === a!.lastView!.members[0])!;
      const survivors = all.filter((observer) => observer !== representative);
      for (let number = 0; number < 200; number += 1) {
        for (const observer of all) observer.group.multicast(Buffer.from(`${observer.name} ${number}`));
        if (number === 100) void cluster.crash(representative.group);
        if (number % 20 === 0) await soon();
      }
      await together(survivors);
      for (const observer of survivors) observer.group.multicast(Buffer.from(`end of ${observer.name}`));
      for (const observer of survivors) {
        for (const { name: other } of survivors) await observer.message(`end of ${other}`);
      }
      const [first, second] = survivors.map((observer) => observer.texts());
      expect(second).toEqual(first);
      for (const { name: sender } of survivors) {
        // A survivor's own messages are never lost.
        expect(first!.filter((text) => text.startsWith(`${sender} `))).toHaveLength(200);
      }
    });

    test('messages multicast while members join are delivered by all that move together, in one order', async () => {
      const [a, b] = await joinAll('a', 'b');
      const third = join('c');
      for (let number = 0; number < 300; number += 1) {
        a!.group.multicast(Buffer.from(`a ${number}`));
        b!.group.multicast(Buffer.from(`b ${number}`));
        if (number % 10 === 0) await soon();
      }
      const c = await third;
      await together([a!, b!, c]);
      await a!.messageCount(600);
      await b!.messageCount(600);
      expect(b!.texts()).toEqual(a!.texts());
    });

    test('a restarted member is another one and comes back', async () => {
      const [a, b] = await joinAll('a', 'b');
      const before: MemberId = b!.group.self;
      await cluster.crash(b!.group);
      const again = await join('b');
      expect(again.group.self).not.toBe(before);
      await together([a!, again]);
      expect(a!.lastView!.members).not.toContain(before);
    });

    test('leave may be called twice, and without join', async () => {
      const a = await join('a');
      await Promise.all([a.leave(), a.group.leave()]);
      await a.group.leave();
      const never = await cluster.member('n');
      await never.leave();
      await expect(never.join(() => undefined)).rejects.toThrow();
    });

    test('status names the peers and what is known of them', async () => {
      const [a, b] = await joinAll('a', 'b');
      await expect
        .poll(() => a!.group.status().peers.find(({ member }) => member === b!.group.self), { timeout: 5000 })
        .toMatchObject({ name: 'b', agent: 'well' });
      expect(a!.group.status().self).toBe(a!.group.self);
    });
  });
}

/** Until all of them are in one view of exactly themselves. */
async function together(observers: readonly Observer[]): Promise<void> {
  const wanted = observers.map(({ group }) => group.self).sort();
  for (const observer of observers) {
    await observer.view((view) => JSON.stringify([...view.members].sort()) === JSON.stringify(wanted));
  }
  const ids = new Set(observers.map(({ lastView }) => lastView!.id));
  // A late second view would make them differ; then the first was not the last word.
  if (ids.size > 1) {
    await soon();
    await together(observers);
  }
}

/** G2: equal ids mean equal members in equal order. */
function expectViewsAgree(observers: readonly Observer[]): void {
  const members = new Map<string, readonly MemberId[]>();
  for (const view of observers.flatMap(({ views }) => views)) {
    const known = members.get(view.id);
    if (known !== undefined) expect(view.members).toEqual(known);
    members.set(view.id, view.members);
  }
}

/** G4: members that go from one view to the next together delivered the same messages in it. */
function expectVirtualSynchrony(observers: readonly Observer[]): void {
  const delivered = new Map<string, readonly string[]>();
  for (const { steps } of observers) {
    for (const { from, to, texts } of steps()) {
      const known = delivered.get(`${from} ${to}`);
      if (known !== undefined) expect(texts).toEqual(known);
      delivered.set(`${from} ${to}`, texts);
    }
  }
}

function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The cases every implementation of group communication must pass (G1 to G7). */
import { MULTICAST_BYTES_MAX } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import { must, mustEqual, mustMatch } from './expectations.ts';
import type { Observer } from './group-observer.ts';
import { type Play, soon, together } from './group-play.ts';

export type GroupCase = readonly [name: string, play: (played: Play) => Promise<void>];

export const GROUP_CASES: readonly GroupCase[] = [
  [
    'alone, a member gets a view of itself and its own messages',
    async (played) => {
      const a = await played.join('a');
      await a.view((view) => view.members.length === 1);
      a.group.multicast(Buffer.from('to nobody else'));
      await a.message('to nobody else');
      mustEqual(a.messages[0]?.sender, a.group.self, 'the sender of its own message');
    },
  ],
  [
    'events never come from inside join or multicast',
    async (played) => {
      const a = await played.observe('a');
      const joining = a.join();
      mustEqual(a.events, [], 'events while join has not returned');
      await joining;
      await a.view((view) => view.members.length === 1);
      const before = a.events.length;
      a.group.multicast(Buffer.from('later'));
      mustEqual(a.events.length, before, 'events while multicast has not returned');
      await a.message('later');
    },
  ],
  [
    'three members that start at once come into one view, equal for all',
    async (played) => {
      const [a, b, c] = await played.three();
      const { id, members } = a.lastView!;
      for (const other of [b, c]) mustMatch(other.lastView, { id, members }, `the view of ${other.name}`);
    },
  ],
  [
    'a member that comes later is told as joined, those that were there are not',
    async (played) => {
      const [a, b] = await played.two();
      const c = await played.join('c');
      await together([a, b, c]);
      mustMatch(
        a.lastView,
        { cause: 'join', joined: [c.group.self], departed: [] },
        'the view of one that was there',
      );
      mustEqual(
        [...c.lastView!.joined].sort(),
        [a.group.self, b.group.self].sort(),
        'who joined, for one that came',
      );
      mustEqual(a.lastView!.members.at(-1), c.group.self, 'the last of the members (survivors come first)');
    },
  ],
  [
    'messages of all members come in one order, each sender’s in its own',
    async (played) => {
      const all = await played.three();
      for (let number = 0; number < 100; number += 1) {
        for (const observer of all) observer.group.multicast(Buffer.from(`${observer.name} ${number}`));
      }
      for (const observer of all) await observer.messageCount(300);
      const [first, ...others] = all.map((observer) => observer.texts());
      for (const other of others) mustEqual(other, first, 'the order of messages at another member');
      for (const { name: sender } of all) {
        const own = first!.filter((text) => text.startsWith(`${sender} `));
        mustEqual(
          own,
          Array.from({ length: 100 }, (_, number) => `${sender} ${number}`),
          `the messages of ${sender}`,
        );
      }
    },
  ],
  [
    'the longest message arrives whole, a longer one is refused at once',
    async (played) => {
      const [a, b] = await played.two();
      const bytes = Buffer.alloc(MULTICAST_BYTES_MAX, 'wackamole ');
      a.group.multicast(bytes);
      await b.messageCount(1);
      await a.messageCount(1);
      must(Buffer.compare(b.messages[0]!.bytes, bytes) === 0, () => 'the longest message arrived changed');
      must(
        isRefused(a, MULTICAST_BYTES_MAX + 1),
        () => 'a message that is too long was taken, or refused without "bytes"',
      );
    },
  ],
  [
    'the caller may reuse its buffer after multicast',
    async (played) => {
      const a = await played.join('a');
      const buffer = Buffer.from('first');
      a.group.multicast(buffer);
      buffer.write('other');
      await a.message('first');
    },
  ],
  [
    'a goodbye is seen as leave, and nobody else goes',
    async (played) => {
      const [a, b, c] = await played.three();
      await b.leave();
      await together([a, c]);
      const departed = [{ member: b.group.self, how: 'leave' }];
      for (const left of [a, c])
        mustMatch(left.lastView, { cause: 'leave', departed }, `the view of ${left.name}`);
      must(
        !b.events.some(({ kind }) => kind === 'detached'),
        () => 'one that left was told that it is detached',
      );
    },
  ],
  [
    'messages multicast before a goodbye arrive before the view without the member',
    async (played) => {
      const [a, b] = await played.two();
      b.group.multicast(Buffer.from('last words'));
      await b.leave();
      await a.view((view) => view.members.length === 1);
      mustEqual(a.texts(), ['last words'], 'what the other has heard when it is alone');
    },
  ],
  [
    'a crash is seen as a process that is gone, and its own side is detached',
    async (played) => {
      const [a, b, c] = await played.three();
      await played.cluster.crash(c.group);
      await together([a, b]);
      const departed = [{ member: c.group.self, how: 'process' }];
      for (const survivor of [a, b])
        mustMatch(survivor.lastView, { cause: 'disconnect', departed }, `the view of ${survivor.name}`);
      await c.detached();
      const after = c.events.length;
      c.group.multicast(Buffer.from('into the void'));
      mustEqual(c.events.length, after, 'events after "detached"');
    },
  ],
  [
    'the representative may crash while all multicast: survivors deliver the same messages',
    async (played) => {
      const all = await played.three();
      const representative = all.find(({ group }) => group.self === all[0].lastView!.members[0])!;
      const survivors = all.filter((observer) => observer !== representative);
      for (let number = 0; number < 200; number += 1) {
        for (const observer of all) observer.group.multicast(Buffer.from(`${observer.name} ${number}`));
        if (number === 100) void played.cluster.crash(representative.group);
        if (number % 20 === 0) await soon();
      }
      await together(survivors);
      await exchange(survivors);
      const [first, second] = survivors.map((observer) => observer.texts());
      mustEqual(second, first, 'the messages of the other survivor');
      for (const { name: sender } of survivors) {
        const own = first!.filter((text) => text.startsWith(`${sender} `));
        mustEqual(own.length, 200, `messages of ${sender}, which survived`);
      }
    },
  ],
  [
    'messages multicast while members join are delivered by all that move together, in one order',
    async (played) => {
      const [a, b] = await played.two();
      const third = played.join('c');
      for (let number = 0; number < 300; number += 1) {
        a.group.multicast(Buffer.from(`a ${number}`));
        b.group.multicast(Buffer.from(`b ${number}`));
        if (number % 10 === 0) await soon();
      }
      await together([a, b, await third]);
      await a.messageCount(600);
      await b.messageCount(600);
      mustEqual(b.texts(), a.texts(), 'the order of messages at the other member');
    },
  ],
  [
    'a restarted member is another one and comes back',
    async (played) => {
      const [a, b] = await played.two();
      const before: MemberId = b.group.self;
      await played.cluster.crash(b.group);
      const again = await played.join('b');
      must(again.group.self !== before, () => `the restarted member has its old identity ${before}`);
      await together([a, again]);
      must(!a.lastView!.members.includes(before), () => `${before} is still in the view`);
    },
  ],
  [
    'leave may be called twice, and without join',
    async (played) => {
      const a = await played.join('a');
      await Promise.all([a.leave(), a.group.leave()]);
      await a.group.leave();
      const never = await played.cluster.member('n');
      await never.leave();
      const joined = await never
        .join(() => undefined)
        .then(
          () => true,
          () => false,
        );
      must(!joined, () => 'join after leave was not refused');
    },
  ],
  [
    'status names the peers and what is known of them',
    async (played) => {
      const [a, b] = await played.two();
      const peer = () => a.group.status().peers.find(({ member }) => member === b.group.self);
      await a.eventually(
        'a status in which b is well',
        () => peer()?.name === 'b' && peer()?.agent === 'well',
      );
      mustEqual(a.group.status().self, a.group.self, 'self in the status');
    },
  ],
];

/** Each says a last word, and hears all others'. */
async function exchange(observers: readonly Observer[]): Promise<void> {
  for (const observer of observers) observer.group.multicast(Buffer.from(`end of ${observer.name}`));
  for (const observer of observers)
    for (const { name: other } of observers) await observer.message(`end of ${other}`);
}

function isRefused({ group }: Observer, length: number): boolean {
  try {
    group.multicast(Buffer.alloc(length));
    return false;
  } catch (error) {
    return error instanceof Error && error.message.includes('bytes');
  }
}

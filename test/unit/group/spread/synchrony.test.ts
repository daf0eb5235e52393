/** Whatever daemons, networks and members do, and in whichever order pieces travel: views and messages are as promised. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Synchrony, type SynchronyAction } from '../../../../src/group/spread/synchrony.ts';
import { memberId } from '../../../../src/model/member.ts';
import { DAEMONS, World } from './synchrony-world.ts';

const PARTS = [
  [['zed', 'mid', 'abe']],
  [['zed', 'mid'], ['abe']],
  [['zed'], ['mid', 'abe']],
  [['zed', 'abe'], ['mid']],
  [['zed'], ['mid'], ['abe']],
];

type Deed =
  | { readonly kind: 'travel'; readonly choices: readonly number[] }
  | { readonly kind: 'multicast' | 'crash' | 'pulse'; readonly member: number }
  | { readonly kind: 'add' | 'kill' | 'start'; readonly daemon: number }
  | { readonly kind: 'connect'; readonly parts: number }
  | { readonly kind: 'settle' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('travel' as const),
      choices: fc.array(fc.nat(1000), { maxLength: 30 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('multicast' as const), member: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'pulse' as const), member: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('add' as const), daemon: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'start' as const), daemon: fc.nat(2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('connect' as const), parts: fc.nat(PARTS.length - 1) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'settle' as const }) },
);

function play(deeds: readonly Deed[]): World {
  const world = new World();
  for (const [index, daemon] of DAEMONS.entries()) world.add(`m${index}`, daemon);
  world.settle();
  for (const one of deeds) perform(world, one);
  return world;
}

function perform(world: World, one: Deed): void {
  const { alive, daemons } = world;
  const member = 'member' in one ? alive[one.member % Math.max(1, alive.length)] : undefined;
  const daemon = 'daemon' in one ? DAEMONS[one.daemon]! : '';
  if (one.kind === 'travel') for (const choice of one.choices) world.travel(choice);
  else if (one.kind === 'multicast') member?.multicast(`${member.id} ${member.sent.length}`);
  else if (one.kind === 'pulse') member?.pulse();
  else if (one.kind === 'crash') member?.crash();
  else if (one.kind === 'add') world.add(`m${world.members.length}`, daemon);
  else if (one.kind === 'kill') daemons.kill(daemon);
  else if (one.kind === 'start') daemons.start(daemon);
  else if (one.kind === 'connect') daemons.connect(...PARTS[one.parts]!);
  else daemons.settle();
}

describe('whatever happens', () => {
  test('histories are sound, and when all is mended there is one view of exactly all', () => {
    let views = 0;
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 80, size: 'max' }), (deeds) => {
        const world = play(deeds);
        world.check();
        for (const daemon of DAEMONS) world.daemons.start(daemon);
        world.daemons.connect(DAEMONS);
        world.settle();
        world.check();
        const ids = world.alive.map(({ id }) => id).sort();
        for (const member of world.alive) {
          expect([...member.views.at(-1)!.members].sort()).toEqual(ids);
          // What a member that lives sent is not lost.
          expect(member.texts().filter((text) => text.startsWith(`${member.id} `))).toEqual(member.sent);
        }
        views += new Set(world.members.flatMap((member) => member.views.map(({ id }) => id))).size;
      }),
      { numRuns: Number(process.env['SPREAD_STORIES'] ?? 120) },
    );
    expect(views).toBeGreaterThan(100);
  }, 60_000);
});

test('who was apart without a view of it gets one of its part before the view of all', () => {
  const world = new World();
  const [a, b] = [world.add('a', 'zed'), world.add('b', 'mid')];
  world.settle();
  const common = a.views.at(-1)!.id;
  expect(b.views.at(-1)!.id).toBe(common);
  // The rings part and merge before any announcement has travelled.
  world.daemons.connect(['zed'], ['mid'], ['abe']);
  world.daemons.settle();
  world.daemons.connect(DAEMONS);
  world.daemons.settle();
  world.settle();
  world.check();
  expect(a.views.slice(-3).map(({ members }) => members)).toEqual([
    [a.id, b.id],
    [a.id],
    a.views.at(-1)!.members,
  ]);
  expect(a.views.at(-1)).toEqual({ ...b.views.at(-1), joined: [b.id] });
  expect(a.views.at(-2)).toMatchObject({ cause: 'network', departed: [{ member: b.id, how: 'process' }] });
});

test('who goes with its daemon went as it is told to say, who goes alone as a process', () => {
  const world = new World({ goneWithDaemon: 'host' });
  const [a, b] = [world.add('a', 'zed'), world.add('b', 'mid')];
  const c = world.add('c', 'zed');
  world.settle();
  world.daemons.connect(['zed'], ['mid', 'abe']);
  world.settle();
  expect(a.views.at(-1)!.departed).toEqual([{ member: b.id, how: 'host' }]);
  c.crash();
  world.settle();
  expect(a.views.at(-1)!.departed).toEqual([{ member: c.id, how: 'process' }]);
});

test('what somebody sent to the common view and came after both were apart is delivered on its side alone', () => {
  const world = new World();
  const [a, b] = [world.add('a', 'zed'), world.add('b', 'mid')];
  world.settle();
  b.multicast('late');
  world.daemons.connect(['zed'], ['mid'], ['abe']);
  world.daemons.settle();
  world.daemons.connect(DAEMONS);
  world.daemons.settle();
  world.settle();
  world.check();
  expect([a.texts(), b.texts()]).toEqual([[], ['late']]);
});

/** One member, alone so far, and what its daemon says. */
function alone() {
  const privateGroup = '#wk~0000000#zed';
  const self = memberId('a', '0'.repeat(16));
  const limits = { pulsesUnheard: 6, pulsesMute: 3 };
  const synchrony = new Synchrony({ self, privateGroup, group: 'g', cluster: 'test', ...limits });
  const id = { daemon: 1, time: 2, index: 3 };
  const joined = (changed: string, members: readonly string[], index: number) =>
    synchrony.handle({
      ...({ kind: 'membership', group: 'g', cause: 'join' } as const),
      ...{ members, changed, id: { ...id, index }, sets: [[changed]], ownSet: 0 },
    });
  const own = {
    kind: 'message',
    service: 'agreed',
    selfDiscard: false,
    type: 0,
    foreignOrder: false,
  } as const;
  const echo = (data: Uint8Array) => synchrony.handle({ ...own, sender: privateGroup, groups: ['g'], data });
  return { synchrony, id, privateGroup, joined, echo };
}

const kindsOf = (actions: readonly SynchronyAction[]) =>
  actions.map((action) => (action.kind === 'deliver' ? action.event.kind : action.kind));

test('a view that comes together while the daemons part is followed by the signal at once', () => {
  const { synchrony, id, privateGroup, joined, echo } = alone();
  const [announcement] = joined(privateGroup, [privateGroup], 3);
  if (announcement?.kind !== 'send') throw new Error('it announces itself');
  expect(synchrony.handle({ kind: 'transitional', group: 'g', id })).toEqual([]);
  expect(kindsOf(echo(announcement.bytes))).toEqual(['view', 'transitional']);
});

test('a member announces itself before its agent is told that something changes', () => {
  const { privateGroup, joined, echo } = alone();
  const [announcement] = joined(privateGroup, [privateGroup], 3);
  if (announcement?.kind !== 'send') throw new Error('it announces itself');
  expect(kindsOf(echo(announcement.bytes))).toEqual(['view']);
  const another = '#wk~0000001#mid';
  expect(kindsOf(joined(another, [privateGroup, another], 4))).toEqual(['send', 'transitional']);
});

test('a member that stays mute in a round is passed over in agreed order', () => {
  const world = new World();
  const [a, b] = [world.add('a', 'zed'), world.add('b', 'mid')];
  world.settle();
  const mute = world.add('c', 'abe');
  // It connects and joins, and then its process stands still.
  for (let turn = 0; turn < 5; turn += 1) for (const way of mute.ways().slice(0, 1)) way();
  mute.frozen = true;
  for (let turn = 0; turn < 6; turn += 1) {
    a.pulse();
    b.pulse();
    world.settle();
  }
  expect(a.views.at(-1)!.members.length).toBe(2);
  mute.frozen = false;
  world.settle();
  expect(mute.detached).toContain('passed us over');
  world.check();
});

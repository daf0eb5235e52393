/** The embedded engine between real hosts (network namespaces): cables, partitions, freezes, rights, discovery. */
import { afterEach, describe, expect, test } from 'vitest';
import type { GroupStatus } from '../../src/group/group.ts';
import { GroupWorld, type KernelMember } from './group-world.ts';

let world: GroupWorld | undefined;

afterEach(async () => {
  await world?.dispose();
  world = undefined;
});

async function three(profile: 'lan' | 'fast' = 'lan'): Promise<KernelMember[]> {
  world = new GroupWorld(['a', 'b', 'c']);
  const members = await Promise.all(world.names.map((name) => world!.start({ name, profile })));
  for (const member of members) await member.together('a', 'b', 'c');
  // A host that never answered a probe is not known to have fallen silent.
  for (const member of members) {
    await statusWhen(member, ({ peers }) => peers.filter(({ host }) => host === 'answers').length === 2);
  }
  return members;
}

function say(what: string, ms: number): void {
  console.log(`  ${what}: ${ms.toFixed(0)} ms`);
}

describe.each(['lan', 'fast'] as const)('with profile %s', (profile) => {
  const noticed = { lan: 1500, fast: 1000 }[profile];

  test('a pulled cable is noticed on both sides, and a plugged one brings all together again', async () => {
    const [a, b, c] = await three(profile);
    const pulled = performance.now();
    world!.pullCable('c');
    const alone = (await a!.together('a', 'b')) - pulled;
    await b!.together('a', 'b');
    await c!.together('c');
    say('cable pulled → view without the host', alone);
    expect(alone).toBeLessThan(noticed);
    expect(a!.view?.departed).toMatchObject([{ how: 'host' }]);
    const plugged = performance.now();
    world!.plugCable('c');
    say('cable plugged → one view', (await a!.together('a', 'b', 'c')) - plugged);
    await c!.together('a', 'b', 'c');
  });

  test('a partition that lasts for seconds heals within a few seek intervals', async () => {
    const [a, , c] = await three(profile);
    world!.isolate('c');
    await a!.together('a', 'b');
    await c!.together('c');
    const seeks = async () => (await statusWhen(c!, () => true)).counters['seeks_sent'] ?? 0;
    const before = await seeks();
    // Long enough for TCP's own retries to be far apart.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect((await seeks()) - before, 'seeks while alone').toBeGreaterThan(20);
    const healed = performance.now();
    world!.join('c');
    const took = (await c!.together('a', 'b', 'c')) - healed;
    say('partition healed → one view', took);
    expect(took).toBeLessThan(3000);
  });
});

describe.each([4, 6] as const)('over IPv%d', (family) => {
  test('a silent peer is asked for on the link as often as it is sought, so that a long split heals at once', async () => {
    world = new GroupWorld(['a', 'b', 'c']);
    const [a, , c] = await Promise.all(world.names.map((name) => world!.start({ name, family })));
    await a!.together('a', 'b', 'c');
    // Some rounds of probes: silence tells nothing of a host that never answered one.
    await new Promise((resolve) => setTimeout(resolve, 500));
    world.isolate('c');
    await c!.together('c');
    // What a minute does: the kernels have forgotten where those are that they cannot reach.
    for (const name of world.names) world.inside(name, 'ip', 'neigh', 'flush', 'dev', 'eth0');
    const asked = await world.questionsFrom('c', family, 1000);
    console.log(`  questions of a host that hears neither of two peers, in a second: ${asked}`);
    // The kernel by itself asks for each once a second.
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(60);
    const healed = performance.now();
    world.join('c');
    const took = (await c!.together('a', 'b', 'c')) - healed;
    say('long partition healed → one view', took);
    expect(took).toBeLessThan(3000);
  });
});

test('a killed process is noticed at once, and as a process, not a host', async () => {
  const [a, b, c] = await three();
  const killed = performance.now();
  c!.signal('SIGKILL');
  const took = (await a!.together('a', 'b')) - killed;
  await b!.together('a', 'b');
  say('kill -9 → view without the member', took);
  expect(took).toBeLessThan(1000);
  expect(a!.view?.departed).toMatchObject([{ how: 'process' }]);
});

test('a goodbye ends the process by itself, and exit during a run does not hang', async () => {
  const [a, b, c] = await three();
  c!.say('leave');
  expect(await c!.exited).toBe(0);
  await a!.together('a', 'b');
  expect(a!.view?.departed).toMatchObject([{ how: 'leave' }]);
  b!.say('exit');
  expect(await b!.exited).toBe(7);
  await a!.together('a');
});

test('a frozen process is excluded as hung though its host answers, and comes back when it thaws', async () => {
  const [a, b, c] = await three();
  c!.signal('SIGSTOP');
  await a!.together('a', 'b');
  await b!.together('a', 'b');
  expect(a!.view?.departed).toMatchObject([{ how: 'process' }]);
  c!.signal('SIGCONT');
  await a!.together('a', 'b', 'c');
  await c!.together('a', 'b', 'c');
});

test('one-way loss: who is heard by nobody is outranked, and comes back when it is heard', async () => {
  const [a, , c] = await three();
  const before = c!.events.length;
  world!.mute('c');
  await a!.together('a', 'b');
  await c!.event(({ kind, by }) => kind === 'outranked' && by !== undefined, before);
  world!.unmute('c');
  await a!.together('a', 'b', 'c');
  await c!.together('a', 'b', 'c');
});

test('hosts that know only a multicast group find each other', async () => {
  world = new GroupWorld(['a', 'b']);
  const multicast = { group: '239.192.77.77', port: 4877 };
  const [a, b] = await Promise.all(
    world.names.map((name) =>
      world!.start({ name, peers: [], multicast: { ...multicast, interface: 'eth0' } }),
    ),
  );
  await a!.together('a', 'b');
  await b!.together('a', 'b');
});

test('a new host needs no edit on the others: it lists one, and that one lists nobody', async () => {
  world = new GroupWorld(['a', 'b']);
  const a = await world.start({ name: 'a', peers: [] });
  await world.start({ name: 'b', peers: ['a'] });
  await a.together('a', 'b');
  // Were the stream lost, `a` would know where to seek.
  await statusWhen(a, ({ peers }) => peers.some(({ name, stream }) => name === 'b' && stream === 'open'));
});

test('over IPv6, with kernel-answered probes', async () => {
  world = new GroupWorld(['a', 'b']);
  const [a, b] = await Promise.all(world.names.map((name) => world!.start({ name, family: 6 })));
  await a!.together('a', 'b');
  await b!.together('a', 'b');
  await statusWhen(a!, ({ peers }) =>
    peers.some(({ host, agent }) => host === 'answers' && agent === 'well'),
  );
});

test('without the right to probe, heartbeats stand in and the status says so', async () => {
  world = new GroupWorld(['a', 'b']);
  const through = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'];
  const [a] = await Promise.all(world.names.map((name) => world!.start({ name, through })));
  await a!.together('a', 'b');
  const status = await statusWhen(a!, ({ peers }) =>
    peers.some(({ problem }) => problem?.includes('CAP_NET_RAW')),
  );
  expect(status.peers).toMatchObject([{ name: 'b', stream: 'open', host: 'unknown' }]);
});

test('an address in use, or one this host does not have, is told with what to do', async () => {
  world = new GroupWorld(['a']);
  await world.start({ name: 'a' });
  const second = await world.start({ name: 'a' });
  expect(second.events.at(-1)?.['reason']).toMatch(/group\.listen: .* port 4803 .*another process/);
  expect(await second.exited).toBe(3);
  const address = world.address('a');
  world.inside('a', 'ip', 'addr', 'del', `${address}/24`, 'dev', 'eth0');
  const third = await world.start({ name: 'a' });
  expect(third.events.at(-1)?.['reason']).toMatch(/no such address/);
});

/** Asks for the status until it fits. */
async function statusWhen(
  member: KernelMember,
  fits: (status: GroupStatus) => boolean,
): Promise<GroupStatus> {
  for (;;) {
    const from = member.events.length;
    member.say('status');
    const { status } = await member.event(({ kind }) => kind === 'status', from);
    if (fits(status as GroupStatus)) return status as GroupStatus;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Members whose wall clocks tell different times, or jump: they meet all the same, for nothing that binds them reads one. */
import { afterEach, expect, test } from 'vitest';
import type { EmbeddedGroupConfig } from '../../../src/config/config.ts';
import { PROFILES } from '../../../src/config/profiles.ts';
import type { GroupEvent } from '../../../src/group/group.ts';
import { closePingDoors, openPingDoors, type PingDoors } from '../../../src/group/ping-doors.ts';
import { Transport } from '../../../src/group/transport.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import { type MemberId, memberId } from '../../../src/model/member.ts';
import { bootTimeNow, monotonicNow } from '../../../src/platform/clock.ts';
import { wallClockSeconds } from '../../../src/platform/identity.ts';
import { freshPort, LOOPBACK_KEY, loopbackAddress } from '../../conformance/group-loopback.ts';

const PATIENCE = { timeout: 10_000, interval: 10 };
const TEN_MINUTES = 600;

/** A member in this thread, with a wall clock that a test sets. */
class Member {
  readonly id: MemberId;
  /** Seconds by which its clock is off. */
  off = 0;
  members: readonly MemberId[] = [];
  readonly #doors: PingDoors;
  readonly #transport: Transport;

  constructor(name: 'a' | 'b', { port, incarnation = '1' }: { port: number; incarnation?: string }) {
    this.id = memberId(name, incarnation.padStart(16, '0'));
    this.#doors = openPingDoors(loopbackAddress(name));
    const config: EmbeddedGroupConfig = {
      engine: 'embedded',
      listen: { host: loopbackAddress(name), port },
      peers: ['a', 'b'].map((peer) => ({ name: peer, addresses: [{ host: loopbackAddress(peer), port }] })),
      key: LOOPBACK_KEY,
      profile: 'lan',
      timers: { ...PROFILES.lan, heartbeat_timeout_ms: 3000 },
    };
    this.#transport = new Transport(
      { cluster: 'clocks', self: this.id, config, doors: this.#doors },
      {
        engine: createEngine({ self: this.id, timers: config.timers }),
        clock: monotonicNow,
        bootClock: bootTimeNow,
        wallClock: () => wallClockSeconds() + this.off,
        random: Math.random,
        deliver: (event: GroupEvent) => {
          if (event.kind === 'view') this.members = event.view.members;
        },
        left: () => undefined,
        log: () => undefined,
      },
    );
  }

  start(): Promise<void> {
    return this.#transport.start();
  }

  tick(): void {
    this.#transport.tick();
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#transport.status().counters;
  }

  stop(): void {
    this.#transport.stop('the test is over');
    closePingDoors(this.#doors);
  }
}

const running = new Set<Member>();
const ticking = setInterval(() => {
  for (const member of running) member.tick();
}, 100);
ticking.unref();

afterEach(() => {
  for (const member of running) member.stop();
  running.clear();
});

async function start(member: Member): Promise<Member> {
  running.add(member);
  await member.start();
  return member;
}

async function together(...members: readonly Member[]): Promise<void> {
  const wanted = members.map(({ id }) => id).sort();
  for (const member of members) await expect.poll(() => [...member.members].sort(), PATIENCE).toEqual(wanted);
}

test.each([TEN_MINUTES, -TEN_MINUTES])(
  'configured peers meet with clocks %i seconds apart, and meet again after a restart',
  async (off) => {
    const port = freshPort();
    const a = new Member('a', { port });
    const b = new Member('b', { port });
    b.off = off;
    await start(a);
    // It has given up dialling at once by now: the seek of the other brings them together.
    await expect.poll(() => a.counters['streams_dialled'] ?? 0, PATIENCE).toBeGreaterThan(3);
    await start(b);
    await together(a, b);
    expect(a.counters['datagrams_clock_differs']).toBeGreaterThan(0);
    b.stop();
    running.delete(b);
    await together(a);
    const again = new Member('b', { port, incarnation: '2' });
    again.off = -off;
    await start(again);
    await together(a, again);
  },
  30_000,
);

test('a wall clock that jumps forth and back under a running view changes nothing', async () => {
  const port = freshPort();
  const a = await start(new Member('a', { port }));
  const b = await start(new Member('b', { port }));
  await together(a, b);
  const opened = a.counters['streams_opened'];
  for (const off of [TEN_MINUTES, -TEN_MINUTES, 0]) {
    b.off = off;
    const heard = a.counters['heartbeats_received'] ?? 0;
    await expect.poll(() => a.counters['heartbeats_received'] ?? 0, PATIENCE).toBeGreaterThan(heard + 1);
  }
  await together(a, b);
  expect(a.counters['streams_opened']).toBe(opened);
}, 30_000);

/** The engine's thread seen from the main thread: one that hangs is given up, one that ends leaves nothing open. */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProfileName } from '../../../src/config/config.ts';
import { PROFILES } from '../../../src/config/profiles.ts';
import { createEmbeddedGroup } from '../../../src/group/embedded.ts';
import type { GroupCommunication, GroupEvent } from '../../../src/group/group.ts';
import { closePingDoors, openPingDoors } from '../../../src/group/ping-doors.ts';
import { type EngineThreadData, type ToEngine, WORD } from '../../../src/group/worker-messages.ts';
import type { startWorker, WorkerHandlers } from '../../../src/platform/worker-thread.ts';
import { LoopbackCluster } from '../../conformance/group-loopback.ts';
import { Observer } from '../../conformance/group-observer.ts';

const AGENT_TICK_MS = 200;

/** A thread that sleeps until it is told to look, and then answers ticks as the engine's does, until it is told to hang. */
class Thread {
  answers = true;
  terminated = false;
  looks = 0;
  #handlers: WorkerHandlers | undefined;
  #words = new Int32Array(new SharedArrayBuffer(0));

  /** As it does whenever it is awake. */
  look(): void {
    if (this.answers) Atomics.add(this.#words, WORD.pulse, 1);
  }

  readonly start: typeof startWorker = ({ data }, handlers) => {
    const words = new Int32Array((data as EngineThreadData).words);
    this.#words = words;
    this.#handlers = handlers;
    return {
      post: (message) => {
        if ((message as ToEngine).kind !== 'look') return;
        this.looks += 1;
        this.look();
      },
      terminate: () => {
        if (!this.terminated) handlers.ended('it was terminated');
        this.terminated = true;
        return Promise.resolve();
      },
      keepAlive: () => undefined,
    };
  };

  say(message: unknown): void {
    this.#handlers?.message(message);
  }
}

describe.each(['lan', 'fast', 'wan'] as const)('an engine thread that hangs, profile %s', (profile) => {
  let thread: Thread;
  let events: GroupEvent[];
  let group: GroupCommunication;

  beforeEach(() => {
    vi.useFakeTimers();
    thread = new Thread();
    events = [];
    group = make(profile, thread);
  });

  afterEach(() => vi.useRealTimers());

  async function joined(): Promise<void> {
    const joining = group.join((event) => events.push(event));
    thread.say({ kind: 'joined' });
    await joining;
  }

  /** Ticks as the agent does; how long it took to be detached. */
  function tickFor(ms: number): number | undefined {
    for (let waited = 0; waited <= ms; waited += AGENT_TICK_MS) {
      group.tick();
      if (events.length > 0) return waited;
      vi.advanceTimersByTime(AGENT_TICK_MS);
    }
    return undefined;
  }

  test('is given up within two seconds, and ended', async () => {
    await joined();
    expect(tickFor(60_000)).toBeUndefined();
    thread.answers = false;
    const most = Math.min(2000, PROFILES[profile].heartbeat_timeout_ms);
    expect(tickFor(10_000)).toBeLessThanOrEqual(most);
    expect(events).toEqual([{ kind: 'detached', reason: 'the engine’s thread hangs' }]);
    vi.advanceTimersByTime(2000);
    expect(thread.terminated).toBe(true);
  });

  test('is not blamed for a stall of the main thread', async () => {
    await joined();
    tickFor(2000);
    // Nobody ticks; what the thread said meanwhile waits unread.
    vi.advanceTimersByTime(60_000);
    expect(tickFor(10_000)).toBeUndefined();
  });

  test('is not woken by ticks while it is awake anyway, and is while it sleeps', async () => {
    await joined();
    for (let round = 0; round < 20; round += 1) {
      tickFor(0);
      thread.look();
      vi.advanceTimersByTime(AGENT_TICK_MS);
    }
    expect(thread.looks).toBe(0);
    tickFor(20 * AGENT_TICK_MS);
    expect(thread.looks).toBeGreaterThan(8);
  });

  test('may be slow to start, but not for ever', async () => {
    thread.answers = false;
    const joining = group.join((event) => events.push(event));
    const failed = expect(joining).rejects.toThrow(/hangs/);
    tickFor(5000);
    expect(thread.terminated).toBe(false);
    tickFor(30_000);
    await failed;
    vi.advanceTimersByTime(2000);
    expect(thread.terminated).toBe(true);
  });

  test('an answer in other words counts as well', async () => {
    await joined();
    thread.answers = false;
    for (let round = 0; round < 20; round += 1) {
      tickFor(AGENT_TICK_MS);
      thread.say({ kind: 'parcel', events: [], lines: [] });
    }
    expect(events).toEqual([]);
  });
});

function make(profile: ProfileName, thread: Thread): GroupCommunication {
  const silent = (): void => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const listen = { host: '127.0.0.1', port: 0 };
  const config = { engine: 'embedded', listen, peers: [], profile, timers: PROFILES[profile] } as const;
  return createEmbeddedGroup(
    { cluster: 'c', member: 'a', group: config },
    { log, startWorker: thread.start },
  );
}

test('a thread that is ended by force leaves no descriptor open', { timeout: 60_000 }, async ({ skip }) => {
  const doors = openPingDoors();
  closePingDoors(doors);
  if (typeof doors.v4 === 'string') skip(`no probe socket can leak where none is allowed: ${doors.v4}`);
  const cluster = new LoopbackCluster();
  const a = new Observer(cluster.member('a'));
  await a.join();
  const open = (): number => readdirSync('/proc/self/fd').length;
  /** With a stream to a peer, and so with everything open that a member opens. */
  const crashOne = async (): Promise<void> => {
    const b = new Observer(cluster.member('b'));
    await b.join();
    await b.view(({ members }) => members.length === 2);
    await expect
      .poll(() => b.group.status().counters['probes_sent'] ?? 0, { timeout: 10_000, interval: 20 })
      .toBeGreaterThan(0);
    await cluster.crash(b.group);
    await a.view(({ members }) => members.length === 1);
    b.stopTicking();
  };
  await crashOne();
  const before = open();
  for (let round = 0; round < 5; round += 1) await crashOne();
  await expect.poll(open, { timeout: 10_000, interval: 20 }).toBeLessThanOrEqual(before);
  a.stopTicking();
  await cluster.dispose();
});

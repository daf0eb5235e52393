import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { Frame } from '../../../src/membership/messages.ts';
import { viewId } from '../../../src/model/view.ts';
import {
  calmWorld,
  DELAY,
  lastView,
  pass,
  processOf,
  views,
} from '../../simulation/membership/calm-world.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import type { World } from '../../simulation/membership/world.ts';
import { A, B, C, delivered, heartbeat, meet, sent } from './scripted.ts';

/** Lets something happen to host 1 and returns how long each other member took to its next view. */
function takes(world: World, happen: () => void): number[] {
  const at = world.now;
  happen();
  pass(world, 3_000);
  return world.hosts.filter((host) => host.index !== 1).map((host) => lastView(processOf(host)).at - at);
}

function departureOf(world: World) {
  return lastView(processOf(world.hosts[0])).view;
}

describe('boot', () => {
  it.each([2, 3, 9, 30])(
    '%i members that start together install themselves and then one common view',
    (hosts) => {
      const world = calmWorld(hosts);
      for (const trace of world.traces) {
        expect(views(trace).map(({ view }) => view.members.length)).toEqual([1, hosts]);
        expect(views(trace)[1]!.view.cause).toBe('join');
      }
    },
  );

  it('a member alone has its view at once and no other', () => {
    const world = calmWorld(1);
    expect(views(world.traces[0]!)).toMatchObject([{ at: 0, view: { epoch: 1 } }]);
  });
});

describe.each([3, 9])('one of %i goes', (hosts) => {
  it('by a crash: three message delays, how it went is process', () => {
    const world = calmWorld(hosts);
    const times = takes(world, () => world.stop(processOf(world.hosts[1]), true));
    // One delay until the kernel's word is there, then prepare, promise (the proposer has it), install.
    expect(Math.max(...times)).toBeLessThanOrEqual(4 * DELAY + 0.01);
    expect(departureOf(world)).toMatchObject({ cause: 'disconnect', departed: [{ how: 'process' }] });
  });

  it('politely: as fast, and it is told so', () => {
    const world = calmWorld(hosts);
    const leaver = processOf(world.hosts[1]);
    const at = world.now;
    const times = takes(world, () => world.give(leaver, { kind: 'leave' }));
    expect(Math.max(...times)).toBeLessThanOrEqual(4 * DELAY + 0.01);
    expect(departureOf(world)).toMatchObject({ cause: 'leave', departed: [{ how: 'leave' }] });
    const left = leaver.trace.events.at(-1)!;
    expect(left.kind).toBe('left');
    expect(left.at - at).toBeLessThanOrEqual(2 * DELAY + 0.01);
  });

  it('by power: the probe timeout, one interval to be sure, and the change', () => {
    const world = calmWorld(hosts);
    const times = takes(world, () => world.powerOff(world.hosts[1]!));
    expect(Math.max(...times)).toBeLessThan(LAN.probe_timeout_ms + 2 * LAN.probe_interval_ms + 10);
    expect(departureOf(world)).toMatchObject({ cause: 'network', departed: [{ how: 'host' }] });
  });

  it('by a hang of its main thread: it says so itself, its host still answers', () => {
    const world = calmWorld(hosts);
    takes(world, () => {
      processOf(world.hosts[1]).hung = true;
    });
    expect(departureOf(world)).toMatchObject({ cause: 'disconnect', departed: [{ how: 'process' }] });
  });

  it('by a stop of its whole process: heartbeats end, its host still answers', () => {
    const world = calmWorld(hosts);
    const times = takes(world, () => world.pause(processOf(world.hosts[1])));
    expect(Math.max(...times)).toBeLessThan(LAN.heartbeat_timeout_ms + LAN.heartbeat_interval_ms);
    expect(departureOf(world)).toMatchObject({ departed: [{ how: 'process' }] });
  });
});

describe('where probes are impossible', () => {
  it('heartbeats stand in, and nobody claims that the host is gone', () => {
    const world = calmWorld(3, { deaf: [1] });
    const times = takes(world, () => world.powerOff(world.hosts[1]!));
    expect(Math.min(...times)).toBeGreaterThan(LAN.heartbeat_timeout_ms - LAN.heartbeat_interval_ms - 10);
    expect(departureOf(world)).toMatchObject({ departed: [{ how: 'process' }] });
  });
});

describe('several at once', () => {
  it('hosts that die together make one change', () => {
    const world = calmWorld(9);
    const before = views(processOf(world.hosts[0]).trace).length;
    for (const index of [2, 5, 7]) world.powerOff(world.hosts[index]!);
    pass(world, 3_000);
    expect(views(processOf(world.hosts[0]).trace).length).toBe(before + 1);
    expect(departureOf(world).members).toHaveLength(6);
  });

  it('hosts that die within one probe interval make one change', () => {
    const world = calmWorld(9);
    const before = views(processOf(world.hosts[0]).trace).length;
    world.counts.clear();
    world.powerOff(world.hosts[2]!);
    pass(world, LAN.probe_interval_ms - 1);
    world.powerOff(world.hosts[5]!);
    pass(world, 3_000);
    expect(views(processOf(world.hosts[0]).trace).length).toBe(before + 1);
    expect(departureOf(world).members).toHaveLength(7);
    // The second falls silent in the very instant the wait for it ends: an attempt with it may just have begun.
    expect(world.counts.get('prepare')).toBeLessThanOrEqual(7 + 6);
  });

  it('the representative dies with the next in line', () => {
    const world = calmWorld(5);
    const at = world.now;
    for (const index of [0, 1]) world.powerOff(world.hosts[index]!);
    pass(world, 3_000);
    const { view, at: when } = lastView(processOf(world.hosts[4]));
    expect(view.members).toHaveLength(3);
    expect(when - at).toBeLessThan(
      LAN.probe_timeout_ms + 2 * LAN.probe_interval_ms + 4 * LAN.phase_timeout_ms,
    );
  });
});

describe('messages at the end of a view', () => {
  it('one that reached only some is filled in, and comes before the new view', () => {
    const world = calmWorld(3, { detours: [['0>2', 100]] });
    world.multicast(processOf(world.hosts[0]));
    pass(world, 2 * DELAY);
    const at = world.now;
    world.stop(processOf(world.hosts[0]), true);
    pass(world, 5);
    const told = processOf(world.hosts[2]).trace.events.filter((event) => event.at >= at);
    expect(told.map(({ kind }) => kind)).toEqual(['transitional', 'message', 'view']);
  });

  it('a stream that broke and is back at once ends the view, and no message is lost', () => {
    const world = calmWorld(3);
    const { trace } = processOf(world.hosts[2]);
    const before = views(trace).length;
    world.multicast(processOf(world.hosts[0]));
    world.breakStream(processOf(world.hosts[0]), processOf(world.hosts[2]));
    world.multicast(processOf(world.hosts[0]));
    world.multicast(processOf(world.hosts[2]));
    pass(world, 5_000);
    expect(views(trace).length).toBeGreaterThan(before);
    expect(lastView(processOf(world.hosts[2])).view.members).toHaveLength(3);
    const own = trace.events.filter((event) => event.kind === 'message' && event.sender === trace.member);
    expect(own).toHaveLength(1);
  });
});

describe('partitions', () => {
  function split(world: World, cut: boolean): void {
    for (const a of world.hosts)
      for (const b of world.hosts) if (a.index < 2 !== b.index < 2) world.cut(a, b, cut);
  }

  it('each side goes on alone, and after the heal they merge once', () => {
    const world = calmWorld(5);
    split(world, true);
    pass(world, 1_000);
    expect(world.hosts.map((host) => lastView(processOf(host)).view.members.length)).toEqual([2, 2, 3, 3, 3]);
    const before = world.traces.map((trace) => views(trace).length);
    const healed = world.now;
    split(world, false);
    pass(world, 2_000);
    expect(lastView(processOf(world.hosts[0])).at - healed).toBeGreaterThan(LAN.link_hold_ms);
    expect(world.traces.map((trace) => views(trace).length)).toEqual(before.map((count) => count + 1));
    for (const host of world.hosts)
      expect(lastView(processOf(host)).view).toMatchObject({ cause: 'network', departed: [] });
  });

  it('a short loss of one member that ends before anybody acts changes nothing', () => {
    const world = calmWorld(3);
    const before = world.traces.map((trace) => views(trace).length);
    for (const other of [0, 2]) world.cut(world.hosts[1]!, world.hosts[other]!, true);
    pass(world, 150);
    world.heal();
    pass(world, 2_000);
    expect(world.traces.map((trace) => views(trace).length)).toEqual(before);
  });

  it('the last word of somebody who is gone outranks nobody', () => {
    const engine = createEngine({ self: A, timers: LAN });
    const last = heartbeat(C, { view: viewId(7, C), size: 5, highest: 7 });
    engine.handle({ kind: 'heartbeat', member: C, heartbeat: last }, 0);
    const prepare = sent(meet(engine, B, 1), 'prepare')[0]!;
    const promise = { view: viewId(1, B), received: 0, stable: 0, fresh: true, absent: [] };
    const attempt = { epoch: prepare.epoch, proposer: A };
    const frame: Frame = { kind: 'promise', attempt, ...promise };
    expect(delivered(engine.handle({ kind: 'frame', member: B, frame }, 2))).toContain('view');
    const events: string[] = [];
    for (let now = 3; now < 900; now += 10)
      events.push(...delivered(engine.handle({ kind: 'timeout' }, now)));
    expect(events).not.toContain('outranked');
  });

  it('who is heard by nobody but hears the others is outranked, until it is heard again', () => {
    const world = calmWorld(3);
    const deafening = processOf(world.hosts[1]);
    for (const other of [0, 2]) world.cut(world.hosts[1]!, world.hosts[other]!, true);
    pass(world, 3_000);
    expect(lastView(processOf(world.hosts[0])).view.members).toHaveLength(2);
    expect(lastView(deafening).view.members).toHaveLength(1);
    expect(deafening.trace.events.findLast((event) => event.kind === 'outranked')).toMatchObject({
      by: lastView(processOf(world.hosts[0])).view.id,
    });
    world.heal();
    pass(world, 4_000);
    expect(lastView(deafening).view.members).toHaveLength(3);
    expect(deafening.trace.events.findLast((event) => event.kind === 'outranked')).toMatchObject({
      by: undefined,
    });
  });

  it('a pair that cannot hear each other does not make the group flap', () => {
    const world = calmWorld(3);
    world.cut(world.hosts[1]!, world.hosts[2]!, true);
    world.cut(world.hosts[2]!, world.hosts[1]!, true);
    pass(world, 2_000);
    const settled = world.traces.map((trace) => views(trace).length);
    pass(world, 60_000);
    expect(world.traces.map((trace) => views(trace).length)).toEqual(settled);
    expect(lastView(processOf(world.hosts[0])).view.members).toHaveLength(2);
  });
});

describe('restarts and names', () => {
  it('a crashed agent that comes back at once is another member, and the old one has failed', () => {
    const world = calmWorld(3);
    const old = processOf(world.hosts[1]);
    world.stop(old, true);
    const young = world.start(world.hosts[1]!);
    const at = world.now;
    pass(world, 1_000);
    const { view, at: when } = lastView(processOf(world.hosts[0]));
    expect(view.members).toContain(young.member);
    expect(view.members).not.toContain(old.member);
    expect(when - at).toBeLessThan(200);
  });

  it('a host that lost power and boots before anybody noticed rejoins as another member', () => {
    const world = calmWorld(3);
    world.powerOff(world.hosts[1]!);
    pass(world, 50);
    const young = world.start(world.hosts[1]!);
    pass(world, 3_000);
    expect(lastView(processOf(world.hosts[0])).view.members).toContain(young.member);
    expect(lastView(young).view.members).toHaveLength(3);
  });
});

describe('stalls', () => {
  it('a member that slept does not suspect the others, finds itself excluded and rejoins', () => {
    const world = calmWorld(3);
    const sleeper = processOf(world.hosts[1]);
    const before = views(sleeper.trace).length;
    world.pause(sleeper);
    pass(world, 5_000);
    expect(lastView(processOf(world.hosts[0])).view.members).toHaveLength(2);
    world.resume(sleeper);
    pass(world, 3_000);
    for (const host of world.hosts) expect(lastView(processOf(host)).view.members).toHaveLength(3);
    // Alone for a moment (it was excluded), then together again; never alone because it suspected the others.
    expect(views(sleeper.trace).length - before).toBeLessThanOrEqual(2);
  });

  it('a stall below the timeouts changes nothing', () => {
    const world = calmWorld(3);
    const before = world.traces.map((trace) => views(trace).length);
    world.pause(processOf(world.hosts[1]));
    pass(world, 700);
    world.resume(processOf(world.hosts[1]));
    pass(world, 2_000);
    expect(world.traces.map((trace) => views(trace).length)).toEqual(before);
  });
});

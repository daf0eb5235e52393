/** What a member is told of views that are better than its own, and of those its view went on without. */
import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/membership/detector.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction } from '../../../src/membership/events.ts';
import type { MemberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { calmWorld, lastView, pass, processOf } from '../../simulation/membership/calm-world.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import type { World } from '../../simulation/membership/world.ts';
import { A, B, C, delivered, follower, heartbeat, pair } from './scripted.ts';

/** What the member was told of better views since `from`: when, and what. */
function told(world: World, host: number, from: number): { at: number; what: string }[] {
  return processOf(world.hosts[host]).trace.events.flatMap((event) => {
    if (event.kind !== 'outranked' || event.at < from) return [];
    const what = event.by !== undefined ? 'outranked' : event.contested ? 'contested' : 'clear';
    return [{ at: event.at, what }];
  });
}

function viewAt(world: World, host: number, members: number): number {
  const events = processOf(world.hosts[host]).trace.events;
  const view = events.findLast((event) => event.kind === 'view' && event.view.members.length === members);
  return view?.at ?? Number.NaN;
}

describe('one whom nobody hears any more', () => {
  it('is contested as soon as it is alone, and outranked within a probe interval of the better view', () => {
    for (let offset = 0; offset < 70; offset += 10) {
      const world = calmWorld(3);
      pass(world, offset);
      const from = world.now;
      for (const other of [0, 2]) world.cut(world.hosts[1]!, world.hosts[other]!, true);
      pass(world, 1_500);
      const better = viewAt(world, 0, 2);
      const outranked = told(world, 1, from).find(({ what }) => what === 'outranked');
      expect(outranked!.at - better).toBeLessThan(2 * LAN.probe_interval_ms);
      const alone = viewAt(world, 1, 1);
      const first = told(world, 1, from)[0];
      expect(first!.at - alone).toBeLessThanOrEqual(0);
    }
  });
});

describe('a member that did not run for longer than others wait for its kernel', () => {
  it('is told before anything else, so that it trusts no release it reads now', () => {
    const engine = pair();
    const late = engine.nextTimeout()! + LAN.probe_timeout_ms;
    const frame = { kind: 'ordered', view: viewId(2, A), position: 1, sender: A, number: 1 } as const;
    const actions = engine.handle({ kind: 'frame', member: B, frame: frame as never }, late);
    expect(actions.find((action) => action.kind === 'deliver')).toMatchObject({
      event: { kind: 'outranked', by: undefined, reason: expect.stringContaining('late by') as string },
    });
    expect(
      engine
        .handle({ kind: 'timeout' }, engine.nextTimeout()! + 2)
        .some((action) => action.kind === 'deliver'),
    ).toBe(false);
  });
});

describe('a member that misses one of its view, while another shall propose', () => {
  const missed = (leaves: boolean) => {
    const engine = follower(B, [A, B, C]);
    const actions = leaves
      ? [...engine.handle({ kind: 'frame', member: C, frame: { kind: 'goodbye' } as never }, 10)]
      : [];
    actions.push(...engine.handle({ kind: 'stream-closed', member: C, reason: 'timed out' } as never, 10));
    return actions.flatMap((action) =>
      action.kind === 'deliver' && action.event.kind === 'outranked' ? [action.event.reason] : [],
    );
  };

  it('is told that the missing one may have gone on, so that it trusts no release it reads until then', () => {
    expect(missed(false)).toEqual([expect.stringContaining('may have gone on without us')]);
  });

  it('is told nothing of who said goodbye', () => {
    expect(missed(true)).toEqual([]);
  });
});

describe('a member that hears somebody of a lower view', () => {
  it('is reminded once in a while, though nothing outranks it: what is released in its view may be taken there', () => {
    const engine = follower(B, [A, B]);
    const reasons: string[] = [];
    const take = (actions: readonly EngineAction[]) => {
      for (const action of actions)
        if (action.kind === 'deliver' && action.event.kind === 'outranked') reasons.push(action.event.reason);
    };
    for (let now = 5; now < 900; now += 5) {
      take(engine.handle({ kind: 'timeout' }, now));
      const news = heartbeat(C, { number: now });
      if (now % 250 === 5) take(engine.handle({ kind: 'heartbeat', member: C, heartbeat: news }, now));
    }
    expect(reasons).toEqual([expect.stringContaining('is in another view')]);
  });
});

describe('one that serves alone and one that comes back alone, where nothing else passes for a while', () => {
  /** What `self`, alone since epoch 1, is told of another that is alone since that epoch. */
  function toldOf(self: MemberId, other: MemberId, epoch: number) {
    const engine = createEngine({ self, timers: LAN });
    const events: EngineAction[] = [];
    for (let now = 0; now < 5 * LAN.heartbeat_interval_ms; now += LAN.heartbeat_interval_ms / 5) {
      const news = heartbeat(other, { number: now + 1, view: viewId(epoch, other) });
      events.push(...engine.handle({ kind: 'heartbeat', member: other, heartbeat: news }, now));
      events.push(...engine.handle({ kind: 'timeout' }, now));
    }
    return delivered(events);
  }

  it('leaves the one that is there the longer as it is, whatever their names are', () => {
    expect(toldOf(B, A, 2)).not.toContain('outranked');
    expect(toldOf(A, B, 0)).toContain('outranked');
  });
});

describe('two that a better view cannot take in', () => {
  it('stay outranked when they join each other: the better view serves as before', () => {
    for (let offset = 0; offset < 250; offset += 50) {
      const world = calmWorld(5);
      const apart = (a: number, b: number, cut: boolean) => {
        world.cut(world.hosts[a]!, world.hosts[b]!, cut);
        world.cut(world.hosts[b]!, world.hosts[a]!, cut);
      };
      for (const lone of [3, 4]) for (const other of [1, 2]) apart(lone, other, true);
      apart(3, 4, true);
      pass(world, 4_000 + offset);
      for (const lone of [3, 4]) expect(told(world, lone, 0).at(-1)?.what).toBe('outranked');
      const from = world.now;
      apart(3, 4, false);
      pass(world, 3_000);
      expect(viewAt(world, 3, 2)).toBeGreaterThan(from);
      for (const lone of [3, 4]) expect(told(world, lone, from)).toEqual([]);
    }
  });
});

describe('a member whose host dies', () => {
  it('contests nobody: those that remain act at once', () => {
    const world = calmWorld(3);
    const from = world.now;
    world.powerOff(world.hosts[1]!);
    pass(world, 1_500);
    expect(viewAt(world, 0, 2)).toBeGreaterThan(from);
    for (const host of [0, 2])
      expect(told(world, host, from).filter(({ what }) => what !== 'clear')).toEqual([]);
  });
});

describe('a process that dies just after somebody joined', () => {
  it('contests nobody: its last word was of a view that the joiner never had', () => {
    for (let offset = 0; offset < 250; offset += 25) {
      const world = calmWorld(3);
      const [first, , joiner] = world.hosts;
      world.stop(processOf(joiner), true);
      pass(world, 2_000);
      world.start(joiner!);
      for (let waited = 0; lastViewSize(world) < 3 && waited < 5_000; waited++) pass(world, 1);
      pass(world, offset);
      const from = world.now;
      world.stop(processOf(first), true);
      pass(world, 1_000);
      expect(viewAt(world, 1, 2)).toBeGreaterThan(from);
      for (const host of [1, 2])
        expect(told(world, host, from).filter(({ what }) => what !== 'clear')).toEqual([]);
    }
  });

  function lastViewSize(world: World): number {
    return Math.min(...world.hosts.map((host) => lastView(processOf(host)).view.members.length));
  }
});

describe('datagrams of a member whose host does not answer', () => {
  function silentSince(at: number): Detector {
    const detector = new Detector(LAN);
    detector.opened();
    detector.probeSent(1, at - 70);
    detector.probeAnswered(1, at - 69);
    detector.heard(at - 1);
    detector.probeSent(2, at);
    return detector;
  }

  it('say nothing while they may have been sent before it died', () => {
    const detector = silentSince(1000);
    detector.heard(1000 + LAN.probe_interval_ms / 2);
    expect(detector.heardInSilence(1100)).toBe(false);
  });

  it('say that it lives when they come later, and that what we send does not arrive when they go on', () => {
    const detector = silentSince(1000);
    detector.heard(1040);
    expect([detector.heardInSilence(1041), detector.oneWay(1041)]).toEqual([true, false]);
    detector.heard(1040 + LAN.probe_interval_ms);
    expect(detector.oneWay(1120)).toBe(true);
    detector.closed(1121);
    expect(detector.oneWay(1122)).toBe(true);
    detector.opened();
    expect(detector.oneWay(1123)).toBe(false);
  });

  it('say nothing any more once it answers, nor where it never answered', () => {
    const detector = silentSince(1000);
    detector.heard(1040);
    detector.heard(1140);
    detector.probeAnswered(2, 1141);
    expect([detector.heardInSilence(1142), detector.oneWay(1142)]).toEqual([false, false]);
    const filtered = new Detector(LAN);
    filtered.opened();
    filtered.probeSent(1, 0);
    for (let at = 0; at < 900; at += 70) filtered.heard(at);
    expect([filtered.heardInSilence(900), filtered.oneWay(900)]).toEqual([false, false]);
  });
});

/** Signs of life that say nothing new take a short way through the engine; it must end where the long one ends. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction, SansIoEngine } from '../../../src/membership/events.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { A, B, delivered, heartbeat, pair } from './scripted.ts';

const VIEW = viewId(2, A);
const HEARS = [incarnationOf(A)];

function silenceOf(actions: readonly EngineAction[]): string[] {
  return actions.flatMap((action) =>
    action.kind === 'note' && action.what === 'does not hear' ? [action.reason] : [],
  );
}

/** B's heartbeats in the common view, from 10 ms on, each `apart` ms; the engine is called when it asked to be. */
function beating({ until, apart }: { readonly until: number; readonly apart: number }) {
  const engine = pair();
  let number = 1;
  for (let at = 10; at <= until; at += apart) {
    for (let due = engine.nextTimeout(); due !== undefined && due < at; due = engine.nextTimeout())
      expect(silenceOf(engine.handle({ kind: 'timeout' }, due))).toEqual([]);
    expect(silenceOf(engine.handle({ kind: 'tick' }, at))).toEqual([]);
    number += 1;
    const told = { view: VIEW, size: 2, highest: 2, hears: HEARS, number };
    engine.handle({ kind: 'heartbeat', member: B, heartbeat: heartbeat(B, told) }, at);
  }
  return { engine, number };
}

describe('routine signs of life', () => {
  it('keep a member heard, and its silence counts from the last of them', () => {
    const { engine } = beating({ until: 5_010, apart: 250 });
    const told: { at: number; reason: string }[] = [];
    for (let at = engine.nextTimeout(); at !== undefined && at < 8_000 && told.length === 0; ) {
      for (const reason of silenceOf(engine.handle({ kind: 'tick' }, at))) told.push({ at, reason });
      at = engine.nextTimeout();
    }
    expect(told[0]?.reason).toBe('its agent sends no heartbeats');
    expect(told[0]!.at).toBeGreaterThanOrEqual(5_010 + LAN.heartbeat_timeout_ms);
    expect(told[0]!.at).toBeLessThan(5_010 + LAN.heartbeat_timeout_ms + LAN.probe_interval_ms);
  });

  it.each([
    ['that it hears us no more', { hears: [] }],
    ['that it is in another view', { view: viewId(3, B), highest: 3 }],
    ['that its agent hangs', { well: false }],
  ])('are not routine when they say %s', (_, change) => {
    const { engine, number } = beating({ until: 510, apart: 250 });
    const told = { view: VIEW, size: 2, highest: 2, hears: HEARS, number: number + 1, ...change };
    const actions = engine.handle({ kind: 'heartbeat', member: B, heartbeat: heartbeat(B, told) }, 515);
    expect(actions).toContainEqual(expect.objectContaining({ kind: 'note', what: 'gather' }));
  });

  it('count probe answers', () => {
    const { engine, number } = beating({ until: 10, apart: 250 });
    const asked = engine
      .handle({ kind: 'timeout' }, 60)
      .flatMap((action) => (action.kind === 'probe' ? [action.probe] : []));
    expect(asked).toHaveLength(1);
    const answer = { kind: 'probe-answered', member: B, probe: asked[0]! } as const;
    engine.handle(answer, 60.5);
    const again = engine
      .handle({ kind: 'timeout' }, 60 + LAN.probe_interval_ms)
      .flatMap((action) => (action.kind === 'probe' ? [action.probe] : []));
    expect(engine.handle({ ...answer, probe: again[0]! }, 111)).toEqual([]);
    expect(engine.status().peers[0]).toMatchObject({ host: 'answers', roundTrip: expect.any(Number) });
    expect(number).toBe(2);
  });
});

/** Calls the engine when it asked to be, and each 200 ms with a tick; what it says and delivers, with when. */
function awake(
  engine: SansIoEngine,
  { from, until }: { readonly from: number; readonly until: number },
): { readonly at: number; readonly action: EngineAction }[] {
  const said: { at: number; action: EngineAction }[] = [];
  let tick = from;
  while (tick < until) {
    const at = Math.min(tick, engine.nextTimeout() ?? tick);
    const event = at === tick ? ({ kind: 'tick' } as const) : ({ kind: 'timeout' } as const);
    if (at === tick) tick += 200;
    for (const action of engine.handle(event, at)) said.push({ at, action });
  }
  return said;
}

describe('wakes and ticks while somebody is gone', () => {
  it('send heartbeats and nothing else, until it is forgotten', () => {
    const engine = pair();
    const closed = engine.handle({ kind: 'stream-closed', member: B, reason: 'the process is gone' }, 10);
    expect(delivered(closed)).toContain('view');
    awake(engine, { from: 11, until: 3_000 });
    const later = awake(engine, { from: 3_011, until: 590_000 });
    expect(new Set(later.map(({ action }) => action.kind))).toEqual(new Set(['heartbeat']));
    expect(engine.status().peers.map(({ member }) => member)).toEqual([B]);
    awake(engine, { from: 590_011, until: 602_000 });
    expect(engine.status().peers).toEqual([]);
  });

  it('tell that a better view is not heard any more', () => {
    const engine = createEngine({ self: A, timers: LAN });
    awake(engine, { from: 0, until: 1_000 });
    const better = { view: viewId(5, B), size: 2, highest: 5 };
    for (const number of [1, 2, 3, 4])
      engine.handle(
        { kind: 'heartbeat', member: B, heartbeat: heartbeat(B, { ...better, number }) },
        800 + 250 * number,
      );
    const told = awake(engine, { from: 1_801, until: 5_000 }).flatMap(({ at, action }) =>
      action.kind === 'deliver' && action.event.kind === 'outranked' ? [{ at, by: action.event.by }] : [],
    );
    expect(told.at(-1)).toMatchObject({ by: undefined });
    expect(told.at(-1)!.at).toBeLessThan(1_800 + LAN.heartbeat_timeout_ms + 2 * LAN.heartbeat_interval_ms);
  });
});

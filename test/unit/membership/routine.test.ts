/** Signs of life that say nothing new take a short way through the engine; it must end where the long one ends. */
import { describe, expect, it } from 'vitest';
import type { EngineAction } from '../../../src/membership/events.ts';
import { incarnationOf } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { LAN } from '../../simulation/membership/run-seed.ts';
import { A, B, heartbeat, pair } from './scripted.ts';

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

import { afterEach, describe, expect, test, vi } from 'vitest';
import { EngineDriver } from '../../../src/group/engine-driver.ts';
import type { EngineAction, EngineEvent } from '../../../src/membership/events.ts';

/** An engine that notes what it is told and answers with what a test wants. */
class Script {
  readonly events: EngineEvent[] = [];
  at: number | undefined;
  answer: (event: EngineEvent) => readonly EngineAction[] = () => [];

  readonly told: { kind: EngineEvent['kind']; now: number }[] = [];

  handle(event: EngineEvent, now: number): readonly EngineAction[] {
    this.events.push(event);
    this.told.push({ kind: event.kind, now });
    if (event.kind === 'timeout') this.at = undefined;
    return this.answer(event);
  }
  nextTimeout(): number | undefined {
    return this.at;
  }
  status() {
    return { state: 'operational', peers: [] } as const;
  }
  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}

function make(script: Script, clock: { now: number; suspended: number }) {
  const performed: EngineAction[] = [];
  const calls: string[] = [];
  const driver: EngineDriver = new EngineDriver({
    engine: script,
    clock: () => clock.now,
    bootClock: () => clock.now + clock.suspended,
    perform: (action) => {
      performed.push(action);
      calls.push('perform');
      if (action.kind === 'left') driver.post({ kind: 'tick' });
    },
    drain: () => {
      calls.push('drain');
      driver.post({ kind: 'probe-answered', member: 'b#0000000000000001' as never, probe: 1 });
    },
    stalled: () => undefined,
  });
  return { driver, performed, calls };
}

afterEach(() => vi.useRealTimers());

describe('engine driver', () => {
  test('an event posted by an action waits until the actions before it are done', () => {
    const script = new Script();
    const { driver, performed } = make(script, { now: 0, suspended: 0 });
    const note: EngineAction = { kind: 'note', level: 'info', what: 'w', reason: 'r' };
    script.answer = (event) => (event.kind === 'leave' ? [{ kind: 'left' }, note] : []);
    driver.post({ kind: 'leave' });
    expect(script.kinds()).toEqual(['leave', 'tick']);
    expect(performed.map(({ kind }) => kind)).toEqual(['left', 'note']);
    driver.stop();
  });

  test('sockets are read before a deadline is judged', () => {
    vi.useFakeTimers();
    const script = new Script();
    const clock = { now: 0, suspended: 0 };
    const { driver } = make(script, clock);
    script.at = 50;
    driver.post({ kind: 'tick' });
    clock.now = 50;
    vi.advanceTimersByTime(50);
    expect(script.kinds()).toEqual(['tick', 'timeout']);
    expect(script.events[1]).toMatchObject({ read: [{ kind: 'probe-answered', probe: 1 }] });
    driver.stop();
  });

  test('a timer that fires a fraction of a millisecond early needs no second one, and time goes on from there', () => {
    vi.useFakeTimers();
    const script = new Script();
    const clock = { now: 0, suspended: 0 };
    const { driver } = make(script, clock);
    script.at = 50;
    driver.post({ kind: 'tick' });
    clock.now = 49.4;
    vi.advanceTimersByTime(50);
    expect(script.told.at(-1)).toEqual({ kind: 'timeout', now: 50 });
    clock.now = 49.6;
    driver.post({ kind: 'tick' });
    expect(script.told.at(-1)).toEqual({ kind: 'tick', now: 50 });
    driver.stop();
  });

  test('after a stall the loop reads its sockets first, and the engine hears of the stall before the timeout', () => {
    vi.useFakeTimers();
    const script = new Script();
    const clock = { now: 0, suspended: 0 };
    const { driver } = make(script, clock);
    script.at = 50;
    driver.post({ kind: 'tick' });
    clock.now = 950;
    vi.advanceTimersToNextTimer();
    // Not judged in the timer's own turn: an immediate runs after the loop has read.
    expect(script.kinds()).toEqual(['tick']);
    driver.post({ kind: 'tick' });
    vi.runAllTimers();
    expect(script.kinds()).toEqual(['tick', 'tick', 'probe-answered', 'stalled', 'timeout']);
    expect(script.events.find(({ kind }) => kind === 'stalled')).toEqual({ kind: 'stalled', lateness: 900 });
    driver.stop();
  });

  test('time the machine was suspended counts as a stall, once', () => {
    vi.useFakeTimers();
    const script = new Script();
    const clock = { now: 0, suspended: 1000 };
    const { driver } = make(script, clock);
    driver.start();
    clock.suspended += 60_000;
    for (const at of [50, 100]) {
      script.at = at;
      driver.post({ kind: 'tick' });
      clock.now = at;
      vi.advanceTimersByTime(50);
      vi.runAllTimers();
    }
    expect(script.events.filter(({ kind }) => kind === 'stalled')).toEqual([
      { kind: 'stalled', lateness: 60_000 },
    ]);
    driver.stop();
  });

  test('after stop nothing reaches the engine', () => {
    const script = new Script();
    const { driver } = make(script, { now: 0, suspended: 0 });
    driver.stop();
    driver.post({ kind: 'tick' });
    expect(script.events).toEqual([]);
  });
});

/** What the providers' answers make of a holding. */
import { describe, expect, it } from 'vitest';
import { type Holding, type HoldingState, Holdings } from '../../../src/agent/holdings.ts';
import { takeAcquired, takeLost, takeReleased } from '../../../src/agent/outcomes.ts';
import { Turns } from '../../../src/agent/turns.ts';
import type { OutcomeCode } from '../../../src/provider/provider.ts';
import { vips } from './config.ts';

const [vip] = vips(1) as [ReturnType<typeof vips>[number]];
const settings = { retry_min_ms: 500, retry_max_ms: 30_000 };

function given(state: HoldingState): {
  holdings: Holdings;
  holding: Holding;
  now: number;
  settings: typeof settings;
  turns: Turns;
} {
  const holdings = new Holdings();
  const holding = holdings.of(vip);
  holdings.set(holding, state, 0);
  return { holdings, holding, now: 1000, settings, turns: new Turns() };
}

const says = (held: boolean, code: OutcomeCode = 'ok') => [{ vip: vip.id, held, code, reason: 'test' }];

describe('the answer to an acquire', () => {
  it('that failed and left something up has it taken away, and counts as failed only then', () => {
    const context = given('acquiring');
    const actions = takeAcquired(says(true, 'failed'), context);
    expect(actions.map(({ kind }) => kind)).toEqual(['release']);
    expect([context.holding.state, context.holding.retryAt]).toEqual(['releasing', undefined]);
    takeReleased(says(false), { ...context, now: 1100 });
    expect([context.holding.state, context.holding.retryAt]).toEqual(['idle', 1600]);
  });

  it('that was broken off but is up is held, to be let go by whoever broke it off', () => {
    const context = given('cancelling');
    takeAcquired(says(true, 'aborted'), context);
    expect(context.holding.state).toBe('held');
  });

  it('that was broken off is no failure', () => {
    const context = given('cancelling');
    takeAcquired(says(false, 'failed'), context);
    expect([context.holding.state, context.holding.failures]).toEqual(['idle', 0]);
  });

  it('nobody waits for changes nothing', () => {
    const context = given('idle');
    takeAcquired(says(true), context);
    expect(context.holding.state).toBe('idle');
  });
});

describe('the answer to a release', () => {
  it('that failed has it tried again', () => {
    const context = given('releasing');
    takeReleased(says(true, 'failed'), context);
    expect([context.holding.state, context.holding.releaseAgainAt]).toEqual(['releasing', 1200]);
  });

  it('nobody waits for changes nothing', () => {
    const context = given('held');
    expect(takeReleased(says(false), context)).toEqual([]);
    expect(context.holding.state).toBe('held');
  });
});

describe('an address that vanished', () => {
  it('counts where it was held, and not where it is being taken away anyway', () => {
    for (const [state, then] of [
      ['held', 'idle'],
      ['releasing', 'releasing'],
    ] as const) {
      const context = given(state);
      takeLost([{ vip: vip.id, reason: 'test' }], context);
      expect(context.holding.state).toBe(then);
    }
  });
});

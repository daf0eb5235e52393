/** What the providers answered, turned into the state of the holdings, words for the log, and failures to tell the group. */
import type { Instant } from '../model/time.ts';
import type { VipId } from '../model/vip.ts';
import type { VipOutcome } from '../provider/provider.ts';
import type { AgentAction } from './events.ts';
import { type Holdings, LOSSES_MAX, type RetrySettings } from './holdings.ts';
import type { Turns } from './turns.ts';

export interface OutcomeContext {
  readonly holdings: Holdings;
  readonly settings: RetrySettings;
  /** Where comings and goings are told. */
  readonly turns: Turns;
  readonly now: Instant;
}

/** A release that failed is tried again after this. */
const RELEASE_AGAIN = 200;

/** Failures are told to the group by `reconcile`, which sees them in the holdings. */
export function takeAcquired(
  outcomes: readonly VipOutcome[],
  context: OutcomeContext,
): readonly AgentAction[] {
  const notes: AgentAction[] = [];
  const { holdings, now } = context;
  for (const { vip, held, code, reason } of outcomes) {
    const holding = holdings.get(vip);
    if (holding === undefined || (holding.state !== 'acquiring' && holding.state !== 'cancelling')) continue;
    if (held && code !== 'ok' && code !== 'aborted') {
      // Nobody knows what is up: take it away, then count it as failed.
      holding.broken = `${code}: ${reason}`;
      holdings.set(holding, 'releasing', now);
      notes.push({ kind: 'release', vips: [holding.vip], reason: holding.broken });
    } else if (held) {
      holding.failures = 0;
      holdings.set(holding, 'held', now);
      context.turns.came(holding.vip, reason);
      notes.push({ kind: 'note', level: 'info', what: 'acquired', reason, vip });
    } else if (code === 'aborted' || holding.state === 'cancelling') {
      holdings.set(holding, 'idle', now);
    } else {
      holdings.failed(holding, `${code}: ${reason}`, context);
      notes.push({ kind: 'note', level: 'warn', what: 'acquire failed', reason: `${code}: ${reason}`, vip });
    }
    if (!held && holding.retired) holdings.forget(vip);
  }
  return notes;
}

export function takeReleased(
  outcomes: readonly VipOutcome[],
  context: OutcomeContext,
): readonly AgentAction[] {
  const { holdings, now } = context;
  const notes: AgentAction[] = [];
  for (const { vip, held, reason } of outcomes) {
    const holding = holdings.get(vip);
    if (holding === undefined || holding.state !== 'releasing') continue;
    if (held) {
      holding.releaseAgainAt = now + RELEASE_AGAIN;
      notes.push({ kind: 'note', level: 'error', what: 'release failed', reason, vip });
      continue;
    }
    notes.push({ kind: 'note', level: 'info', what: 'released', reason, vip });
    context.turns.went(vip, reason);
    if (holding.broken !== undefined) holdings.failed(holding, holding.broken, context);
    holding.broken = undefined;
    holdings.set(holding, 'idle', now);
    if (holding.retired) holdings.forget(vip);
  }
  return notes;
}

/** An address vanished behind our back: put it back (the next reconcile does), unless that happens all the time. */
export function takeLost(
  lost: readonly { readonly vip: VipId; readonly reason: string }[],
  context: OutcomeContext,
): readonly AgentAction[] {
  const notes: AgentAction[] = [];
  const { holdings, now } = context;
  for (const { vip, reason } of lost) {
    const holding = holdings.get(vip);
    if (holding === undefined || holding.state !== 'held') continue;
    holdings.set(holding, 'idle', now);
    notes.push({ kind: 'note', level: 'warn', what: 'lost', reason, vip });
    context.turns.went(vip, reason);
    if (!holdings.lostTooOften(holding, now)) continue;
    holdings.failed(holding, `lost more than ${LOSSES_MAX} times in a row: ${reason}`, context);
  }
  return notes;
}

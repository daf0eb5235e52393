/** What the client saw, as outages in a window of time. Pure. */
import type { Instant, Millis } from '../model/time.ts';
import type { Turn } from './verdicts.ts';

export interface Window {
  readonly from: Instant;
  readonly to: Instant;
}

/** Requests sent from `from` until `to` stayed unanswered. */
export interface Outage {
  readonly address: string;
  readonly from: Instant;
  readonly to: Instant;
  /** The VIP did not answer again within the window. */
  readonly open: boolean;
}

/**
 * The outages of one address that overlap the window, each clipped to it. Before the first turn nothing had been asked,
 * which is no outage.
 */
export function outagesOf(address: string, turns: readonly Turn[], window: Window): readonly Outage[] {
  const outages: Outage[] = [];
  for (const [index, turn] of turns.entries()) {
    const end = turns[index + 1]?.at;
    if (turn.up || turn.at >= window.to || (end ?? window.to) <= window.from) continue;
    outages.push({
      address,
      from: Math.max(turn.at, window.from),
      to: Math.min(end ?? window.to, window.to),
      open: end === undefined || end > window.to,
    });
  }
  return outages;
}

export function longest(outages: readonly Outage[]): Millis {
  return outages.reduce((most, { from, to }) => Math.max(most, to - from), 0);
}

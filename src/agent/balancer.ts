/** When the representative proposes moves, and which. */
import { type Move, proposeMoves } from '../allocation/rebalance.ts';
import type { BalanceConfig } from '../config/config.ts';
import type { MemberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { VipId } from '../model/vip.ts';
import type { History } from './history.ts';
import type { Table } from './table.ts';

export interface BalanceInput {
  readonly now: Instant;
  readonly settings: BalanceConfig;
  readonly history: History;
  /** When the present view was installed: who joined with it rests for the hold-down. */
  readonly viewSince: Instant;
}

/** Between the rounds of a rebalance that an operator asked for. */
const FORCED_INTERVAL = 200;

/** Every member hears the wish, one carries it out; should that one go, the next does, unless it was long ago. */
const FORCED_LIFE = 30_000;

export class Balancer {
  nextAt: Instant | undefined;
  #forcedUntil: Instant | undefined;

  settled(now: Instant, settings: BalanceConfig): void {
    if (this.#isForced(now)) this.nextAt = now;
    else this.nextAt = settings.enabled ? now + settings.interval_ms : undefined;
  }

  /** An operator asked: at once, hold-down or not. */
  force(now: Instant): void {
    this.#forcedUntil = now + FORCED_LIFE;
    this.nextAt = now;
  }

  due(table: Table, input: BalanceInput): Move[] {
    const { now, settings } = input;
    if (this.nextAt === undefined || now < this.nextAt) return [];
    if (this.#isForced(now)) this.nextAt = now + FORCED_INTERVAL;
    else this.nextAt = settings.enabled ? now + settings.interval_ms : undefined;
    if (table.busy) return [];
    const moves = proposeMoves({
      candidates: table.candidates(),
      vips: [...table.rows.values()].map((row) => row.vip),
      allocated: allocatedIn(table),
      fixed: this.#fixed(table, input),
      resting: this.#resting(table, input),
      moves_max: settings.moves_per_round_max,
    });
    if (moves.length === 0) {
      this.#forcedUntil = undefined;
      this.nextAt = settings.enabled ? now + settings.interval_ms : undefined;
    }
    return moves;
  }

  #isForced(now: Instant): boolean {
    return this.#forcedUntil !== undefined && now < this.#forcedUntil;
  }

  #fixed(table: Table, { now, settings, history }: BalanceInput): Set<VipId> {
    const fixed = new Set<VipId>();
    for (const row of table.rows.values()) {
      const since = history.since(row.vip.id) ?? now;
      if (table.isPinned(row.vip.id) || (!this.#isForced(now) && now - since < settings.hold_down_ms))
        fixed.add(row.vip.id);
    }
    return fixed;
  }

  #resting(table: Table, { now, settings, viewSince }: BalanceInput): Set<MemberId> {
    if (this.#isForced(now) || now - viewSince >= settings.hold_down_ms) return new Set();
    return new Set(table.view.joined);
  }
}

function allocatedIn(table: Table): Map<VipId, MemberId> {
  const allocated = new Map<VipId, MemberId>();
  for (const row of table.rows.values()) if (row.target !== undefined) allocated.set(row.vip.id, row.target);
  return allocated;
}

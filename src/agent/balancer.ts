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

export class Balancer {
  nextAt: Instant | undefined;
  #forced = false;

  settled(now: Instant, settings: BalanceConfig): void {
    if (this.#forced) this.nextAt = now;
    else this.nextAt = settings.enabled ? now + settings.interval_ms : undefined;
  }

  /** An operator asked: at once, hold-down or not. */
  force(now: Instant): void {
    this.#forced = true;
    this.nextAt = now;
  }

  due(table: Table, input: BalanceInput): Move[] {
    const { now, settings } = input;
    if (this.nextAt === undefined || now < this.nextAt) return [];
    if (this.#forced) this.nextAt = now + FORCED_INTERVAL;
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
      this.#forced = false;
      this.nextAt = settings.enabled ? now + settings.interval_ms : undefined;
    }
    return moves;
  }

  #fixed(table: Table, { now, settings, history }: BalanceInput): Set<VipId> {
    const fixed = new Set<VipId>();
    for (const row of table.rows.values()) {
      const since = history.since(row.vip.id) ?? now;
      if (table.isPinned(row.vip.id) || (!this.#forced && now - since < settings.hold_down_ms))
        fixed.add(row.vip.id);
    }
    return fixed;
  }

  #resting(table: Table, { now, settings, viewSince }: BalanceInput): Set<MemberId> {
    if (this.#forced || now - viewSince >= settings.hold_down_ms) return new Set();
    return new Set(table.view.joined);
  }
}

function allocatedIn(table: Table): Map<VipId, MemberId> {
  const allocated = new Map<VipId, MemberId>();
  for (const row of table.rows.values()) if (row.target !== undefined) allocated.set(row.vip.id, row.target);
  return allocated;
}

/** Since when each VIP is as it is, and what changed lately and why: for status and the log, never for decisions. */
import { type MemberId, nameOf } from '../model/member.ts';
import type { VipStatus } from '../model/status.ts';
import type { Instant } from '../model/time.ts';
import type { VipId } from '../model/vip.ts';
import type { Row } from './row.ts';

export type RowState = VipStatus['state'];

export interface PastChange {
  readonly at: Instant;
  readonly what: string;
  readonly reason: string;
}

/** What a row was when it was last looked at. */
interface Seen {
  readonly state: RowState;
  readonly confirmed: MemberId | undefined;
  readonly target: MemberId | undefined;
}

const CHANGES_MAX = 100;

export class History {
  readonly #seen = new Map<VipId, Seen>();
  readonly #since = new Map<VipId, Instant>();
  readonly #changes: PastChange[] = [];

  get changes(): readonly PastChange[] {
    return this.#changes;
  }

  since(vip: VipId): Instant | undefined {
    return this.#since.get(vip);
  }

  note(change: PastChange): void {
    this.#changes.push(change);
    if (this.#changes.length > CHANGES_MAX) this.#changes.shift();
  }

  /** Compares the row with what it was; a row that became held or unserved is a change worth telling. */
  observe(row: Row, now: Instant): PastChange | undefined {
    const state = stateOf(row);
    const { confirmed, target } = row;
    const before = this.#seen.get(row.vip.id);
    if (before?.state === state && before.confirmed === confirmed && before.target === target)
      return undefined;
    this.#seen.set(row.vip.id, { state, confirmed, target });
    this.#since.set(row.vip.id, now);
    if (state !== 'held' && state !== 'unserved') return undefined;
    const what =
      state === 'held' ? `${row.vip.id} is held by ${nameIf(row.confirmed)}` : `${row.vip.id} is unserved`;
    const change = { at: now, what, reason: row.reason };
    this.note(change);
    return change;
  }

  forget(vip: VipId): void {
    this.#seen.delete(vip);
    this.#since.delete(vip);
  }
}

export function stateOf(row: Row): RowState {
  if (row.target === undefined) return row.holders.length > 0 ? 'releasing' : 'unserved';
  if (row.confirmed === row.target) return 'held';
  return row.holders.some((member) => member !== row.target) ? 'waiting' : 'acquiring';
}

function nameIf(member: MemberId | undefined): string {
  return member === undefined ? 'nobody' : nameOf(member);
}

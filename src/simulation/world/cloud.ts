/**
 * A cloud's register of addresses: one row an address, one holder a row, changed in one step by whoever asks, from wherever it
 * stands. Looks may be old. It outlives agents and hosts: a host that comes back is brought what is still written for it.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** By how much a look may be old. */
export const STALE_MAX: Millis = 150;

interface Row {
  holder: Host | undefined;
  /** Highest fence it was taken under by a VIP of policy `primary`. */
  fence: number;
  readonly past: { readonly until: Instant; readonly holder: Host | undefined }[];
}

export class Cloud {
  readonly #world: World;
  readonly #rows = new Map<string, Row>();

  constructor(world: World) {
    this.#world = world;
  }

  /** From whoever has it, unless that was later: then it says who. `fence` undefined: it is of no policy that has one. */
  assign(address: string, to: Host, fence: number | undefined): string | undefined {
    const row = this.#row(address);
    if (fence !== undefined && fence < row.fence)
      return `taken under fence ${row.fence}, which is later than ${fence}`;
    row.fence = Math.max(row.fence, fence ?? 0);
    this.#change(address, row, to);
    return undefined;
  }

  /** Only from whom it is: a late word takes nothing from the next holder. */
  unassign(address: string, from: Host): void {
    const row = this.#row(address);
    if (row.holder === from) this.#change(address, row, undefined);
  }

  holder(address: string): Host | undefined {
    return this.#row(address).holder;
  }

  /** As a look sees it, which may be old. */
  seen(address: string): Host | undefined {
    const at = this.#world.now - this.#world.random.between(0, STALE_MAX);
    const { past, holder } = this.#row(address);
    return (
      past.find(({ until }) => until > at)?.holder ??
      (past.some(({ until }) => until > at) ? undefined : holder)
    );
  }

  of(host: Host): string[] {
    return [...this.#rows].filter(([, { holder }]) => holder === host).map(([address]) => address);
  }

  #row(address: string): Row {
    const row = this.#rows.get(address) ?? { holder: undefined, fence: 0, past: [] };
    this.#rows.set(address, row);
    return row;
  }

  #change(address: string, row: Row, to: Host | undefined): void {
    if (row.holder === to) return;
    const { now } = this.#world;
    while (row.past[0] !== undefined && row.past[0].until < now - STALE_MAX) row.past.shift();
    row.past.push({ until: now, holder: row.holder });
    const from = row.holder;
    row.holder = to;
    from?.brought(address, false);
    to?.brought(address, true);
  }
}

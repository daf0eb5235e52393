/**
 * Which VIPs came to this host and which went, for hooks and for nothing else: no decision is made by it. A VIP came when its
 * provider confirmed it, and went when it is gone for certain, whoever took it. Comings and goings of a VIP alternate.
 */
import type { HookEvent } from '../config/hooks-section.ts';
import type { ViewId } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { AgentAction } from './events.ts';
import type { Holdings } from './holdings.ts';
import type { Table } from './table.ts';

/** Where and why it happens; what is absent is not known. */
export interface TurnContext {
  readonly view: { readonly id: ViewId; readonly epoch: number } | undefined;
  readonly table: Pick<Table, 'rows'> | undefined;
}

interface Turn {
  readonly vip: Vip;
  readonly up: boolean;
  readonly reason: string;
}

export class Turns {
  readonly #up = new Map<VipId, Vip>();
  readonly #turns: Turn[] = [];
  readonly #round = { up: new Map<VipId, Vip>(), down: new Map<VipId, Vip>() };

  came(vip: Vip, reason: string): void {
    if (this.#up.has(vip.id)) return;
    this.#up.set(vip.id, vip);
    this.#turns.push({ vip, up: true, reason });
  }

  /** Nothing for what had never come (an acquire that was undone). */
  went(id: VipId, reason: string): void {
    const vip = this.#up.get(id);
    if (vip === undefined) return;
    this.#up.delete(id);
    this.#turns.push({ vip, up: false, reason });
  }

  /** What happened since it was last asked; at the end of a round also that it is over. */
  take(holdings: Holdings, context: TurnContext): readonly AgentAction[] {
    if (this.#turns.length === 0 && this.#round.up.size === 0 && this.#round.down.size === 0) return [];
    const actions = this.#turns.splice(0).map((turn) => this.#tell(turn, context));
    const states = new Set([...holdings.all()].map(({ state }) => state));
    // A round is over when nothing more of its kind is under way.
    if (!states.has('releasing')) actions.push(...this.#close('down', context));
    if (!states.has('acquiring') && !states.has('cancelling')) actions.push(...this.#close('up', context));
    return actions;
  }

  #tell({ vip, up, reason }: Turn, context: TurnContext): AgentAction {
    this.#round[up ? 'up' : 'down'].set(vip.id, vip);
    const why = up ? (context.table?.rows.get(vip.id)?.reason ?? reason) : reason;
    return hook(up ? 'on_up' : 'on_down', { vips: [vip], reason: why, context });
  }

  #close(kind: 'up' | 'down', context: TurnContext): AgentAction[] {
    const vips = [...this.#round[kind].values()];
    this.#round[kind].clear();
    if (vips.length === 0) return [];
    const reason = `the round is over: ${vips.length} ${kind === 'up' ? 'acquired' : 'released or lost'}`;
    return [hook(kind === 'up' ? 'post_up' : 'post_down', { vips, reason, context })];
  }
}

interface Details {
  readonly vips: readonly Vip[];
  readonly reason: string;
  readonly context: TurnContext;
}

function hook(event: HookEvent, { vips, reason, context }: Details): AgentAction {
  const { view } = context;
  return { kind: 'hook', event, vips, reason, ...(view && { view: { id: view.id, epoch: view.epoch } }) };
}

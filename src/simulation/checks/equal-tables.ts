/** Members of one view that have been delivered the same messages tell the same allocation. */
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Observer, World } from '../world/world.ts';

export class EqualTables implements Observer {
  readonly #seen = new Map<string, { readonly by: string; readonly table: string }>();
  readonly #stride: number;
  compared = 0;

  constructor(world: World) {
    // Where much would have to be compared, only a part of the prefixes is.
    this.#stride = Math.max(1, Math.floor((world.options.members * world.options.vips) / 20));
  }

  delivered(agent: AgentProcess): void {
    const { view, prefix } = agent.facts;
    if (view === undefined || prefix < 0 || prefix % this.#stride !== 0) return;
    if (agent.core.phase !== 'settled') return;
    const status = agent.core.status(0, 0);
    const members = status.members.map(({ name, mature, draining, reported }) => [
      name,
      mature,
      draining,
      reported,
    ]);
    const common = this.#tell(agent, { key: 'members', table: JSON.stringify(members) });
    for (const { vip, holder, allocated, state } of status.vips) {
      if (!common) return;
      this.#tell(agent, { key: vip, table: `${state} holder ${holder} allocated ${allocated}` });
    }
  }

  #tell(agent: AgentProcess, { key, table }: { readonly key: string; readonly table: string }): boolean {
    const { view, prefix } = agent.facts;
    const place = `${view?.id} ${prefix} ${key}`;
    const other = this.#seen.get(place);
    if (other === undefined) this.#seen.set(place, { by: agent.host.name, table });
    else {
      this.compared += 1;
      if (other.table !== table)
        throw new Breach(
          'equal-tables',
          `${key} in view ${view?.id}: ${agent.host.name} says ${table}, ${other.by} said ${other.table} after the same messages`,
        );
    }
    return true;
  }
}

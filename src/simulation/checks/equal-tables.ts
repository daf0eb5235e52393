/** I4: members of one view that have been delivered the same messages tell the same allocation. */
import { stateOf } from '../../agent/history.ts';
import type { Table } from '../../agent/table.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import type { Observer, World } from '../world/world.ts';

interface Told {
  readonly by: string;
  readonly text: string;
}

export class EqualTables implements Observer {
  readonly #seen = new Map<string, Told>();
  readonly #stride: number;
  compared = 0;

  constructor(world: World) {
    // Where much would have to be compared, only a part of the prefixes is.
    this.#stride = Math.max(1, Math.floor((world.hosts.length * world.vips.length) / 20));
  }

  delivered(agent: AgentProcess): void {
    const { view, prefix } = agent.facts;
    if (view === undefined || prefix < 0 || prefix % this.#stride !== 0) return;
    const { table } = agent.core;
    if (table === undefined || agent.core.phase !== 'settled') return;
    const place = `${prefix} ${view.id}`;
    const own = { by: agent.host.name, text: textOf(table) };
    const other = this.#seen.get(place);
    if (other === undefined) this.#seen.set(place, own);
    else {
      this.compared += 1;
      if (other.text !== own.text) this.#compare(own, other, place);
    }
  }

  /** With differing configurations each knows VIPs of its own; those both know must be equal. */
  #compare(own: Told, other: Told, place: string): void {
    const lines = new Map(other.text.split('\n').map((line) => [subjectOf(line), line]));
    for (const line of own.text.split('\n')) {
      const before = lines.get(subjectOf(line)) ?? line;
      if (before === line) continue;
      throw new Breach(
        'equal-tables',
        `after ${place}: ${own.by} says “${line}”, ${other.by} said “${before}” after the same messages`,
      );
    }
  }
}

/** A line for each member and for each VIP. */
function textOf(table: Table): string {
  let text = '';
  for (const { member, reported, standing } of table.seats.values())
    text += `${member} mature ${standing.mature} draining ${standing.draining} reported ${reported}\n`;
  for (const row of table.rows.values())
    text += `${row.vip.id} ${stateOf(row)} holder ${row.confirmed} allocated ${row.target}\n`;
  return text;
}

function subjectOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}

/** Operator commands under way: checked at the door, ordered by the group, answered when they have taken effect. */
import { nameOf } from '../model/member.ts';
import type { CommandErrorCode, CommandResult, OperatorCommand } from '../model/operator.ts';
import type { View } from '../model/view.ts';
import type { AgentAction } from './events.ts';
import type { AgentMessage } from './messages.ts';
import type { Table } from './table.ts';

export interface CommandContext {
  /** Why nothing can be ordered now; undefined: it can. */
  readonly trouble: string | undefined;
  readonly view: View | undefined;
  readonly table: Table | undefined;
  readonly self: string;
}

type OperatorMessage = Extract<AgentMessage, { kind: 'operator' }>;

export class Commands {
  readonly #pending = new Set<number>();
  #postponed: OperatorMessage[] = [];
  /** Delivered while reports were collected: they take effect with the table. */
  #waiting: OperatorMessage[] = [];

  begin(
    { number, command }: { number: number; command: OperatorCommand },
    context: CommandContext,
  ): AgentAction[] {
    const refusal = refuse(command, context);
    if (refusal) return [{ kind: 'answer', number, result: refusal }];
    this.#pending.add(number);
    return [{ kind: 'multicast', message: { kind: 'operator', command, via: context.self, number } }];
  }

  /** Came while the old view was ending, when some members may miss it: said again in the next view. */
  postpone(message: OperatorMessage, own: boolean): void {
    if (own) this.#postponed.push(message);
  }

  wait(message: OperatorMessage, own: boolean): void {
    if (own) this.#waiting.push(message);
  }

  /** For a new view: what the old one did not carry out. */
  again(): OperatorMessage[] {
    const messages = [...this.#postponed, ...this.#waiting];
    this.#postponed = [];
    this.#waiting = [];
    return messages;
  }

  /** The table is there, and has carried out what waited for it. */
  settled(table: Table): AgentAction[] {
    const messages = this.#waiting;
    this.#waiting = [];
    return messages.flatMap((message) => this.delivered(message, objectionTo(message.command, table)));
  }

  /** @param objection why the command came to nothing after all; undefined: it took effect */
  delivered(message: OperatorMessage, objection: string | undefined): AgentAction[] {
    if (!this.#pending.delete(message.number)) return [];
    const result: CommandResult =
      objection === undefined
        ? { ok: true, message: describe(message.command) }
        : { ok: false, code: 'not-eligible', message: objection };
    return [{ kind: 'answer', number: message.number, result }];
  }

  fail(code: CommandErrorCode, message: string): AgentAction[] {
    const numbers = [...this.#pending];
    this.#pending.clear();
    this.#postponed = [];
    this.#waiting = [];
    return numbers.map((number) => ({ kind: 'answer', number, result: { ok: false, code, message } }));
  }
}

/** Why a move cannot be carried out by the table at hand. */
export function objectionTo(command: OperatorCommand, table: Table | undefined): string | undefined {
  if (command.kind !== 'move' || table === undefined) return undefined;
  const objection = table.objection(command.to, command.vip);
  return objection === undefined ? undefined : `${command.to} cannot hold ${command.vip}: ${objection}`;
}

function refuse(command: OperatorCommand, context: CommandContext): CommandResult | undefined {
  const { trouble, view, table } = context;
  if (trouble !== undefined || view === undefined) {
    return {
      ok: false,
      code: 'detached',
      message: `not connected to the group: ${trouble ?? 'still joining'}`,
    };
  }
  if (command.kind === 'rebalance') return undefined;
  const names = view.members.map(nameOf);
  const member = command.kind === 'move' ? command.to : command.member;
  if (!names.includes(member)) {
    return {
      ok: false,
      code: 'unknown-member',
      message: `no member ${member} in the present view (${names.join(', ')})`,
    };
  }
  if (command.kind !== 'move') return undefined;
  if (table !== undefined && !table.rows.has(command.vip)) {
    const known = [...table.rows.keys()].slice(0, 10).join(', ');
    return {
      ok: false,
      code: 'unknown-vip',
      message: `no VIP ${command.vip}; there are ${known}${table.rows.size > 10 ? ', …' : ''}`,
    };
  }
  const objection = objectionTo(command, table);
  return objection === undefined ? undefined : { ok: false, code: 'not-eligible', message: objection };
}

function describe(command: OperatorCommand): string {
  switch (command.kind) {
    case 'drain':
      return `${command.member} is draining: it hands over what it holds and is given nothing`;
    case 'undrain':
      return `${command.member} takes part again; rebalancing will give it its share`;
    case 'move':
      return `${command.vip} moves to ${command.to} and stays there until a rebalance is asked for`;
    case 'rebalance':
      return 'pins are forgotten and the load is evened out in rounds';
  }
}

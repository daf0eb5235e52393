/** Collects the actions of one call of the core, in order. */
import type { VipId } from '../model/vip.ts';
import type { AgentAction } from './events.ts';
import type { AgentMessage } from './messages.ts';

export type NoteLevel = Extract<AgentAction, { kind: 'note' }>['level'];

export class Outbox {
  #actions: AgentAction[] = [];

  /** The actions so far; the next call starts a new list. */
  take(): readonly AgentAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  push(...actions: readonly AgentAction[]): void {
    for (const action of actions) this.#actions.push(action);
  }

  say(message: AgentMessage): void {
    this.#actions.push({ kind: 'multicast', message });
  }

  note(level: NoteLevel, what: string, because: { readonly reason: string; readonly vip?: VipId }): void {
    this.#actions.push({ kind: 'note', level, what, ...because });
  }
}
